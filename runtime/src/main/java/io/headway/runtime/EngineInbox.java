package io.headway.runtime;

import io.headway.api.ImplementedByUsers;
import io.headway.api.Request;
import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread-safe door of an {@link EngineScheduler}: any thread submits, cancels and posts, the
 * engine's loop thread drains.
 *
 * <p>First in, first out, so that a cancel never overtakes the submit it means. Bounded: of
 * submits, and of cancels and posts together, at most {@code capacity} wait at once; the capacity
 * test and the enqueue are one step. Once closed it refuses submits but still takes cancels and
 * posts, which requests on their way out may need.
 *
 * <p>Stages of submitted requests are completed through the executor given at construction, so that
 * no caller's code runs on the loop thread. No thread of its own; only {@link #awaitUntil} blocks.
 */
public final class EngineInbox implements AutoCloseable {
  /** Default capacity, in requests. */
  public static final int DEFAULT_CAPACITY = 65_536;

  private static final long WARN_GAP_NANOS = 60_000_000_000L;
  private static final Logger LOG = LoggerFactory.getLogger(EngineInbox.class);

  /** What is to be done on the loop thread. */
  @ImplementedByUsers
  @FunctionalInterface
  public interface Action {
    /**
     * Runs on the thread that drains.
     *
     * @param scheduler the scheduler drained into
     * @param nowNanos the time of the drain
     */
    void run(EngineScheduler scheduler, long nowNanos);
  }

  private final int capacity;
  private final LongSupplier clock;
  private final Executor completions;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  // Guarded by the lock. Two queues change places, so that draining allocates nothing.
  private ArrayDeque<Message> incoming = new ArrayDeque<>();
  private ArrayDeque<Message> spare = new ArrayDeque<>();
  private int submits;
  private int others;
  private boolean closed;

  // Of the draining thread alone.
  private long failedActions;
  private long lastWarnNanos = Long.MIN_VALUE;

  /**
   * Makes an open, empty inbox.
   *
   * @param capacity submits, and cancels and posts, that may wait, each at least 1
   * @param clock the caller's clock, for {@link #awaitUntil} alone, such as {@code
   *     System::nanoTime}
   * @param completions runs what depends on submitted requests, such as an executor of virtual
   *     threads; {@code Runnable::run} runs it on the loop thread
   * @throws IllegalArgumentException if the capacity is below 1
   */
  public EngineInbox(int capacity, LongSupplier clock, Executor completions) {
    this.capacity = (int) Check.atLeast("capacity", capacity, 1, "request");
    this.clock = Check.notNull("clock", clock);
    this.completions = Check.notNull("completions", completions);
  }

  /**
   * Submits a request. Thread-safe.
   *
   * @param request the request
   * @return what the scheduler answers when the inbox is drained; QUEUE_FULL at once if the inbox
   *     is full, DRAINING at once if it is closed
   */
  public CompletionStage<SubmitResult> submit(Request request) {
    Check.notNull("request", request);
    SubmitResult refusal;
    lock.lock();
    try {
      if (!closed && submits < capacity) {
        Message message = new Message(request, null, null, new CompletableFuture<>());
        submits++;
        add(message);
        return message.stage();
      }
      refusal =
          closed ? SubmitResult.DRAINING : new SubmitResult(SubmitResult.Kind.QUEUE_FULL, -1, 0);
    } finally {
      lock.unlock();
    }
    return CompletableFuture.completedStage(refusal);
  }

  /**
   * Cancels a request by its id, whether it is still in this inbox or already scheduled; unknown
   * and ended ones are ignored. Thread-safe.
   *
   * @param requestId its id
   * @return false if the inbox is full and the cancel was not taken
   */
  public boolean cancel(String requestId) {
    return offer(new Message(null, Check.notNull("requestId", requestId), null, null));
  }

  /**
   * Lets the loop thread do something, such as reporting that a transfer ended. Thread-safe. An
   * action that throws is counted and logged once a minute; it harms nobody else.
   *
   * @param action what to do
   * @return false if the inbox is full and the action was not taken
   */
  public boolean post(Action action) {
    return offer(new Message(null, null, Check.notNull("action", action), null));
  }

  private boolean offer(Message message) {
    lock.lock();
    try {
      if (others == capacity) {
        return false;
      }
      others++;
      add(message);
      return true;
    } finally {
      lock.unlock();
    }
  }

  private void add(Message message) {
    incoming.add(message);
    changed.signalAll();
  }

  /**
   * Hands over everything that waits, in order, on the calling thread.
   *
   * @param scheduler where to
   * @param nowNanos caller's clock
   * @return how many messages there were
   * @throws RuntimeException what the scheduler threw first, after everything was handed over; the
   *     stages concerned are completed with it
   */
  public int drainTo(EngineScheduler scheduler, long nowNanos) {
    Check.notNull("scheduler", scheduler);
    ArrayDeque<Message> batch;
    lock.lock();
    try {
      if (incoming.isEmpty()) {
        return 0;
      }
      batch = incoming;
      incoming = spare;
      // Another thread that drains meanwhile must not get the batch at hand.
      spare = new ArrayDeque<>(0);
      submits = 0;
      others = 0;
    } finally {
      lock.unlock();
    }
    int count = batch.size();
    RuntimeException first = null;
    for (Message message = batch.poll(); message != null; message = batch.poll()) {
      RuntimeException failure = deliver(message, scheduler, nowNanos);
      first = first == null ? failure : first;
    }
    lock.lock();
    try {
      spare = batch;
    } finally {
      lock.unlock();
    }
    if (first != null) {
      throw first;
    }
    return count;
  }

  /** Returns what the scheduler threw, if anything. */
  private @Nullable RuntimeException deliver(
      Message message, EngineScheduler scheduler, long nowNanos) {
    Request request = message.request;
    if (message.action != null) {
      try {
        message.action.run(scheduler, nowNanos);
      } catch (RuntimeException e) {
        failedActions++;
        warn(nowNanos, e);
      }
      return null;
    }
    try {
      if (request != null) {
        SubmitResult result = scheduler.submit(request, nowNanos);
        message.complete(completions, result, null);
      } else if (message.cancelled != null) {
        scheduler.cancel(scheduler.handleOf(message.cancelled), nowNanos);
      }
      return null;
    } catch (RuntimeException e) {
      message.complete(completions, null, e);
      return e;
    }
  }

  private void warn(long nowNanos, RuntimeException failure) {
    // One line a minute, by the caller's clock.
    if (lastWarnNanos == Long.MIN_VALUE || nowNanos - lastWarnNanos >= WARN_GAP_NANOS) {
      lastWarnNanos = nowNanos;
      LOG.warn("a posted action threw {}; {} so far", failure.toString(), failedActions);
    }
  }

  /**
   * Waits until something is there to drain, the inbox is closed, or a time has come. To be called
   * by the loop thread.
   *
   * @param wakeAtNanos latest time to return, on the clock given at construction; {@link
   *     Long#MAX_VALUE} for none
   * @throws InterruptedException if the thread is interrupted
   */
  public void awaitUntil(long wakeAtNanos) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (incoming.isEmpty() && !closed) {
        if (wakeAtNanos == Long.MAX_VALUE) {
          changed.await();
        } else {
          long left = wakeAtNanos - clock.getAsLong();
          if (left <= 0 || changed.awaitNanos(left) <= 0) {
            return;
          }
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Returns whether the inbox is closed and has nothing more to drain, so that a loop may end once
   * its scheduler is idle.
   *
   * @return true if closed and empty
   */
  public boolean closed() {
    lock.lock();
    try {
      return closed && incoming.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Returns how many posted actions threw.
   *
   * @return a count; to be read by the thread that drains
   */
  public long failedActions() {
    return failedActions;
  }

  /** Refuses submits from now on and wakes the loop; what waits is still drained. Idempotent. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** A submit, a cancel or an action; the other fields are null. */
  private static final class Message {
    private final @Nullable Request request;
    private final @Nullable String cancelled;
    private final @Nullable Action action;
    private final @Nullable CompletableFuture<SubmitResult> result;

    Message(
        @Nullable Request request,
        @Nullable String cancelled,
        @Nullable Action action,
        @Nullable CompletableFuture<SubmitResult> result) {
      this.request = request;
      this.cancelled = cancelled;
      this.action = action;
      this.result = result;
    }

    CompletionStage<SubmitResult> stage() {
      if (result == null) {
        throw new IllegalStateException("only a submit has a result");
      }
      return result.minimalCompletionStage();
    }

    void complete(
        Executor executor, @Nullable SubmitResult value, @Nullable RuntimeException failure) {
      CompletableFuture<SubmitResult> future = result;
      if (future == null) {
        return;
      }
      Runnable completion =
          () -> {
            if (failure != null) {
              future.completeExceptionally(failure);
            } else {
              future.complete(value);
            }
          };
      try {
        executor.execute(completion);
      } catch (RuntimeException e) {
        // The executor takes no work: the answer must not be lost with it.
        completion.run();
      }
    }
  }
}
