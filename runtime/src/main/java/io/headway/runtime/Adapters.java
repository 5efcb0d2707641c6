package io.headway.runtime;

import java.util.HashMap;
import java.util.Map;

/** Counts the sequences that hold a slot by adapter; the base model is not counted. */
final class Adapters {
  private final int max;
  private final Map<String, Integer> sequences = new HashMap<>();

  Adapters(int max) {
    this.max = max;
  }

  boolean hasRoomFor(String adapter) {
    return adapter.isEmpty() || sequences.size() < max || sequences.containsKey(adapter);
  }

  void add(String adapter) {
    if (!adapter.isEmpty()) {
      sequences.merge(adapter, 1, Integer::sum);
    }
  }

  void remove(String adapter) {
    if (!adapter.isEmpty()) {
      sequences.computeIfPresent(adapter, (name, count) -> count == 1 ? null : count - 1);
    }
  }

  int distinct() {
    return sequences.size();
  }
}
