package io.headway.batching.planning;

import java.util.BitSet;

/** Which sequences of a plan have neither started nor ended yet. */
final class PlannedMembers {
  private final BitSet members = new BitSet();
  private int size;

  void add(int sequence) {
    if (!members.get(sequence)) {
      members.set(sequence);
      size++;
    }
  }

  void remove(int sequence) {
    if (members.get(sequence)) {
      members.clear(sequence);
      size--;
    }
  }

  boolean contains(int sequence) {
    return members.get(sequence);
  }

  boolean isEmpty() {
    return size == 0;
  }

  void clear() {
    members.clear();
    size = 0;
  }
}
