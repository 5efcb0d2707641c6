package io.headway.runtime;

import java.util.EnumMap;
import java.util.Map;

/** Counts occurrences by kind. Not thread-safe. */
final class Tally<E extends Enum<E>> {
  private final Class<E> type;
  private final EnumMap<E, long[]> counts;

  Tally(Class<E> type) {
    this.type = type;
    counts = new EnumMap<>(type);
    for (E kind : type.getEnumConstants()) {
      counts.put(kind, new long[1]);
    }
  }

  void add(E kind) {
    long[] count = counts.get(kind);
    if (count != null) {
      count[0]++;
    }
  }

  /** Returns every kind with its count, 0 included. */
  Map<E, Long> snapshot() {
    Map<E, Long> copy = new EnumMap<>(type);
    counts.forEach((kind, count) -> copy.put(kind, count[0]));
    return copy;
  }
}
