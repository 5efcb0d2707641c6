package io.headway.batching.admission;

import io.headway.batching.internal.Arguments;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Returns the largest set of requests that can all meet their targets, as SLOs-Serve admits them.
 *
 * <p>With {@code tau} the least TPOT of a set X, a batch may take tau, so {@code T = floor((tau -
 * fixed) / perToken) - |X|} tokens of it are left for prefills when every member decodes. X is
 * feasible if its memory fits, T is at least 0, and for every member in order of deadlines the
 * prefill tokens up to and including it are at most {@code floor(deadline / tau) * T}: what the
 * batches before its deadline can compute.
 *
 * <p>Ties: the least prefill tokens in all, then the smaller list of ranks in order of (deadline,
 * rank). Some members may be {@link #require required}, those that were promised before; if they
 * alone are not feasible, nobody is added.
 *
 * <p>Exact: for each least TPOT and each size, a dynamic program over the requests in order of
 * deadlines keeps, for each count, the choices that no other beats in prefill tokens, memory and
 * ranks at once. O(TPOTs * candidates^2 * requests) without shortage of memory; with it, the
 * choices kept can grow exponentially, so the number of candidates is limited to {@value #MOST}.
 * Reusable; not thread-safe.
 *
 * <p>Source: SLOs-Serve, arXiv 2504.08784. Departures: the value of a set is its size, and
 * speculation lengths are not part of the plan.
 */
public final class SloAdmission {
  /** Most candidates of one question. */
  public static final int MOST = 62;

  // Quotients of decimals such as 0.3 / 0.1 come out a little below the whole number they are.
  private static final double ROUNDING = 1e-9;

  private final double fixedNanos;
  private final double nanosPerToken;

  private final List<Item> items = new ArrayList<>();
  private int candidates;
  private long memory;
  private int mostMembers;
  private long mostBatchTokens;
  private int required;
  private long requiredTpotNanos;

  private int[] admitted = new int[8];
  private int admittedCount;

  /** A request in the order of deadlines; {@code bit} is -1 for one that is required. */
  private record Item(
      int tag,
      int rank,
      int bit,
      long prefillTokens,
      long deadlineNanos,
      long tpotNanos,
      long memory) {}

  /** What was chosen so far: {@code members} has a bit for each candidate. */
  private record Choice(long prefillTokens, long memory, long members) {}

  /**
   * Makes a planner.
   *
   * @param fixedNanos time of a batch without tokens, at least 0
   * @param nanosPerToken time per token, above 0
   * @throws IllegalArgumentException if a number is out of range
   */
  public SloAdmission(double fixedNanos, double nanosPerToken) {
    this.fixedNanos = Arguments.notNegative("fixedNanos", fixedNanos, "ns");
    this.nanosPerToken = Arguments.positive("nanosPerToken", nanosPerToken, "ns per token");
  }

  /**
   * Starts a new question.
   *
   * @param memoryLimit what the memory of a set may add up to, in any unit
   * @param memberLimit most members of a set
   * @param batchTokenLimit most tokens of a batch; {@link Integer#MAX_VALUE} for no limit but time
   */
  public void begin(long memoryLimit, int memberLimit, int batchTokenLimit) {
    items.clear();
    candidates = 0;
    admittedCount = 0;
    memory = memoryLimit;
    mostMembers = memberLimit;
    mostBatchTokens = batchTokenLimit;
    required = 0;
    requiredTpotNanos = Long.MAX_VALUE;
  }

  /**
   * Adds a candidate.
   *
   * @param tag a number of the caller's
   * @param rank smaller ranks win ties; every candidate has its own
   * @param prefillTokens tokens before its first output token, at least 0
   * @param deadlineNanos when its first output token is due, from now
   * @param tpotNanos its target per further token
   * @param memoryNeeded what it takes of the memory
   * @throws IllegalStateException if there are {@value #MOST} candidates already
   */
  public void add(
      int tag,
      int rank,
      long prefillTokens,
      long deadlineNanos,
      long tpotNanos,
      long memoryNeeded) {
    if (candidates == MOST) {
      throw new IllegalStateException("one question can have at most " + MOST + " candidates");
    }
    items.add(
        new Item(tag, rank, candidates++, prefillTokens, deadlineNanos, tpotNanos, memoryNeeded));
  }

  /**
   * Adds a request that every set contains.
   *
   * @param prefillTokens tokens it still needs before its first output token; 0 for one that
   *     decodes
   * @param deadlineNanos when its first output token is due, from now; without effect for one that
   *     decodes
   * @param tpotNanos its target per further token
   * @param memoryNeeded what it takes of the memory
   */
  public void require(long prefillTokens, long deadlineNanos, long tpotNanos, long memoryNeeded) {
    required++;
    requiredTpotNanos = Math.min(requiredTpotNanos, tpotNanos);
    memory -= memoryNeeded;
    if (prefillTokens > 0) {
      items.add(new Item(-1, -1, -1, prefillTokens, deadlineNanos, tpotNanos, 0));
    }
  }

  /**
   * Answers the question: {@link #admittedCount} candidates join those that are required.
   *
   * @return false if not even those that are required are feasible together
   */
  public boolean solve() {
    admittedCount = 0;
    if (memory < 0) {
      return false;
    }
    items.sort(
        (a, b) ->
            a.deadlineNanos != b.deadlineNanos
                ? Long.compare(a.deadlineNanos, b.deadlineNanos)
                : Integer.compare(a.rank, b.rank));
    long[] tiers =
        items.stream()
            .filter(item -> item.bit >= 0)
            .mapToLong(Item::tpotNanos)
            .filter(tpot -> tpot < requiredTpotNanos)
            .distinct()
            .sorted()
            .toArray();
    for (int size = Math.min(candidates, mostMembers - required); size >= 0; size--) {
      Choice best = required > 0 ? largest(requiredTpotNanos, size) : null;
      for (long tier : tiers) {
        Choice found = largest(tier, size);
        best = best == null || (found != null && beats(found, best)) ? found : best;
      }
      if (best != null) {
        take(best);
        return true;
      }
    }
    return required == 0;
  }

  /** The best feasible choice of a size whose least TPOT is {@code tier}; null if none is. */
  private @Nullable Choice largest(long tier, int size) {
    double perBatch = Math.floor((tier - fixedNanos) / nanosPerToken + ROUNDING);
    long room = (long) Math.min((double) mostBatchTokens, perBatch) - size - required;
    if (room < 0) {
      return null;
    }
    // By count, first the choices without a member of the tier itself, then those with one.
    List<List<Choice>> without = lists(size);
    List<List<Choice>> with = lists(size);
    (tier == requiredTpotNanos ? with : without).get(0).add(new Choice(0, 0, 0));
    for (Item item : items) {
      if (item.bit >= 0 && item.tpotNanos < tier) {
        continue;
      }
      long most = prefillTokensUntil(item.deadlineNanos, tier, room);
      for (int count = size; count >= 0; count--) {
        if (item.bit < 0) {
          without.set(count, advanced(without.get(count), item, most));
          with.set(count, advanced(with.get(count), item, most));
        } else if (count > 0) {
          extend(
              without.get(count - 1),
              item,
              most,
              (item.tpotNanos == tier ? with : without).get(count));
          extend(with.get(count - 1), item, most, with.get(count));
        }
      }
    }
    Choice best = null;
    for (Choice choice : with.get(size)) {
      best = best == null || beats(choice, best) ? choice : best;
    }
    return best;
  }

  /** What whole batches of a TPOT compute before a deadline; no batch of no time computes any. */
  private static long prefillTokensUntil(long deadlineNanos, long tpotNanos, long roomTokens) {
    if (roomTokens == 0 || tpotNanos <= 0 || deadlineNanos <= 0) {
      return 0;
    }
    long batches = deadlineNanos / tpotNanos;
    return batches > Long.MAX_VALUE / roomTokens ? Long.MAX_VALUE : batches * roomTokens;
  }

  private static List<List<Choice>> lists(int size) {
    List<List<Choice>> lists = new ArrayList<>();
    for (int i = 0; i <= size; i++) {
      lists.add(new ArrayList<>());
    }
    return lists;
  }

  /** The choices that can go on once a required request has had its prefill. */
  private static List<Choice> advanced(List<Choice> choices, Item item, long most) {
    List<Choice> kept = new ArrayList<>();
    for (Choice choice : choices) {
      long prefill = choice.prefillTokens + item.prefillTokens;
      if (prefill <= most) {
        kept.add(new Choice(prefill, choice.memory, choice.members));
      }
    }
    return kept;
  }

  private void extend(List<Choice> from, Item item, long most, List<Choice> to) {
    for (Choice choice : from) {
      long prefill = choice.prefillTokens + item.prefillTokens;
      long held = choice.memory + item.memory;
      if (prefill <= most && held <= memory) {
        keep(new Choice(prefill, held, choice.members | 1L << item.bit), to);
      }
    }
  }

  /** Adds a choice unless another one is at least as good, and drops those it is as good as. */
  private void keep(Choice choice, List<Choice> kept) {
    for (Choice other : kept) {
      if (covers(other, choice)) {
        return;
      }
    }
    kept.removeIf(other -> covers(choice, other));
    kept.add(choice);
  }

  /** Whether whatever can follow {@code b} can follow {@code a} with a result as good. */
  private boolean covers(Choice a, Choice b) {
    return a.memory <= b.memory
        && (a.prefillTokens < b.prefillTokens
            || (a.prefillTokens == b.prefillTokens && compareRanks(a, b) <= 0));
  }

  private boolean beats(Choice a, Choice b) {
    return a.prefillTokens != b.prefillTokens
        ? a.prefillTokens < b.prefillTokens
        : compareRanks(a, b) < 0;
  }

  /** Compares the ranks of the members in order of deadlines, as lists. */
  private int compareRanks(Choice a, Choice b) {
    int from = 0;
    for (Item item : items) {
      if (item.bit >= 0 && (a.members >>> item.bit & 1) == 1) {
        from = next(b, from);
        if (from == items.size()) {
          return 1;
        }
        int byRank = Integer.compare(item.rank, items.get(from++).rank);
        if (byRank != 0) {
          return byRank;
        }
      }
    }
    return next(b, from) == items.size() ? 0 : -1;
  }

  private int next(Choice choice, int from) {
    int at = from;
    while (at < items.size()
        && (items.get(at).bit < 0 || (choice.members >>> items.get(at).bit & 1) == 0)) {
      at++;
    }
    return at;
  }

  private void take(Choice choice) {
    for (Item item : items) {
      if (item.bit >= 0 && (choice.members >>> item.bit & 1) == 1) {
        if (admittedCount == admitted.length) {
          admitted = Arrays.copyOf(admitted, admittedCount * 2);
        }
        admitted[admittedCount++] = item.tag;
      }
    }
  }

  /**
   * Returns how many candidates are admitted.
   *
   * @return a count
   */
  public int admittedCount() {
    return admittedCount;
  }

  /**
   * Returns an admitted candidate.
   *
   * @param position 0 to {@code admittedCount - 1}, in order of (deadline, rank)
   * @return its tag
   */
  public int admitted(int position) {
    return admitted[position];
  }
}
