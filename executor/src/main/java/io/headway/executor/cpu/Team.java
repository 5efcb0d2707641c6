package io.headway.executor.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The threads of one executor. A task is cut into as many parts as there are threads, each part
 * always the same share, so that who computes what is fixed; the caller computes part 0. Allocates
 * nothing per task. The threads are daemons, spin briefly for the next task and then park.
 */
final class Team implements AutoCloseable {
  /** A task that can be computed in parts. */
  interface Work {
    void part(int operation, int part, int parts);
  }

  private static final int SPINS = 2_000;

  private final Work work;
  private final Thread[] others;
  private final AtomicInteger round = new AtomicInteger();
  private volatile boolean closed;
  private int operation;
  private final AtomicInteger running = new AtomicInteger();
  private volatile @Nullable Throwable failure;

  Team(Work work, int threads) {
    this.work = work;
    others = new Thread[threads - 1];
    for (int i = 0; i < others.length; i++) {
      int part = i + 1;
      others[i] = new Thread(() -> serve(part), "headway-executor-" + part);
      others[i].setDaemon(true);
      others[i].start();
    }
  }

  int parts() {
    return others.length + 1;
  }

  /** Computes all parts and returns when the last one is done. */
  void run(int task) {
    if (others.length == 0) {
      work.part(task, 0, 1);
      return;
    }
    operation = task;
    running.set(others.length);
    round.incrementAndGet();
    for (Thread other : others) {
      LockSupport.unpark(other);
    }
    Throwable own = null;
    try {
      work.part(task, 0, parts());
    } catch (RuntimeException | Error e) {
      own = e;
    }
    while (running.get() > 0) {
      Thread.onSpinWait();
    }
    Throwable failed = own == null ? failure : own;
    failure = null;
    if (failed instanceof Error error) {
      throw error;
    }
    if (failed instanceof RuntimeException exception) {
      throw exception;
    }
  }

  private void serve(int part) {
    int seen = 0;
    while (true) {
      for (int spins = 0; round.get() == seen && !closed; spins++) {
        if (spins < SPINS) {
          Thread.onSpinWait();
        } else {
          LockSupport.park(this);
        }
      }
      if (closed) {
        return;
      }
      seen = round.get();
      try {
        work.part(operation, part, parts());
      } catch (RuntimeException | Error e) {
        failure = e;
      } finally {
        running.decrementAndGet();
      }
    }
  }

  @Override
  public void close() {
    closed = true;
    for (Thread other : others) {
      LockSupport.unpark(other);
    }
  }
}
