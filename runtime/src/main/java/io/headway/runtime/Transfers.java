package io.headway.runtime;

import io.headway.api.Request;
import io.headway.api.batching.End;
import io.headway.api.batching.SequenceState;
import io.headway.api.memory.BlockKeyChain;
import io.headway.api.memory.KvBlockPool;
import io.headway.api.memory.KvDemand;
import io.headway.api.memory.KvOutcome;
import io.headway.api.memory.OwnerKind;
import org.jspecify.annotations.Nullable;

/**
 * Sequences whose KV is on its way to or from another instance. A transfer is pending from its
 * begin until its end is reported or its lease expires; meanwhile slot and blocks stay where they
 * are, even if the request is over by then, since bytes may still be read or written there.
 */
final class Transfers {
  private static final int NONE = Sequences.NONE;

  private final Sequences sequences;
  private final KvBlockPool pool;
  private final EventQueue events;
  private final Adapters adapters;
  private final Lifecycle lifecycle;
  private final Publisher publisher;
  private final KvEvents kvEvents;
  private final PolicyGuard policy;
  private final RuntimeListener listener;
  private final @Nullable EngineLog log;
  private final long leaseNanos;
  private final boolean recomputeIncoming;
  private final int blockTokens;
  private final TimerHeap leases;

  Transfers(
      Sequences sequences,
      EventQueue events,
      Adapters adapters,
      Lifecycle lifecycle,
      Publisher publisher,
      KvEvents kvEvents,
      PolicyGuard policy,
      RuntimeListener listener,
      @Nullable EngineLog log,
      long leaseNanos,
      boolean recomputeIncoming) {
    this.sequences = sequences;
    this.pool = sequences.pool;
    this.events = events;
    this.adapters = adapters;
    this.lifecycle = lifecycle;
    this.publisher = publisher;
    this.kvEvents = kvEvents;
    this.policy = policy;
    this.listener = listener;
    this.log = log;
    this.leaseNanos = leaseNanos;
    this.recomputeIncoming = recomputeIncoming;
    blockTokens = pool.geometry().groups().get(0).blockTokens();
    leases =
        new TimerHeap(
            handle -> {
              int s = sequences.find(handle);
              return s != NONE && sequences.transferPending[s];
            });
  }

  // ---- leading away

  /** Hands a running sequence over that has emitted its first token. */
  void handOver(int s) {
    sequences.removeRunning(s);
    begin(s);
    sequences.pinnedBlocks += sequences.heldBlocks(s);
    events.handOver(sequences.handle(s), sequences.slots[s]);
  }

  /** Ends a hand-over; returns false if the request was over already. */
  boolean handedOver(long handle, boolean succeeded) {
    int s = sequences.find(handle);
    if (s == NONE || !sequences.transferPending[s] || !sequences.handsOver[s]) {
      return false;
    }
    if (succeeded) {
      return settle(s, "done", End.HANDED_OVER, "");
    }
    return settle(s, "failed", End.FAILED, "the hand-over failed");
  }

  // ---- leading here

  /** Takes slot and blocks for a prompt that another instance computes, or says why not. */
  Reservation reserve(Request request, @Nullable BlockKeyChain keys) {
    if (sequences.freeSlots() == 0 || !adapters.hasRoomFor(request.adapter())) {
      return Reservation.later(0);
    }
    int before = pool.savepoint();
    long owner = keys == null ? pool.open(OwnerKind.SEQUENCE) : pool.open(OwnerKind.SEQUENCE, keys);
    int length = policy.incomingTokens(request);
    KvOutcome outcome = pool.tryAllocate(owner, KvDemand.uncached(length));
    if (!outcome.ok()) {
      pool.rollbackTo(before);
      pool.commit();
      return outcome.verdict() == KvOutcome.Verdict.NEVER
          ? Reservation.NEVER
          : Reservation.later(outcome.shortfallBlocks());
    }
    pool.commit();
    // What had to be evicted for it comes before what it takes.
    kvEvents.drain();
    int s = lifecycle.open(request, keys, false);
    sequences.owners[s] = owner;
    sequences.setReserved(s, length);
    sequences.setWritable(s, pool.writableTokens(owner));
    sequences.takeLowestSlot(s);
    adapters.add(request.adapter());
    events.granted(sequences.slots[s], sequences.handle(s));
    long lease = begin(s);
    listener.accepted(sequences.handle(s), sequences.nowNanos);
    return new Reservation(
        Reservation.Kind.GRANTED,
        sequences.handle(s),
        sequences.slots[s],
        pool.blockCount(owner, 0),
        lease);
  }

  /** Lets a sequence decode here whose KV has arrived; returns false if it is over. */
  boolean arrived(long handle, int firstToken) {
    int s = pendingIncoming(handle);
    if (s == NONE || !goesOn(s, "done", sequences.prompt(s), sequences.known(s) + 1)) {
      return false;
    }
    sequences.setComputed(s, sequences.prompt(s));
    sequences.addKnown(s, 1);
    start(s);
    publisher.generated(s, firstToken);
    if (sequences.known(s) == sequences.limit(s)) {
      lifecycle.end(s, End.LENGTH, "");
    }
    return true;
  }

  /** Goes on with what has arrived of a failed transfer, or fails; false if it is over. */
  boolean arrivedInPart(long handle, int arrivedTokens) {
    int s = pendingIncoming(handle);
    if (s == NONE) {
      return false;
    }
    if (!recomputeIncoming) {
      return settle(
          s, "failed", End.FAILED, "the transfer failed after " + arrivedTokens + " tokens");
    }
    int kept = Math.min(arrivedTokens, sequences.prompt(s) - 1);
    kept -= kept % blockTokens;
    if (!goesOn(s, "failed", kept, sequences.known(s))) {
      return false;
    }
    sequences.setComputed(s, kept);
    sequences.setSuppressed(s, 1);
    start(s);
    return true;
  }

  private int pendingIncoming(long handle) {
    int s = sequences.find(handle);
    return s != NONE && sequences.transferPending[s] && !sequences.handsOver[s] ? s : NONE;
  }

  private void start(int s) {
    // What arrived whole is as good as computed here.
    publisher.computed(s, sequences.computed(s));
    sequences.setState(s, SequenceState.RUNNING);
    sequences.addRunning(s);
    policy.onQueued(s);
    policy.onAdmitted(s, sequences.computed(s));
  }

  // ---- both ways

  private long begin(int s) {
    sequences.setState(s, SequenceState.MIGRATING);
    sequences.transferPending[s] = true;
    sequences.pendingTransfers++;
    long lease = saturatedSum(sequences.nowNanos, leaseNanos);
    leases.add(lease, sequences.handle(s), sequences.live());
    if (log != null) {
      log.transferBegins(s);
    }
    return lease;
  }

  /** Ends a transfer leading here whose request goes on, unless that was over already. */
  private boolean goesOn(int s, String result, int tokensHere, int knownTokens) {
    if (log != null && !sequences.isFinished(s)) {
      log.transferEnds(s, result, tokensHere, knownTokens);
    } else if (log != null) {
      log.transferEnds(s, result);
    }
    return landed(s);
  }

  /** Ends a pending transfer; returns false if its request was over already. */
  private boolean confirmed(int s, String result) {
    if (log != null) {
      log.transferEnds(s, result);
    }
    return landed(s);
  }

  private boolean landed(int s) {
    sequences.transferPending[s] = false;
    sequences.pendingTransfers--;
    if (sequences.handsOver[s]) {
      sequences.pinnedBlocks -= sequences.heldBlocks(s);
    }
    if (sequences.isFinished(s)) {
      lifecycle.landed(s);
      return false;
    }
    return true;
  }

  private boolean settle(int s, String result, End why, String detail) {
    if (!confirmed(s, result)) {
      return false;
    }
    lifecycle.end(s, why, detail);
    return true;
  }

  /** Fails the transfers whose lease has expired; returns whether there was one. */
  boolean expire() {
    boolean any = false;
    while (leases.isDue(sequences.nowNanos)) {
      settle(
          sequences.find(leases.poll()),
          "expired",
          End.FAILED,
          "the transfer did not end within its lease");
      any = true;
    }
    return any;
  }

  /** Returns when the first lease expires. */
  long earliestLeaseNanos() {
    return leases.earliest();
  }

  /** Ends all transfers at once: nothing here will use the memory again. */
  void abandon() {
    for (int slot = 0; slot < sequences.limits.maxSequences(); slot++) {
      int s = sequences.slotHolder(slot);
      if (s != NONE && sequences.transferPending[s]) {
        settle(s, "abandoned", End.DRAINED, "");
      }
    }
  }

  /** Ends the requests on their way; their memory waits for the transfers. */
  void drain() {
    for (int slot = 0; slot < sequences.limits.maxSequences(); slot++) {
      int s = sequences.slotHolder(slot);
      if (s != NONE && sequences.isMigrating(s)) {
        lifecycle.end(s, End.DRAINED, "");
      }
    }
  }

  private static long saturatedSum(long a, long b) {
    long sum = a + b;
    return sum < a ? Long.MAX_VALUE : sum;
  }
}
