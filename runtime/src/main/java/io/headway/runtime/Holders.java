package io.headway.runtime;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Which instances have which name, such as an adapter: one bit per instance. Not thread-safe. */
final class Holders {
  private static final long[] NOBODY = {};

  private final Map<String, long[]> bitsByName = new LinkedHashMap<>();
  private @Nullable String lastName;
  private long[] lastBits = NOBODY;

  /** Replaces what an instance has. */
  void replace(int instance, Set<String> before, Set<String> after) {
    if (before.equals(after)) {
      return;
    }
    for (String name : before) {
      long[] bits = bitsByName.getOrDefault(name, NOBODY);
      if (instance >>> 6 < bits.length) {
        bits[instance >>> 6] &= ~(1L << instance);
        if (isEmpty(bits)) {
          bitsByName.remove(name);
        }
      }
    }
    for (String name : after) {
      long[] bits = bitsByName.getOrDefault(name, NOBODY);
      if (instance >>> 6 >= bits.length) {
        bits = Arrays.copyOf(bits, (instance >>> 6) + 1);
        bitsByName.put(name, bits);
      }
      bits[instance >>> 6] |= 1L << instance;
    }
    lastName = null;
    lastBits = NOBODY;
  }

  /** Returns whether an instance has a name; the same name asked again costs no look-up. */
  boolean has(String name, int instance) {
    if (!name.equals(lastName)) {
      lastBits = bitsByName.getOrDefault(name, NOBODY);
      lastName = name;
    }
    return instance >>> 6 < lastBits.length && (lastBits[instance >>> 6] >>> instance & 1) != 0;
  }

  private static boolean isEmpty(long[] bits) {
    for (long word : bits) {
      if (word != 0) {
        return false;
      }
    }
    return true;
  }
}
