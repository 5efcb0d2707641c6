package io.headway.cli;

import java.io.PrintWriter;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntConsumer;

/**
 * One line on standard error that says how far all runs are, redrawn in place; silent unless
 * standard error is a terminal.
 */
final class Progress {
  /** Set by the launcher, since Java cannot ask. */
  static final String TERMINAL = "headway.terminal";

  private final PrintWriter err;
  private final int runs;
  private final int requests;
  private final boolean shown;
  private final AtomicLong ended = new AtomicLong();
  private final AtomicInteger percentShown = new AtomicInteger(-1);

  Progress(PrintWriter err, int runs, int requests) {
    this.err = err;
    this.runs = runs;
    this.requests = requests;
    shown = Boolean.getBoolean(TERMINAL);
  }

  /** Returns what one run tells its count of ended requests. */
  IntConsumer run() {
    AtomicInteger before = new AtomicInteger();
    return count -> add(count - before.getAndSet(count));
  }

  private void add(int more) {
    long total = (long) runs * requests;
    int percent = (int) (100 * ended.addAndGet(more) / Math.max(1, total));
    if (shown && percentShown.getAndSet(percent) != percent) {
      err.print("\r" + runs + " runs of " + requests + " requests: " + percent + " %");
      err.flush();
    }
  }

  /** Clears the line. */
  void done() {
    if (shown) {
      err.print("\r" + " ".repeat(60) + "\r");
      err.flush();
    }
  }
}
