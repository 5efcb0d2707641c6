package io.headway.batching.planning;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.statistics.Statistics;
import org.junit.jupiter.api.Test;

class LengthBucketsTest {
  @Test
  void theWorkedExample() {
    int[] lengths = {20, 35, 50, 60, 90, 110, 130, 300, 700, 1500};
    List<LengthBuckets.Bucket> buckets = new LengthBuckets(2048, 0.5).split(lengths, 3);
    assertThat(buckets.stream().map(b -> b.fromTokens() + "-" + b.toTokens()))
        .containsExactly("0-64", "64-128", "128-256", "256-512", "512-1024", "1024-2048");
    assertThat(buckets.stream().map(b -> b.members().length)).containsExactly(4, 2, 1, 1, 1, 1);
    long padding = 0;
    for (LengthBuckets.Bucket bucket : buckets) {
      padding += LengthBuckets.paddingTokens(lengths, bucket.members());
    }
    assertThat(padding).isEqualTo(95);
    assertThat(LengthBuckets.paddingTokens(lengths, IntStream.range(0, 10).toArray()))
        .isEqualTo(12_005);
  }

  @Test
  void kvOfLlama13bAndTheBatchItAllows() {
    assertThat(LengthBuckets.kvBytesPerToken(40, 40, 128, 2)).isEqualTo(819_200);
    assertThat(LengthBuckets.maxBatch(0.3, 0, 1, 0.1)).isEqualTo(3);
    assertThat(LengthBuckets.maxBatch(1, 2, 1, 1)).isZero();
  }

  @Provide
  Arbitrary<List<Integer>> lengths() {
    return Arbitraries.frequencyOf(
            Tuple.of(5, Arbitraries.integers().between(0, 40)),
            Tuple.of(1, Arbitraries.integers().between(0, 1100)))
        .list()
        .ofMaxSize(30);
  }

  @Property(seed = "81", tries = 600, edgeCases = EdgeCasesMode.NONE)
  void bucketsPartitionAndWasteIsBounded(
      @ForAll("lengths") List<Integer> lengths,
      @ForAll @IntRange(max = 8) int maxBatch,
      @ForAll @IntRange(min = 1, max = 1000) int maxLength) {
    int[] tokens = lengths.stream().mapToInt(i -> i).toArray();
    List<LengthBuckets.Bucket> buckets = new LengthBuckets(maxLength, 0.5).split(tokens, maxBatch);
    int end = 0;
    List<Integer> seen = new ArrayList<>();
    long padding = 0;
    for (LengthBuckets.Bucket bucket : buckets) {
      assertThat(bucket.fromTokens()).isEqualTo(end).isLessThan(bucket.toTokens());
      end = bucket.toTokens();
      assertThat(Arrays.stream(bucket.members()).boxed().toList()).isSorted();
      long wasted = LengthBuckets.paddingTokens(tokens, bucket.members());
      long real = 0;
      boolean within = true;
      for (int member : bucket.members()) {
        seen.add(member);
        real += tokens[member];
        assertThat(tokens[member]).isGreaterThanOrEqualTo(bucket.fromTokens());
        within &= tokens[member] < bucket.toTokens();
      }
      // A bucket that does not begin at 0 is at most one token wider than its lower end.
      if (bucket.fromTokens() > 0 && within) {
        assertThat(wasted).isLessThanOrEqualTo(real);
      }
      padding += wasted;
    }
    assertThat(end).isEqualTo(maxLength);
    assertThat(seen.stream().sorted().toList())
        .isEqualTo(IntStream.range(0, tokens.length).boxed().toList());
    assertThat(padding)
        .isLessThanOrEqualTo(
            LengthBuckets.paddingTokens(tokens, IntStream.range(0, tokens.length).toArray()));
    if (tokens.length < maxBatch) {
      assertThat(buckets).hasSize(1);
    }
    Statistics.label("splits")
        .collect(buckets.size() > 2)
        .coverage(c -> c.check(true).percentage(p -> p > 30));
  }
}
