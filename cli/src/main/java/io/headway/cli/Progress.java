package io.headway.cli;

import java.io.PrintWriter;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntConsumer;

/**
 * One line on standard error that says how far a command is, redrawn in place; silent unless
 * standard error is a terminal.
 */
final class Progress {
  /** Set by the launcher, since Java cannot ask. */
  static final String TERMINAL = "headway.terminal";

  private final PrintWriter err;
  private final String work;
  private final long total;
  private final boolean shown;
  private final AtomicLong done = new AtomicLong();
  private final AtomicInteger percentShown = new AtomicInteger(-1);

  /**
   * Starts at 0 %.
   *
   * @param err standard error
   * @param work what is done, such as {@code 2 runs of 50 requests}
   * @param total how many units of it there are over all its parts
   */
  Progress(PrintWriter err, String work, long total) {
    this.err = err;
    this.work = work;
    this.total = Math.max(1, total);
    shown = Boolean.getBoolean(TERMINAL);
    add(0);
  }

  /** Returns what one part of the work tells its count of units done. */
  IntConsumer part() {
    AtomicInteger before = new AtomicInteger();
    return count -> add(count - before.getAndSet(count));
  }

  private void add(int more) {
    int percent = (int) (100 * done.addAndGet(more) / total);
    if (shown && percentShown.getAndSet(percent) != percent) {
      err.print("\r" + work + ": " + percent + " %");
      err.flush();
    }
  }

  /** Clears the line. */
  void clear() {
    if (shown) {
      err.print("\r" + " ".repeat(work.length() + 8) + "\r");
      err.flush();
    }
  }
}
