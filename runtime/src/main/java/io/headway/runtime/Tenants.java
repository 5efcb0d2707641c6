package io.headway.runtime;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Numbers tenants densely. A tenant keeps its number while it has live requests, and afterwards
 * until more than the remembered number of tenants are known; then the one idle for longest is
 * forgotten and its number reused.
 */
final class Tenants {
  private static final int NONE = -1;

  private final int remembered;
  private final Map<String, Integer> numbers = new HashMap<>();
  private String[] names = new String[8];
  private int[] live = new int[8];
  private int[] previousIdle = new int[8];
  private int[] nextIdle = new int[8];
  private int count;
  private int oldestIdle = NONE;
  private int newestIdle = NONE;

  Tenants(int remembered) {
    this.remembered = remembered;
  }

  /**
   * Returns the number that {@link #acquire} would have to forget first, or -1 if it forgets
   * nobody.
   */
  int wouldForget(String name) {
    return numbers.containsKey(name) || count < remembered ? NONE : oldestIdle;
  }

  int acquire(String name) {
    Integer known = numbers.get(name);
    if (known != null) {
      int tenant = known;
      if (live[tenant]++ == 0) {
        unlinkIdle(tenant);
      }
      return tenant;
    }
    int tenant;
    if (count >= remembered && oldestIdle != NONE) {
      tenant = oldestIdle;
      unlinkIdle(tenant);
      numbers.remove(names[tenant]);
    } else {
      tenant = count++;
      if (tenant == names.length) {
        int length = tenant * 2;
        names = Arrays.copyOf(names, length);
        live = Arrays.copyOf(live, length);
        previousIdle = Arrays.copyOf(previousIdle, length);
        nextIdle = Arrays.copyOf(nextIdle, length);
      }
    }
    names[tenant] = name;
    live[tenant] = 1;
    numbers.put(name, tenant);
    return tenant;
  }

  void release(int tenant) {
    if (--live[tenant] == 0) {
      previousIdle[tenant] = newestIdle;
      nextIdle[tenant] = NONE;
      if (newestIdle == NONE) {
        oldestIdle = tenant;
      } else {
        nextIdle[newestIdle] = tenant;
      }
      newestIdle = tenant;
    }
  }

  String name(int tenant) {
    if (tenant < 0 || tenant >= count) {
      throw new IllegalArgumentException(
          "tenant must be from 0 to " + (count - 1) + ", but was " + tenant);
    }
    return names[tenant];
  }

  private void unlinkIdle(int tenant) {
    int before = previousIdle[tenant];
    int after = nextIdle[tenant];
    if (before == NONE) {
      oldestIdle = after;
    } else {
      nextIdle[before] = after;
    }
    if (after == NONE) {
      newestIdle = before;
    } else {
      previousIdle[after] = before;
    }
  }
}
