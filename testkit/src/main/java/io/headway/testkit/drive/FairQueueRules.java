package io.headway.testkit.drive;

import io.headway.api.Invariant;
import io.headway.testkit.check.CheckOptions;
import io.headway.testkit.check.TraceChecks;
import io.headway.testkit.scenario.Draws;
import io.headway.testkit.scenario.Event;
import io.headway.testkit.scenario.EventType;
import io.headway.testkit.scenario.Field;
import io.headway.testkit.scenario.Observations;
import io.headway.testkit.scenario.Outcome;
import io.headway.testkit.scenario.Scenario;
import io.headway.testkit.scenario.ScenarioContract;
import io.headway.testkit.scenario.Vocabulary;
import io.headway.testkit.subject.FairQueueConfig;
import io.headway.testkit.subject.FairQueueFactory;
import io.headway.testkit.subject.FairQueueFeature;
import io.headway.testkit.subject.FairQueueSubject;
import io.headway.testkit.trace.TraceSink;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * The rules of a fair queue: every item comes out once, no flow is forgotten, limits are kept and
 * refusals told, items held back keep nobody waiting, items of a flow keep their order, and flows
 * that are backlogged together get equal service up to the claimed bound, a flow that returns from
 * idleness included. What a queue writes to its log is judged, too. Immutable.
 */
public final class FairQueueRules implements ScenarioContract<FairQueueFactory> {
  private static final int FLOWS = 3;

  /** Largest cost of an item that is drawn. */
  public static final int LARGEST = 8;

  /** The flow of an item. */
  public static final Field FLOW = Field.of("flow", 0, FLOWS - 1);

  /** The service that an item takes. */
  public static final Field COST = Field.of("cost", 1, 64);

  /** An item comes. */
  public static final EventType ENQUEUE = EventType.request("enqueue", FLOW, COST);

  /** An item is served. */
  public static final EventType DEQUEUE = EventType.of("dequeue");

  /** An item is taken back. */
  public static final EventType CANCEL = EventType.of("cancel", Engine.WHICH);

  /** An item must wait for something outside. */
  public static final EventType HOLD = EventType.of("hold", Engine.WHICH);

  /** What an item waits for has come. */
  public static final EventType READY = EventType.of("ready", Engine.WHICH);

  /** Something happens that concerns nobody who waits. */
  public static final EventType NUDGE = EventType.of("nudge");

  /** Most items that wait in a flow; 0 for no limit. */
  public static final Field LIMIT_ITEMS = Field.of("limitItems", 0, 64);

  /** Most that the items of a flow may cost; 0 for no limit. */
  public static final Field LIMIT_COST = Field.of("limitCost", 0, 4_096);

  /** Rules that the log of a queue alone decides. */
  private static final Set<Invariant> IN_LOG = EnumSet.of(Invariant.INV_37, Invariant.INV_38);

  private static final Vocabulary VOCABULARY =
      new Vocabulary(
          "fair-queue",
          List.of(LIMIT_ITEMS, LIMIT_COST),
          List.of(ENQUEUE, DEQUEUE, CANCEL, HOLD, READY, NUDGE, Engine.ADVANCE));

  private FairQueueRules() {}

  /**
   * Makes the rules.
   *
   * @return the rules
   */
  public static FairQueueRules standard() {
    return new FairQueueRules();
  }

  @Override
  public Vocabulary vocabulary() {
    return VOCABULARY;
  }

  @Override
  public Scenario draw(FairQueueFactory factory, long seed) {
    Draws draws = Draws.of(seed, "events");
    Scenario.Builder scenario = VOCABULARY.scenario(seed);
    boolean burst = draws.chance(50);
    boolean holds = factory.features().contains(FairQueueFeature.HOLDS) && draws.chance(50);
    if (factory.features().contains(FairQueueFeature.LIMITS) && draws.chance(60)) {
      scenario.set(LIMIT_ITEMS, draws.between(0, 4));
      scenario.set(LIMIT_COST, draws.chance(50) ? 0 : draws.between(LARGEST, 3 * LARGEST));
    }
    int count = draws.between(10, 60);
    int hold = holds ? 15 : 0;
    for (int i = 0; i < count; i++) {
      switch (draws.weighted(
          burst && i < count / 2 ? 90 : 45, 45, 5, 5, hold, hold / 2, hold / 2)) {
        case 0 ->
            scenario.add(ENQUEUE.with(draws.between(0, FLOWS - 1), draws.between(1, LARGEST)));
        case 1 -> scenario.add(DEQUEUE.with());
        case 2 -> scenario.add(CANCEL.with(draws.between(0, 9)));
        case 4 -> scenario.add(HOLD.with(draws.between(0, 9)));
        case 5 -> scenario.add(READY.with(draws.between(0, 9)));
        case 6 -> scenario.add(NUDGE.with());
        default -> scenario.add(Engine.ADVANCE.with(draws.between(1, 1_000)));
      }
    }
    return scenario.build();
  }

  @Override
  public Outcome run(FairQueueFactory factory, Scenario scenario, boolean detailed) {
    Observations seen = new Observations(detailed);
    Records records = new Records(TraceChecks.of(CheckOptions.DEFAULT, IN_LOG::contains), seen);
    new Run(factory, scenario, seen, records).play();
    records.finish();
    return seen.outcome();
  }

  private static final class Item {
    final int number;
    final int flow;
    final int cost;
    boolean held;

    Item(int number, int flow, int cost) {
      this.number = number;
      this.flow = flow;
      this.cost = cost;
    }

    int number() {
      return number;
    }

    int flow() {
      return flow;
    }

    int cost() {
      return cost;
    }
  }

  private static final class Run {
    private final FairQueueFactory factory;
    private final Scenario scenario;
    private final Observations seen;
    private final FairQueueSubject queue;
    private final List<Item> queued = new ArrayList<>();

    /** Service of each flow since the last time that some pair was not backlogged together. */
    private final long[][] since = new long[FLOWS][FLOWS];

    private int number;
    private int largest;
    private long now;

    Run(FairQueueFactory factory, Scenario scenario, Observations seen, TraceSink trace) {
      this.factory = factory;
      this.scenario = scenario;
      this.seen = seen;
      queue =
          factory.create(
              new FairQueueConfig(scenario.intOf(LIMIT_ITEMS), scenario.intOf(LIMIT_COST)), trace);
    }

    void play() {
      try {
        List<Event> events = scenario.events();
        for (int i = 0; i < events.size(); i++) {
          seen.event(i);
          seen.step(i);
          play(events.get(i));
        }
        seen.event(events.size());
        for (Item item : List.copyOf(queued)) {
          if (item.held) {
            ready(item);
          }
        }
        while (!queued.isEmpty()) {
          dequeue();
        }
        dequeue();
      } catch (Guarded.Halt halt) {
        // What went wrong was recorded where it happened.
      } finally {
        queue.close();
      }
    }

    private void play(Event event) {
      if (event.is(ENQUEUE)) {
        enqueue(new Item(number++, event.intOf(FLOW), event.intOf(COST)));
      } else if (event.is(DEQUEUE)) {
        dequeue();
      } else if (event.is(CANCEL)) {
        if (!queued.isEmpty()) {
          Item item = queued.remove(event.intOf(Engine.WHICH) % queued.size());
          Guarded.call(seen, "cancel", () -> queue.cancel(item.number(), now));
          line("cancel " + item.number(), "");
        }
      } else if (event.is(HOLD)) {
        pick(event, false).ifPresent(this::hold);
      } else if (event.is(READY)) {
        pick(event, true).ifPresent(this::ready);
      } else if (event.is(NUDGE)) {
        if (holds()) {
          Guarded.call(seen, "nudge", () -> queue.nudge(now));
          line("nudge", "");
        }
      } else {
        now += event.get(Engine.TIME);
      }
    }

    private boolean holds() {
      return factory.features().contains(FairQueueFeature.HOLDS);
    }

    private Optional<Item> pick(Event event, boolean held) {
      List<Item> among = queued.stream().filter(item -> item.held == held).toList();
      return among.isEmpty() || !holds()
          ? Optional.empty()
          : Optional.of(among.get(event.intOf(Engine.WHICH) % among.size()));
    }

    private void hold(Item item) {
      item.held = true;
      Guarded.call(seen, "hold", () -> queue.hold(item.number(), now));
      line("hold " + item.number(), "");
    }

    private void ready(Item item) {
      if (!backlogged(item.flow())) {
        joins(item.flow());
      }
      item.held = false;
      Guarded.call(seen, "ready", () -> queue.ready(item.number(), now));
      line("ready " + item.number(), "");
    }

    /** A flow comes back from idleness: from here on its service is compared anew. */
    private void joins(int flow) {
      for (long[] pair : since) {
        pair[flow] = 0;
      }
      Arrays.fill(since[flow], 0);
    }

    private boolean within(Item item) {
      int items = 1;
      int cost = item.cost();
      for (Item other : queued) {
        if (other.flow() == item.flow()) {
          items++;
          cost += other.cost();
        }
      }
      int limitItems = scenario.intOf(LIMIT_ITEMS);
      int limitCost = scenario.intOf(LIMIT_COST);
      return (limitItems == 0 || items <= limitItems) && (limitCost == 0 || cost <= limitCost);
    }

    private void enqueue(Item item) {
      boolean[] taken = new boolean[1];
      now++;
      Guarded.call(
          seen,
          "enqueue",
          () -> taken[0] = queue.enqueue(item.number(), item.flow(), item.cost(), now));
      if (factory.features().contains(FairQueueFeature.LIMITS)) {
        boolean within = within(item);
        seen.check(
            taken[0] == within,
            Invariant.INV_38,
            "limit",
            () ->
                "item "
                    + item.number()
                    + " is "
                    + (taken[0] ? "taken although" : "refused although no")
                    + " limit of flow "
                    + item.flow()
                    + " is exceeded with it");
      }
      if (taken[0]) {
        if (!backlogged(item.flow())) {
          joins(item.flow());
        }
        queued.add(item);
        largest = Math.max(largest, item.cost());
      } else {
        seen.label("refused");
      }
      line(
          "enqueue " + item.number() + " flow " + item.flow() + " cost " + item.cost(),
          taken[0] ? "" : "refused");
    }

    private boolean backlogged(int flow) {
      return queued.stream().anyMatch(item -> item.flow() == flow && !item.held);
    }

    private void dequeue() {
      OptionalInt[] answer = {OptionalInt.empty()};
      Guarded.call(seen, "dequeue", () -> answer[0] = queue.dequeue(now));
      long ready = queued.stream().filter(item -> !item.held).count();
      seen.check(
          answer[0].isPresent() || ready == 0,
          ready < queued.size() ? Invariant.INV_26 : Invariant.INV_38,
          "flow",
          () ->
              ready
                  + " of "
                  + queued.size()
                  + " queued items may go, but dequeue returned "
                  + answer[0]);
      if (answer[0].isEmpty()) {
        if (ready > 0) {
          throw new Guarded.Halt();
        }
        return;
      }
      int out = answer[0].getAsInt();
      Item item = queued.stream().filter(i -> i.number() == out).findFirst().orElse(null);
      seen.check(
          item != null, Invariant.INV_01, "item", "item " + out + " came out, but is not queued");
      if (item == null) {
        throw new Guarded.Halt();
      }
      line("dequeue", "item " + out + " of flow " + item.flow());
      seen.check(
          !item.held, Invariant.INV_02, "item", "item " + out + " came out, but is held back");
      inOrder(item);
      fair(item);
      queued.remove(item);
    }

    private void inOrder(Item item) {
      if (!factory.firstComeWithinFlow()) {
        return;
      }
      for (Item other : queued) {
        if (other.flow() == item.flow() && !other.held) {
          seen.check(
              other.number() >= item.number(),
              Invariant.INV_19,
              "item",
              "item "
                  + item.number()
                  + " of flow "
                  + item.flow()
                  + " overtakes item "
                  + other.number());
        }
      }
    }

    private void fair(Item item) {
      int flow = item.flow();
      for (int other = 0; other < FLOWS; other++) {
        if (other == flow) {
          continue;
        }
        if (!backlogged(other)) {
          since[flow][other] = 0;
          since[other][flow] = 0;
          continue;
        }
        since[flow][other] += item.cost();
        if (factory.largestCosts() >= 0) {
          long difference = since[flow][other] - since[other][flow];
          long bound = (long) factory.largestCosts() * largest;
          seen.check(
              difference <= bound,
              Invariant.INV_37,
              "flow",
              "flow "
                  + flow
                  + " got "
                  + difference
                  + " more service than flow "
                  + other
                  + " while both were backlogged; the claimed bound is "
                  + bound);
        }
      }
    }

    private void line(String text, String note) {
      seen.line(text, queued.size() + " queued", "", note);
      seen.trace(text);
    }
  }
}
