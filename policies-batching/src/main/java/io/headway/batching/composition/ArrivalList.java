package io.headway.batching.composition;

import io.headway.api.batching.BatchView;
import java.util.Arrays;

/**
 * The running sequences by (arrival, id), kept up to date in O(log n) comparisons per change. A
 * resumed sequence goes back to its old place.
 */
final class ArrivalList {
  private int[] sequences = new int[16];
  private int size;

  int size() {
    return size;
  }

  int at(int position) {
    return sequences[position];
  }

  /** The list itself, for {@code makeRoom}; changes when sequences come or go. */
  int[] array() {
    return sequences;
  }

  void add(BatchView view, int sequence) {
    if (size == sequences.length) {
      sequences = Arrays.copyOf(sequences, size * 2);
    }
    int low = placeOf(view, sequence);
    System.arraycopy(sequences, low, sequences, low + 1, size - low);
    sequences[low] = sequence;
    size++;
  }

  void remove(BatchView view, int sequence) {
    int at = placeOf(view, sequence);
    if (at < size && sequences[at] == sequence) {
      System.arraycopy(sequences, at + 1, sequences, at, --size - at);
    }
  }

  private int placeOf(BatchView view, int sequence) {
    int low = 0;
    int high = size;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (view.compareArrival(sequences[middle], sequence) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}
