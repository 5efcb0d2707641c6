package io.headway.runtime;

import io.headway.api.Request;
import io.headway.api.batching.End;
import io.headway.api.batching.SequenceState;
import io.headway.api.memory.BlockKeyChain;
import io.headway.api.memory.KvBlockPool;
import io.headway.api.memory.KvPoolView;
import io.headway.api.memory.ReleaseOrder;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How requests come and go: every accepted one ends exactly once, and what it holds is given back
 * when no plan in flight and no transfer uses it any more.
 */
final class Lifecycle {
  private static final int NONE = Sequences.NONE;

  private final Sequences sequences;
  private final KvBlockPool pool;
  private final EventQueue events;
  private final Tenants tenants;
  private final Adapters adapters;
  private final PolicyGuard policy;
  private final EngineTally tally;
  private final RuntimeListener listener;
  private final @Nullable Predictions<?> predictions;
  private final @Nullable EngineLog log;
  private final int maxRetries;

  private final Map<String, Integer> ids = new HashMap<>();
  private final TimerHeap deadlines;
  private long lastEndNanos;
  private long meanEndGapNanos;

  Lifecycle(
      Sequences sequences,
      EventQueue events,
      Tenants tenants,
      Adapters adapters,
      PolicyGuard policy,
      EngineTally tally,
      RuntimeListener listener,
      @Nullable Predictions<?> predictions,
      @Nullable EngineLog log,
      int maxRetries) {
    this.sequences = sequences;
    this.pool = sequences.pool;
    this.events = events;
    this.tenants = tenants;
    this.adapters = adapters;
    this.policy = policy;
    this.tally = tally;
    this.listener = listener;
    this.predictions = predictions;
    this.log = log;
    this.maxRetries = maxRetries;
    deadlines =
        new TimerHeap(
            handle -> {
              int s = sequences.find(handle);
              return s != NONE && !sequences.isFinished(s);
            });
  }

  // ---- coming

  /** Returns the live sequence of a request, or NONE. */
  int find(String requestId) {
    Integer s = ids.get(requestId);
    return s == null ? NONE : s;
  }

  /** Makes a sequence that is neither queued nor running yet. */
  int open(Request request, @Nullable BlockKeyChain keys, boolean handsOver) {
    int forgotten = tenants.wouldForget(request.tenant());
    if (forgotten != NONE) {
      policy.onTenantForgotten(forgotten);
    }
    int s = sequences.open(request, tenants.acquire(request.tenant()), keys, handsOver);
    ids.put(request.id(), s);
    tally.accepted++;
    if (request.hasDeadline()) {
      deadlines.add(request.deadlineNanos(), sequences.handle(s), sequences.live());
    }
    if (log != null) {
      log.arrived(s);
    }
    return s;
  }

  /** Puts a sequence at the end of {@link #open} into the queue. */
  void enqueue(int s) {
    sequences.setState(s, SequenceState.WAITING);
    sequences.enqueueByArrival(s);
    policy.onQueued(s);
    listener.accepted(sequences.handle(s), sequences.nowNanos);
  }

  // ---- going

  /** Ends whoever has passed a deadline; returns whether anybody has. */
  boolean expire() {
    boolean any = false;
    while (deadlines.isDue(sequences.nowNanos)) {
      end(sequences.find(deadlines.poll()), End.EXPIRED, "");
      any = true;
    }
    return any;
  }

  /** Returns the earliest deadline of a live request. */
  long earliestDeadlineNanos() {
    return deadlines.earliest();
  }

  /** Returns roughly how long it takes until a request ends. */
  long meanEndGapNanos() {
    return meanEndGapNanos;
  }

  /** Ends a live request now; what it holds is given back when nothing uses it any more. */
  void end(int s, End why, String detail) {
    // Of a request that is still on its way here the policy has never heard.
    boolean told = !sequences.isMigrating(s) || sequences.handsOver[s];
    if (sequences.isQueued(s)) {
      sequences.dequeue(s);
    } else if (sequences.isRunning(s)) {
      sequences.removeRunning(s);
    }
    sequences.setState(s, SequenceState.FINISHED);
    finish(s, why, detail, told);
  }

  /** Tells everyone that a request is over, once it is out of queue and running set. */
  void finish(int s, End why, String detail) {
    finish(s, why, detail, true);
  }

  private void finish(int s, End why, String detail, boolean told) {
    long handle = sequences.handle(s);
    Request request = sequences.requestOf(s);
    int output = sequences.generated(s);
    sequences.setHold(s, Sequences.RELEASE);
    events.ended(handle, why, detail);
    ids.remove(request.id());
    long gap = sequences.nowNanos - lastEndNanos;
    lastEndNanos = sequences.nowNanos;
    tally.ended++;
    meanEndGapNanos =
        switch ((int) Math.min(tally.ended, 3)) {
          case 1 -> 0;
          case 2 -> gap;
          default -> meanEndGapNanos + (gap - meanEndGapNanos) / 16;
        };
    if (told) {
      policy.onEnded(s, why);
    }
    if (predictions != null) {
      predictions.observe(request, output, why != End.STOPPED && why != End.LENGTH);
    }
    if (log != null) {
      log.ended(s, why);
    }
    listener.ended(handle, why, output);
    landed(s);
  }

  /** Has a sequence computed again whose step was lost, unless that happened too often. */
  void failed(int s, Throwable cause) {
    if (++sequences.failures[s] > maxRetries) {
      String message = cause.getMessage();
      String name = cause.getClass().getSimpleName();
      end(s, End.FAILED, message == null ? name : name + ": " + message);
      return;
    }
    sequences.setHold(s, Sequences.REQUEUE);
    sequences.forgetOutstanding(s);
    landed(s);
  }

  /** Does what was put off until no plan in flight mentions the sequence. */
  void landed(int s) {
    if (sequences.plansInFlight(s) > 0) {
      return;
    }
    switch (sequences.hold(s)) {
      case Sequences.ROLLED_BACK -> sequences.setHold(s, Sequences.FREE);
      case Sequences.REQUEUE -> requeue(s);
      case Sequences.RELEASE -> {
        if (!sequences.transferPending[s]) {
          giveBack(s);
          tenants.release(sequences.tenant[s]);
          sequences.close(s);
        }
      }
      default -> {}
    }
  }

  private void requeue(int s) {
    policy.onPreempted(s);
    sequences.removeRunning(s);
    if (log != null) {
      log.preempted(s, "recompute", NONE);
    }
    giveBack(s);
    sequences.forgetComputed(s);
    sequences.setHold(s, Sequences.FREE);
    sequences.preempted[s]++;
    tally.preemptions++;
    sequences.setState(s, SequenceState.WAITING);
    sequences.enqueueRetried(s);
    policy.onQueued(s);
    listener.preempted(sequences.handle(s), sequences.preempted[s]);
  }

  private void giveBack(int s) {
    long owner = sequences.owners[s];
    if (owner != KvPoolView.NO_OWNER) {
      if (log != null) {
        log.released(s);
      }
      pool.release(owner, ReleaseOrder.DEEPEST_FIRST);
      sequences.owners[s] = KvPoolView.NO_OWNER;
    }
    int slot = sequences.slots[s];
    if (slot != NONE) {
      sequences.freeSlot(s);
      adapters.remove(sequences.requestOf(s).adapter());
      events.released(slot, sequences.handle(s));
    }
  }
}
