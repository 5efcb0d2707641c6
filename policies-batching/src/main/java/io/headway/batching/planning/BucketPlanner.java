package io.headway.batching.planning;

import static java.util.Objects.requireNonNull;

import io.headway.api.Stateless;
import io.headway.api.batching.BatchPlanner;
import io.headway.api.batching.BatchView;
import io.headway.batching.internal.Arguments;
import java.util.List;

/**
 * Plans the next prefill batch out of one length bucket, first come first served within it: {@link
 * LengthBuckets} over the queued prompts.
 *
 * <p>{@code Nmax = max(1, floor((safeFraction * total - used) / blocks(longest)))} blocks, also at
 * most the engine's slots: with the longest queued prompt for the splits, and with the longest of
 * the bucket for the batch. Requests of the class {@link Pick#OLDEST} (online) take the bucket of
 * the oldest request; {@link Pick#SHORTEST} and {@link Pick#LONGEST} (offline) the first or last
 * bucket that is not empty, for requests or for tokens per second. The two may starve rare lengths,
 * as the paper's do.
 *
 * <p>Plans in every decision in which the composition has room; whoever is not in the batch starts
 * in a later iteration. At most {@code maxRequests} of the queue are looked at (ours).
 * O(maxRequests * depth) per plan. Thread-safe, stateless.
 *
 * <p>Source: BucketServe, arXiv 2507.17120.
 */
public final class BucketPlanner implements BatchPlanner<Stateless> {
  /** Which bucket is next. */
  public enum Pick {
    /** The one with the oldest request: online work. */
    OLDEST,
    /** The shortest prompts first: offline work, for requests per second. */
    SHORTEST,
    /** The longest prompts first: offline work, for tokens per second. */
    LONGEST
  }

  /** Queued requests that a plan looks at. */
  public static final int DEFAULT_MAX_REQUESTS = 1024;

  private final LengthBuckets buckets;
  private final double safeFraction;
  private final Pick pick;
  private final int maxRequests;

  /**
   * Makes the planner.
   *
   * @param buckets how prompts are sorted
   * @param safeFraction share of the pool that batches may fill, in (0, 1]
   * @param pick which bucket is next
   * @param maxRequests queued requests that a plan looks at, at least 1
   */
  public BucketPlanner(LengthBuckets buckets, double safeFraction, Pick pick, int maxRequests) {
    this.buckets = requireNonNull(buckets, "buckets");
    this.safeFraction =
        Arguments.within("safeFraction", safeFraction, Double.MIN_VALUE, 1, "of the pool");
    this.pick = requireNonNull(pick, "pick");
    this.maxRequests = Arguments.atLeast("maxRequests", maxRequests, 1, "request");
  }

  @Override
  public String id() {
    return "buckets";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public void plan(Stateless state, BatchView view, PlannedOrder order) {
    List<Integer> queue = Backlog.of(view, maxRequests);
    int[] lengths = queue.stream().mapToInt(s -> Backlog.knownTokens(view, s)).toArray();
    int longest = 0;
    for (int length : lengths) {
      longest = Math.max(longest, length);
    }
    LengthBuckets.Bucket next = pick(buckets.split(lengths, maxBatch(view, longest)), queue, view);
    int longestHere = 0;
    for (int member : next.members()) {
      longestHere = Math.max(longestHere, lengths[member]);
    }
    int most = Math.min(next.members().length, maxBatch(view, longestHere));
    for (int i = 0; i < most; i++) {
      order.append(queue.get(next.members()[i]));
    }
    order.endIteration();
  }

  private int maxBatch(BatchView view, int longestTokens) {
    double used = (double) view.totalBlocks() - view.freeBlocks();
    int fits =
        LengthBuckets.maxBatch(
            safeFraction * view.totalBlocks(), used, 1, view.blocksFor(longestTokens));
    return Math.max(1, Math.min(view.maxSequences(), fits));
  }

  private LengthBuckets.Bucket pick(
      List<LengthBuckets.Bucket> buckets, List<Integer> queue, BatchView view) {
    LengthBuckets.Bucket best = buckets.get(0);
    int oldest = BatchView.NONE;
    for (LengthBuckets.Bucket bucket : buckets) {
      if (bucket.members().length == 0) {
        continue;
      }
      int first = queue.get(bucket.members()[0]);
      boolean better =
          switch (pick) {
            case OLDEST -> oldest == BatchView.NONE || view.compareArrival(first, oldest) < 0;
            case SHORTEST -> oldest == BatchView.NONE;
            case LONGEST -> true;
          };
      if (better) {
        best = bucket;
        oldest = first;
      }
    }
    return best;
  }

  @Override
  public long nextPlanNanos(Stateless state, BatchView view) {
    return view.nowNanos();
  }
}
