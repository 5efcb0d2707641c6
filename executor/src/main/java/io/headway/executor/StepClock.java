package io.headway.executor;

import static java.util.Objects.requireNonNull;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.function.LongSupplier;

/**
 * What an executor that computes in the caller's thread measures the time of a step by. An executor
 * on a device measures with the device's events instead, which pass as {@link #WALL} does.
 *
 * @param id stable lower-case name, such as {@code wall}
 * @param nanos nanoseconds since some moment, read by the thread that executes; never decreasing
 * @param runsWhileWaiting whether it goes on while the thread waits. If not, who waits for an
 *     arrival adds the wait to what the clock says
 */
public record StepClock(String id, LongSupplier nanos, boolean runsWhileWaiting) {
  /** Real time, as {@link System#nanoTime}. */
  public static final StepClock WALL = new StepClock("wall", System::nanoTime, true);

  /** The id of {@link #cpu}. */
  public static final String CPU = "cpu";

  /** Checks that everything is there. */
  public StepClock {
    requireNonNull(id, "id");
    requireNonNull(nanos, "nanos");
  }

  /**
   * Returns whether the virtual machine tells the CPU time of a thread.
   *
   * @return true if {@link #cpu} works here
   */
  public static boolean cpuSupported() {
    return ManagementFactory.getThreadMXBean().isCurrentThreadCpuTimeSupported();
  }

  /**
   * Returns the CPU time of the calling thread: what its computation takes, without the time that
   * it waits for a core while other programs run. Other programs still slow it where they share its
   * caches. With several threads that compute, the caller waits for them in a loop that counts.
   *
   * @return a clock that stands still while the thread waits
   * @throws IllegalStateException if the virtual machine does not tell it
   */
  public static StepClock cpu() {
    if (!cpuSupported()) {
      throw new IllegalStateException(
          "the virtual machine does not tell the CPU time of a thread; use the clock 'wall'");
    }
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    if (!threads.isThreadCpuTimeEnabled()) {
      threads.setThreadCpuTimeEnabled(true);
    }
    return new StepClock(CPU, threads::getCurrentThreadCpuTime, false);
  }
}
