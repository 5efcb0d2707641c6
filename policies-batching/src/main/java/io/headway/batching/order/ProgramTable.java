package io.headway.batching.order;

import io.headway.batching.internal.Arguments;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What the finished calls of each program have been served and have waited: the process table of
 * Autellix. Bounded: beyond a capacity, the programs, and the calls, noted first are forgotten.
 * O(1) per access (O(parents) for a path). Mutable, not thread-safe.
 */
public final class ProgramTable {
  /** Programs and calls remembered by default. */
  public static final int DEFAULT_CAPACITY = 65_536;

  private final int capacity;
  private final Map<String, Long> attainedNanos = new LinkedHashMap<>();
  private final Map<String, Long> waitedNanos = new LinkedHashMap<>();
  private final Map<String, Long> pathNanos = new LinkedHashMap<>();

  /**
   * Makes an empty table.
   *
   * @param capacity programs, and calls, remembered, at least 1
   * @throws IllegalArgumentException if it is below 1
   */
  public ProgramTable(int capacity) {
    this.capacity = Arguments.atLeast("capacity", capacity, 1, "program");
  }

  /**
   * Returns the service that the finished calls of a program have attained: the priority of its
   * next call under PLAS.
   *
   * @param program its id
   * @return nanoseconds; 0 for an unknown program
   */
  public long attainedNanos(String program) {
    return attainedNanos.getOrDefault(program, 0L);
  }

  /**
   * Returns how long the finished calls of a program have waited since it was last {@linkplain
   * #forgetWait put first}.
   *
   * @param program its id
   * @return nanoseconds; 0 for an unknown program
   */
  public long waitedNanos(String program) {
    return waitedNanos.getOrDefault(program, 0L);
  }

  /**
   * Forgets how long a program has waited, since it goes first now.
   *
   * @param program its id
   */
  public void forgetWait(String program) {
    waitedNanos.remove(program);
  }

  /**
   * Returns the longest path of attained service that ends with a finished call: {@code P(k) +
   * t_k}.
   *
   * @param call its id
   * @return nanoseconds; 0 for an unknown call
   */
  public long pathNanos(String call) {
    return pathNanos.getOrDefault(call, 0L);
  }

  /**
   * Notes a finished call.
   *
   * @param program its program
   * @param call its id
   * @param priorityNanos P of the call: {@code max over parents k of (P(k) + t_k)}
   * @param serviceNanos t of the call, at least 0
   * @param callWaitNanos how long it waited, at least 0
   */
  public void finished(
      String program, String call, long priorityNanos, long serviceNanos, long callWaitNanos) {
    attainedNanos.merge(program, serviceNanos, Long::sum);
    waitedNanos.merge(program, callWaitNanos, Long::sum);
    pathNanos.put(call, priorityNanos + serviceNanos);
    forget(attainedNanos);
    forget(waitedNanos);
    forget(pathNanos);
  }

  private void forget(Map<String, Long> map) {
    if (map.size() > capacity) {
      Iterator<String> eldest = map.keySet().iterator();
      eldest.next();
      eldest.remove();
    }
  }
}
