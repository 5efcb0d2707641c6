package io.headway.runtime;

/** Share of missed deadlines among the last 100 completions. Not thread-safe. */
final class RecentOutcomes {
  private static final int WINDOW = 100;

  private final boolean[] missed = new boolean[WINDOW];
  private int count;
  private int next;
  private int misses;

  void add(boolean miss) {
    if (count == WINDOW) {
      misses -= missed[next] ? 1 : 0;
    } else {
      count++;
    }
    missed[next] = miss;
    misses += miss ? 1 : 0;
    next = next + 1 == WINDOW ? 0 : next + 1;
  }

  double missRate() {
    return count == 0 ? 0 : (double) misses / count;
  }
}
