package io.headway.predictors.length;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Classifies requests by counting: how often each bucket occurred among finished requests with the
 * same tenant, template and order of prompt length, {@code floor(log2(p + 1))}.
 *
 * <p>Every observation counts at three levels: its key, its template, and all. A prediction uses
 * the first level with at least {@code minSamples} observations (the last always qualifies),
 * probability {@code (n_j + 1) / (N + J)} for each of the {@code J} buckets, and answers the most
 * probable bucket, ties to the larger one. O(J), no allocation per prediction; mutable, not
 * thread-safe. At most {@value #MAX_KEYS} tenants and templates are kept apart; observations of
 * further ones count at the levels that exist. A stand-in, without a neural network, for the length
 * classifiers of S3 (NeurIPS 2023) and TetriInfer (arXiv 2401.11181).
 */
public final class BucketCounts {
  /** Most templates, and most (tenant, template) pairs, kept apart. */
  public static final int MAX_KEYS = 4096;

  /** What a prediction was counted from. */
  public enum Level {
    /** Same tenant, template and order of prompt length. */
    KEY,
    /** Same template. */
    TEMPLATE,
    /** All. */
    GLOBAL
  }

  private static final int ORDERS = 32;

  private final int buckets;
  private final int minSamples;
  private final long[] all;
  private final Map<String, long[]> byTemplate = new HashMap<>();
  private final Map<String, Map<String, long[][]>> byTenant = new HashMap<>();
  private int pairs;

  /**
   * Makes empty counts.
   *
   * @param buckets {@code J}, at least 1
   * @param minSamples observations before a level is used, at least 1
   * @throws IllegalArgumentException if a value is below 1
   */
  public BucketCounts(int buckets, int minSamples) {
    if (buckets < 1 || minSamples < 1) {
      throw new IllegalArgumentException(
          "buckets and minSamples must be at least 1, but were " + buckets + " and " + minSamples);
    }
    this.buckets = buckets;
    this.minSamples = minSamples;
    all = new long[buckets + 1];
  }

  /**
   * Counts one finished request.
   *
   * @param tenant who paid
   * @param template the kind of work
   * @param promptTokens at least 0 tokens
   * @param bucket 0 to {@code buckets - 1}
   * @throws IndexOutOfBoundsException if there is no such bucket
   */
  public void observe(String tenant, String template, int promptTokens, int bucket) {
    Objects.checkIndex(bucket, buckets);
    int order = orderOf(promptTokens);
    count(all, bucket);
    long[] ofTemplate = byTemplate.get(template);
    if (ofTemplate == null && byTemplate.size() < MAX_KEYS) {
      ofTemplate = new long[buckets + 1];
      byTemplate.put(template, ofTemplate);
    }
    if (ofTemplate != null) {
      count(ofTemplate, bucket);
    }
    long[][] ofPair = pair(tenant, template);
    if (ofPair == null && pairs < MAX_KEYS) {
      ofPair = new long[ORDERS][];
      byTenant.computeIfAbsent(tenant, name -> new HashMap<>()).put(template, ofPair);
      pairs++;
    }
    if (ofPair != null) {
      if (ofPair[order] == null) {
        ofPair[order] = new long[buckets + 1];
      }
      count(ofPair[order], bucket);
    }
  }

  /**
   * Returns what a prediction would be counted from.
   *
   * @param tenant who pays
   * @param template the kind of work
   * @param promptTokens at least 0 tokens
   * @return the first level with enough observations
   */
  public Level level(String tenant, String template, int promptTokens) {
    long[] used = counts(tenant, template, promptTokens);
    if (used == all) {
      return Level.GLOBAL;
    }
    return used == byTemplate.get(template) ? Level.TEMPLATE : Level.KEY;
  }

  /**
   * Returns the most probable bucket.
   *
   * @param tenant who pays
   * @param template the kind of work
   * @param promptTokens at least 0 tokens
   * @return 0 to {@code buckets - 1}; ties to the larger
   */
  public int predict(String tenant, String template, int promptTokens) {
    long[] counts = counts(tenant, template, promptTokens);
    int best = 0;
    for (int j = 1; j < buckets; j++) {
      if (counts[j] >= counts[best]) {
        best = j;
      }
    }
    return best;
  }

  /**
   * Returns the probability of every bucket.
   *
   * @param tenant who pays
   * @param template the kind of work
   * @param promptTokens at least 0 tokens
   * @return one number per bucket, summing to 1
   */
  public double[] probabilities(String tenant, String template, int promptTokens) {
    long[] counts = counts(tenant, template, promptTokens);
    double[] result = new double[buckets];
    Arrays.setAll(result, j -> (counts[j] + 1.0) / (counts[buckets] + (double) buckets));
    return result;
  }

  /**
   * Returns how many requests were counted.
   *
   * @return a count
   */
  public long observations() {
    return all[buckets];
  }

  private long[] counts(String tenant, String template, int promptTokens) {
    long[] ofKey = ofKey(tenant, template, promptTokens);
    if (ofKey != null && enough(ofKey)) {
      return ofKey;
    }
    long[] ofTemplate = byTemplate.get(template);
    return ofTemplate != null && enough(ofTemplate) ? ofTemplate : all;
  }

  private long @Nullable [] ofKey(String tenant, String template, int promptTokens) {
    int order = orderOf(promptTokens);
    long[][] ofPair = pair(tenant, template);
    return ofPair == null ? null : ofPair[order];
  }

  private long @Nullable [][] pair(String tenant, String template) {
    Map<String, long[][]> ofTenant = byTenant.get(tenant);
    return ofTenant == null ? null : ofTenant.get(template);
  }

  private boolean enough(long[] counts) {
    return counts[buckets] >= minSamples;
  }

  private void count(long[] counts, int bucket) {
    counts[bucket]++;
    counts[buckets]++;
  }

  private static int orderOf(int promptTokens) {
    if (promptTokens < 0) {
      throw new IllegalArgumentException(
          "promptTokens must be at least 0 tokens, but was " + promptTokens);
    }
    return 63 - Long.numberOfLeadingZeros(promptTokens + 1L);
  }
}
