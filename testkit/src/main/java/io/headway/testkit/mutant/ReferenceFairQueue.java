package io.headway.testkit.mutant;

import io.headway.testkit.drive.FairQueueRules;
import io.headway.testkit.subject.FairQueueConfig;
import io.headway.testkit.subject.FairQueueFactory;
import io.headway.testkit.subject.FairQueueFeature;
import io.headway.testkit.subject.FairQueueSubject;
import io.headway.testkit.trace.TraceEvent;
import io.headway.testkit.trace.TraceSink;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A small fair queue that is correct unless a fault is planted: one counter of service per flow.
 * The flow with the smallest counter is served, its first item that may go first; a flow that comes
 * back from idleness is lifted to the smallest counter of those that did not leave. Ties go to the
 * smaller flow. Over any time in which two flows are backlogged their service differs by at most
 * {@value #LARGEST_COSTS} largest costs.
 */
final class ReferenceFairQueue implements FairQueueSubject {
  /** The claimed bound, in largest costs. */
  static final int LARGEST_COSTS = 2;

  private static final long IDLE_NANOS = 500;

  private static final Set<FairQueueFeature> FEATURES =
      Collections.unmodifiableSet(EnumSet.of(FairQueueFeature.LIMITS, FairQueueFeature.HOLDS));

  private static final class Item {
    final int number;
    final Flow flow;
    final int cost;

    /** The counter of its flow when it came. */
    final long keyAtArrival;

    boolean held;

    Item(int number, Flow flow, int cost) {
      this.number = number;
      this.flow = flow;
      this.cost = cost;
      keyAtArrival = flow.service;
    }
  }

  private static final class Flow {
    final int number;
    final List<Item> items = new ArrayList<>();
    long service;
    int count;
    long cost;
    long lastArrival;

    Flow(int number) {
      this.number = number;
    }

    String name() {
      return "f" + number;
    }

    boolean backlogged() {
      return items.stream().anyMatch(item -> !item.held);
    }
  }

  private final @Nullable FlowFault fault;
  private final FairQueueConfig config;
  private final TraceSink trace;
  private final Map<Integer, Flow> flows = new TreeMap<>();
  private final Map<Integer, Item> items = new TreeMap<>();

  /** Items that are known not to go, for whoever remembers that. */
  private final Set<Item> parked = new HashSet<>();

  private long lastService;
  private long steps;

  private ReferenceFairQueue(@Nullable FlowFault fault, FairQueueConfig config, TraceSink trace) {
    this.fault = fault;
    this.config = config;
    this.trace = trace;
    trace.accept(
        new TraceEvent.Config(
            0L,
            "",
            1L,
            "fair",
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            Map.of("serviceDifference", (double) LARGEST_COSTS * FairQueueRules.LARGEST),
            null));
  }

  /**
   * Makes a factory.
   *
   * @param fault the bug that its queues have; null for none
   */
  static FairQueueFactory factory(@Nullable FlowFault fault) {
    return new FairQueueFactory() {
      @Override
      public FairQueueSubject create(FairQueueConfig config, TraceSink trace) {
        return new ReferenceFairQueue(fault, config, trace);
      }

      @Override
      public Set<FairQueueFeature> features() {
        return FEATURES;
      }

      @Override
      public int largestCosts() {
        return LARGEST_COSTS;
      }
    };
  }

  private boolean has(FlowFault planted) {
    return fault == planted;
  }

  @Override
  public boolean enqueue(int number, int flowNumber, int cost, long nowNanos) {
    collect(nowNanos);
    Flow flow = flows.computeIfAbsent(flowNumber, Flow::new);
    boolean within =
        (config.limitItems() == 0 || flow.count < config.limitItems())
            && (config.limitCost() == 0 || flow.cost + cost <= config.limitCost());
    if (!within) {
      if (has(FlowFault.H_60)) {
        count(flow, 1, cost);
      }
      trace.accept(
          new TraceEvent.Reject(
              nowNanos,
              "",
              "i" + number,
              "flow-full",
              (long) cost,
              1L,
              nowNanos,
              null,
              flow.name(),
              null,
              null,
              null,
              null,
              flow.name(),
              (long) cost));
      return has(FlowFault.B_70A);
    }
    if (!flow.backlogged()) {
      lift(flow);
    }
    Item item = new Item(number, flow, cost);
    flow.items.add(item);
    flow.lastArrival = nowNanos;
    items.put(number, item);
    count(flow, 1, cost);
    trace.accept(
        new TraceEvent.Arrive(
            nowNanos,
            "",
            "i" + number,
            (long) cost,
            1L,
            nowNanos,
            null,
            flow.name(),
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            flow.name(),
            (long) cost));
    counts(flow, nowNanos);
    return true;
  }

  private void count(Flow flow, int by, int cost) {
    flow.count += by;
    flow.cost += has(FlowFault.B_70B) ? 0 : (long) by * cost;
  }

  /** A flow that comes back gets nothing for the time it was away. */
  private void lift(Flow flow) {
    if (has(FlowFault.H_58)) {
      return;
    }
    long least = Long.MAX_VALUE;
    for (Flow other : flows.values()) {
      if (other != flow && other.backlogged()) {
        least = Math.min(least, other.service);
      }
    }
    flow.service = Math.max(flow.service, least == Long.MAX_VALUE ? lastService : least);
  }

  private void collect(long now) {
    if (has(FlowFault.B_71)) {
      flows.values().removeIf(flow -> now - flow.lastArrival > IDLE_NANOS);
    }
  }

  @Override
  public OptionalInt dequeue(long nowNanos) {
    collect(nowNanos);
    Item next = has(FlowFault.B_06) ? firstByKey() : first();
    if (next == null || next.held) {
      return OptionalInt.empty();
    }
    Flow flow = next.flow;
    lastService = flow.service;
    flow.service += has(FlowFault.H_62) ? 1 : next.cost;
    remove(next);
    count(flow, -1, next.cost);
    trace.accept(
        new TraceEvent.Step(
            nowNanos,
            "",
            ++steps,
            List.of(
                new TraceEvent.Row(
                    "i" + next.number, 0L, (long) next.cost, "prefill", null, null, null, null)),
            (long) next.cost,
            null,
            null,
            null,
            null));
    trace.accept(new TraceEvent.Complete(nowNanos, "", steps));
    ended(next, TraceEvent.Ended.Kind.FINISH, nowNanos);
    counts(flow, nowNanos);
    return OptionalInt.of(next.number);
  }

  /** Returns the item to be served, or one that cannot go where that ends the search. */
  private @Nullable Item first() {
    if (has(FlowFault.B_04)) {
      for (Item item : items.values()) {
        if (item.held && parked.add(item)) {
          return item;
        }
      }
    }
    Flow best = null;
    for (Flow flow : flows.values()) {
      Item item = first(flow);
      if (item != null && (best == null || flow.service < best.service)) {
        best = flow;
      }
    }
    return best == null ? null : first(best);
  }

  /** Returns the item of a flow that goes first; null if none may go. */
  private @Nullable Item first(Flow flow) {
    List<Item> order = new ArrayList<>(flow.items);
    if (has(FlowFault.H_63)) {
      Collections.reverse(order);
    }
    for (Item item : order) {
      if (!item.held) {
        return item;
      }
      if (has(FlowFault.H_65)) {
        return null;
      }
    }
    return null;
  }

  private @Nullable Item firstByKey() {
    Item best = null;
    for (Flow flow : flows.values()) {
      Item item = first(flow);
      if (item != null && (best == null || item.keyAtArrival < best.keyAtArrival)) {
        best = item;
      }
    }
    return best;
  }

  private void remove(Item item) {
    item.flow.items.remove(item);
    items.remove(item.number);
    parked.remove(item);
  }

  @Override
  public void cancel(int number, long nowNanos) {
    collect(nowNanos);
    Item item = items.get(number);
    if (item == null || has(FlowFault.H_61)) {
      return;
    }
    remove(item);
    if (!has(FlowFault.H_59)) {
      count(item.flow, -1, item.cost);
    }
    ended(item, TraceEvent.Ended.Kind.CANCEL, nowNanos);
    counts(item.flow, nowNanos);
  }

  @Override
  public void hold(int number, long nowNanos) {
    Item item = items.get(number);
    if (item != null) {
      item.held = true;
      parked.add(item);
      trace.accept(new TraceEvent.Defer(nowNanos, "", "i" + number, "something", null));
    }
  }

  @Override
  public void ready(int number, long nowNanos) {
    Item item = items.get(number);
    if (item != null && !has(FlowFault.H_64)) {
      if (!item.flow.backlogged()) {
        lift(item.flow);
      }
      item.held = false;
      parked.remove(item);
      trace.accept(new TraceEvent.Promote(nowNanos, "", "i" + number, "ready"));
    }
  }

  @Override
  public void nudge(long nowNanos) {
    // Nobody who is held back may go because of it; B-04 tries them all again.
    parked.clear();
  }

  // ---- the log

  private void ended(Item item, TraceEvent.Ended.Kind kind, long now) {
    trace.accept(new TraceEvent.Ended(now, "", kind, "i" + item.number, "over", 0L));
  }

  private void counts(Flow flow, long now) {
    trace.accept(
        new TraceEvent.Flow(
            now,
            "",
            flow.name(),
            "open",
            (long) flow.count,
            has(FlowFault.B_70B) ? null : flow.cost,
            config.limitItems() == 0 ? null : (long) config.limitItems(),
            config.limitCost() == 0 ? null : (long) config.limitCost()));
  }
}
