package io.headway.batching.composition;

import io.headway.api.batching.BatchContext;

/** Sorts sequences by a policy's order in place, without memory; the order is total. */
final class Ranking {
  // Moves per sequence after which a list counts as out of order for good.
  private static final int PATIENCE = 8;

  private Ranking() {}

  /** O(size) if nothing has changed since the list was sorted, O(size log size) at worst. */
  static void sort(int[] sequences, int from, int to, BatchContext context) {
    long moves = (long) PATIENCE * (to - from);
    for (int i = from + 1; i < to; i++) {
      int sequence = sequences[i];
      int at = i;
      while (at > from && context.compare(sequences[at - 1], sequence) > 0) {
        sequences[at] = sequences[at - 1];
        at--;
      }
      sequences[at] = sequence;
      moves -= i - at;
      if (moves < 0) {
        heapSort(sequences, from, to - from, context);
        return;
      }
    }
  }

  private static void heapSort(int[] sequences, int base, int size, BatchContext context) {
    for (int i = (size >>> 1) - 1; i >= 0; i--) {
      siftDown(sequences, base, i, size, context);
    }
    for (int end = size - 1; end > 0; end--) {
      int last = sequences[base + end];
      sequences[base + end] = sequences[base];
      sequences[base] = last;
      siftDown(sequences, base, 0, end, context);
    }
  }

  private static void siftDown(
      int[] sequences, int base, int from, int size, BatchContext context) {
    int sequence = sequences[base + from];
    int at = from;
    while (2 * at + 1 < size) {
      int child = 2 * at + 1;
      if (child + 1 < size
          && context.compare(sequences[base + child + 1], sequences[base + child]) > 0) {
        child++;
      }
      if (context.compare(sequences[base + child], sequence) <= 0) {
        break;
      }
      sequences[base + at] = sequences[base + child];
      at = child;
    }
    sequences[base + at] = sequence;
  }
}
