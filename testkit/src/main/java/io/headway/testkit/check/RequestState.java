package io.headway.testkit.check;

import io.headway.testkit.trace.TraceEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** What a trace has said about one request, until it is over and holds nothing. */
final class RequestState {
  /** Where a request stands. */
  enum Phase {
    /** In the queue, never run or put back by recomputation or failure. */
    WAITING,
    /** Waits for something outside. */
    DEFERRED,
    /** May be scheduled. */
    RUNNING,
    /** In the queue after preemption by recomputation. */
    PREEMPTED,
    /** In the queue with its KV in host memory. */
    SWAPPED,
    /** On its way here or away. */
    TRANSFERRING,
    /** Over, but something it holds has not been given back. */
    ENDED;

    /** Returns whether a request in this phase stands in the queue. */
    boolean queued() {
      return this == WAITING || this == PREEMPTED || this == SWAPPED;
    }
  }

  /** A block that is not there: its place in a table is empty. */
  static final long HOLE = -1;

  final String id;
  final TraceEvent.@Nullable Arrive arrive;
  final long arrivalNumber;

  Phase phase = Phase.WAITING;
  long computed;
  long completed;
  long generated;
  long delivered;
  long hidden;
  int outstanding;
  int inFlight;
  boolean reset;
  boolean awaitsOutput;
  long plannedEnd;
  long reservedTokens;

  /** Whether it runs since its KV came by a transfer. */
  boolean transferred;

  long hitTokens;
  int preemptions;
  long computedAtPreemption;
  long queuedAtDecision;
  long hostBlocks;
  final Map<Long, List<Long>> tables = new TreeMap<>();
  final Map<String, Long> units = new TreeMap<>();
  final TreeSet<Long> transfers = new TreeSet<>();
  int pins;

  /** The life of the same id before this one, while it still holds something. */
  @Nullable RequestState previous;

  RequestState(String id, TraceEvent.@Nullable Arrive arrive, long arrivalNumber) {
    this.id = id;
    this.arrive = arrive;
    this.arrivalNumber = arrivalNumber;
    if (arrive != null && arrive.delivered() != null) {
      delivered = arrive.delivered();
    }
  }

  /** Returns the tokens of its prompt, or -1 if the trace does not say. */
  long prompt() {
    return arrive == null || arrive.prompt() == null ? -1 : arrive.prompt();
  }

  /** Returns its most output tokens, or -1 if the trace does not say. */
  long maxNew() {
    return arrive == null || arrive.maxNew() == null ? -1 : arrive.maxNew();
  }

  /**
   * Returns how many of its tokens can be scheduled: prompt, output, and output that is in flight;
   * -1 if the trace does not say how long its prompt is.
   */
  long known() {
    long prompt = prompt();
    return prompt < 0 ? -1 : prompt + generated + outstanding;
  }

  /** Returns whether more output may come, by the declared most. */
  boolean mayGrow() {
    return maxNew() < 0 || generated + outstanding < maxNew();
  }

  /** Returns whether all that is known but the newest token is computed, so that it decodes. */
  boolean decodes() {
    return prompt() >= 0 && computed >= prompt() && known() - computed == 1;
  }

  /** Returns its block table in one cache group; a hole is -1. */
  List<Long> table(long group) {
    List<Long> table = tables.get(group);
    return table == null ? List.of() : table;
  }

  List<Long> openTable(long group) {
    return tables.computeIfAbsent(group, g -> new ArrayList<>());
  }

  /**
   * Returns whether it holds blocks, units, pins or transfers, or is mentioned in flight, so that
   * it must not be forgotten yet.
   */
  boolean holdsSomething() {
    return inFlight > 0 || pins > 0 || previous != null || !transfers.isEmpty() || !holdsNoMemory();
  }

  /** Returns the life of this id that holds the first of some blocks. */
  RequestState holderOf(long group, List<Long> blocks) {
    RequestState earlier = previous;
    return earlier != null && !blocks.isEmpty() && earlier.table(group).contains(blocks.get(0))
        ? earlier
        : this;
  }

  /** Returns whether it holds neither blocks nor units. */
  boolean holdsNoMemory() {
    for (List<Long> table : tables.values()) {
      for (long block : table) {
        if (block != HOLE) {
          return false;
        }
      }
    }
    for (long held : units.values()) {
      if (held != 0) {
        return false;
      }
    }
    return true;
  }
}
