package io.headway.batching.composition;

import java.util.Arrays;

/** Sequences with a deadline each, and a stable sort of them. Allocates only to grow. */
final class DeadlineList {
  private int[] sequences = new int[16];
  private long[] deadlines = new long[16];
  private int[] sequencesAside = new int[16];
  private long[] deadlinesAside = new long[16];
  private int size;

  void clear() {
    size = 0;
  }

  void add(int sequence, long deadlineNanos) {
    if (size == sequences.length) {
      int length = size * 2;
      sequences = Arrays.copyOf(sequences, length);
      deadlines = Arrays.copyOf(deadlines, length);
      sequencesAside = new int[length];
      deadlinesAside = new long[length];
    }
    sequences[size] = sequence;
    deadlines[size++] = deadlineNanos;
  }

  int size() {
    return size;
  }

  int sequence(int position) {
    return sequences[position];
  }

  long deadlineNanos(int position) {
    return deadlines[position];
  }

  /** The first position of a sorted list whose deadline is not before a time. */
  int firstFrom(long nanos) {
    int low = 0;
    int high = size;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (deadlines[middle] < nanos) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** Sorts by deadline, in O(n log n); of equal ones, the one added first stays first. */
  void sort() {
    for (int width = 1; width < size; width *= 2) {
      for (int low = 0; low < size; low += 2 * width) {
        int middle = Math.min(low + width, size);
        merge(low, middle, Math.min(middle + width, size));
      }
      int[] swappedSequences = sequences;
      sequences = sequencesAside;
      sequencesAside = swappedSequences;
      long[] swappedDeadlines = deadlines;
      deadlines = deadlinesAside;
      deadlinesAside = swappedDeadlines;
    }
  }

  private void merge(int low, int middle, int high) {
    int left = low;
    int right = middle;
    for (int to = low; to < high; to++) {
      boolean takeLeft = left < middle && (right == high || deadlines[left] <= deadlines[right]);
      int from = takeLeft ? left++ : right++;
      sequencesAside[to] = sequences[from];
      deadlinesAside[to] = deadlines[from];
    }
  }
}
