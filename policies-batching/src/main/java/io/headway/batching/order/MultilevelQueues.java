package io.headway.batching.order;

import io.headway.api.batching.BatchView;
import io.headway.api.batching.QueueEnd;
import io.headway.api.batching.RankChanges;
import java.util.Arrays;

/**
 * A multi-level feedback queue over all live sequences, first in, first out within a level. Keys
 * are (level, stamp); a sequence at the tail of a level gets the next stamp, one that was served
 * and not demoted keeps its place.
 *
 * <p>Changes of one iteration boundary take effect together, in {@link #refresh}: demotions of the
 * iteration that ended, in the order in which its members stood; then arrivals by (arrival, id);
 * then promotions, from level 2 downwards in queue order.
 *
 * <p>O(1) per event and O(changes log changes) per refresh. Allocates only to grow.
 */
final class MultilevelQueues {
  private static final int NONE = BatchView.NONE;

  private final Quanta quanta;
  private final boolean inclusive;

  // 0 for sequences that are not known.
  private int[] levels = new int[16];
  private long[] stamps = new long[16];
  private long[] usedNanos = new long[16];
  private long[] lastRunNanos = new long[16];
  private int[] demotedTo = new int[16];
  private final int[] count;
  private long nextTail = 1;
  private long nextHead = -1;

  private int[] demotions = new int[8];
  private int demotionCount;
  private int[] arrivals = new int[8];
  private int arrivalCount;
  private int[] due = new int[8];
  private int dueCount;

  // Those below level 1, by the time they ran last.
  private final LazyTimers idle = new LazyTimers();

  MultilevelQueues(Quanta quanta, boolean inclusive) {
    this.quanta = quanta;
    this.inclusive = inclusive;
    count = new int[quanta.levels() + 1];
  }

  boolean knows(int sequence) {
    return sequence < levels.length && levels[sequence] > 0;
  }

  int level(int sequence) {
    return levels[sequence];
  }

  int nextLevel(int sequence) {
    return demotedTo[sequence] == 0 ? levels[sequence] : demotedTo[sequence];
  }

  long usedNanos(int sequence) {
    return usedNanos[sequence];
  }

  long lastRunNanos(int sequence) {
    return lastRunNanos[sequence];
  }

  /** How many sequences stand in each level; entry 0 is not used. */
  int[] count() {
    return count;
  }

  int compare(int a, int b) {
    int byLevel = Integer.compare(levels[a], levels[b]);
    return byLevel != 0 ? byLevel : Long.compare(stamps[a], stamps[b]);
  }

  /** A sequence arrives; it stands at the tail of its level at once. */
  void join(int sequence, int level, long arrivalNanos) {
    ensure(sequence);
    levels[sequence] = level;
    stamps[sequence] = nextTail++;
    usedNanos[sequence] = 0;
    lastRunNanos[sequence] = arrivalNanos;
    demotedTo[sequence] = 0;
    count[level]++;
    arrivals = append(arrivals, arrivalCount++, sequence);
    if (level > 1) {
      idle.add(sequence, arrivalNanos);
    }
  }

  /**
   * A sequence was served.
   *
   * @return whether its quantum is used up, so that {@link #leave} must follow
   */
  boolean served(int sequence, long iterationNanos, long nowNanos) {
    lastRunNanos[sequence] = nowNanos;
    int level = levels[sequence];
    long used = usedNanos[sequence] + iterationNanos;
    usedNanos[sequence] = used;
    long quantum = quanta.nanos(level);
    return (inclusive ? used >= quantum : used > quantum) && level < quanta.levels();
  }

  /** A sequence leaves its level at the next boundary for the one below. */
  void leave(int sequence) {
    leaveFor(sequence, levels[sequence] + 1);
  }

  /**
   * A sequence leaves its level at the next boundary for the first lower one whose quantum holds
   * its next iteration.
   */
  void leave(int sequence, long nextIterationNanos) {
    leaveFor(sequence, quanta.demotedLevel(levels[sequence], nextIterationNanos));
  }

  private void leaveFor(int sequence, int level) {
    if (demotedTo[sequence] == 0) {
      demotions = append(demotions, demotionCount++, sequence);
    }
    demotedTo[sequence] = level;
  }

  void ended(int sequence) {
    if (!knows(sequence)) {
      return;
    }
    count[levels[sequence]]--;
    levels[sequence] = 0;
    idle.remove(sequence);
    demotionCount = drop(demotions, demotionCount, sequence);
    arrivalCount = drop(arrivals, arrivalCount, sequence);
  }

  /** Carries out the demotions that are due. */
  void demote() {
    if (demotionCount == 0) {
      return;
    }
    sortByKey(demotions, demotionCount);
    for (int i = 0; i < demotionCount; i++) {
      int sequence = demotions[i];
      boolean wasFirst = levels[sequence] == 1;
      move(sequence, demotedTo[sequence], nextTail++);
      demotedTo[sequence] = 0;
      if (wasFirst) {
        idle.add(sequence, lastRunNanos[sequence]);
      }
    }
    demotionCount = 0;
  }

  /** Demotions, then arrivals, then promotions of those idle for {@code promotionNanos}. */
  void refresh(BatchView view, RankChanges changes, long promotionNanos, QueueEnd place) {
    demote();
    if (arrivalCount > 0) {
      settleArrivals(view, changes);
    }
    if (promotionNanos > 0) {
      promoteIdle(view, changes, promotionNanos, place);
    }
  }

  private void settleArrivals(BatchView view, RankChanges changes) {
    for (int i = 1; i < arrivalCount; i++) {
      int sequence = arrivals[i];
      int at = i;
      while (at > 0 && view.compareArrival(arrivals[at - 1], sequence) > 0) {
        arrivals[at] = arrivals[at - 1];
        at--;
      }
      arrivals[at] = sequence;
    }
    for (int i = 0; i < arrivalCount; i++) {
      stamps[arrivals[i]] = nextTail++;
      changes.changed(arrivals[i]);
    }
    arrivalCount = 0;
  }

  private void promoteIdle(
      BatchView view, RankChanges changes, long promotionNanos, QueueEnd place) {
    long now = view.nowNanos();
    dueCount = 0;
    for (int s = idle.first();
        s != NONE && now - idle.time(s) >= promotionNanos;
        s = idle.first()) {
      idle.remove(s);
      boolean ranSince = lastRunNanos[s] > idle.time(s);
      if (ranSince || view.inFlight(s)) {
        idle.add(s, ranSince ? lastRunNanos[s] : now);
      } else {
        due = append(due, dueCount++, s);
      }
    }
    sortByKey(due, dueCount);
    for (int i = 0; i < dueCount; i++) {
      // At the head, whoever stood first has to be put there last.
      promote(due[place == QueueEnd.TAIL ? i : dueCount - 1 - i], now, place, changes);
    }
  }

  /** Puts a sequence into level 1 with its whole quantum. */
  void promote(int sequence, long nowNanos, QueueEnd place, RankChanges changes) {
    idle.remove(sequence);
    demotionCount = drop(demotions, demotionCount, sequence);
    demotedTo[sequence] = 0;
    move(sequence, 1, place == QueueEnd.TAIL ? nextTail++ : nextHead--);
    lastRunNanos[sequence] = nowNanos;
    changes.changed(sequence);
  }

  private void move(int sequence, int level, long stamp) {
    count[levels[sequence]]--;
    count[level]++;
    levels[sequence] = level;
    stamps[sequence] = stamp;
    usedNanos[sequence] = 0;
  }

  /** Insertion sort: a few members of one batch, which mostly stand in order. */
  private void sortByKey(int[] sequences, int size) {
    for (int i = 1; i < size; i++) {
      int sequence = sequences[i];
      int at = i;
      while (at > 0 && compare(sequences[at - 1], sequence) > 0) {
        sequences[at] = sequences[at - 1];
        at--;
      }
      sequences[at] = sequence;
    }
  }

  private static int[] append(int[] array, int size, int sequence) {
    int[] enough = size == array.length ? Arrays.copyOf(array, size * 2) : array;
    enough[size] = sequence;
    return enough;
  }

  /** Takes a sequence out, if it is there, and returns the new size. */
  private static int drop(int[] array, int size, int sequence) {
    for (int i = 0; i < size; i++) {
      if (array[i] == sequence) {
        System.arraycopy(array, i + 1, array, i, size - i - 1);
        return size - 1;
      }
    }
    return size;
  }

  private void ensure(int sequence) {
    if (sequence >= levels.length) {
      int length = Math.max(sequence + 1, levels.length * 2);
      levels = Arrays.copyOf(levels, length);
      stamps = Arrays.copyOf(stamps, length);
      usedNanos = Arrays.copyOf(usedNanos, length);
      lastRunNanos = Arrays.copyOf(lastRunNanos, length);
      demotedTo = Arrays.copyOf(demotedTo, length);
    }
  }
}
