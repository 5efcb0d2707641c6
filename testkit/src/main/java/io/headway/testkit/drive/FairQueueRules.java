package io.headway.testkit.drive;

import io.headway.api.Invariant;
import io.headway.testkit.scenario.Draws;
import io.headway.testkit.scenario.Event;
import io.headway.testkit.scenario.EventType;
import io.headway.testkit.scenario.Field;
import io.headway.testkit.scenario.Observations;
import io.headway.testkit.scenario.Outcome;
import io.headway.testkit.scenario.Scenario;
import io.headway.testkit.scenario.ScenarioContract;
import io.headway.testkit.scenario.Vocabulary;
import io.headway.testkit.subject.FairQueueFactory;
import io.headway.testkit.subject.FairQueueSubject;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/**
 * The rules of a fair queue: every item comes out once, no flow is forgotten, items of a flow keep
 * their order, and flows that are backlogged together get equal service up to the claimed bound, a
 * flow that returns from idleness included. Immutable.
 */
public final class FairQueueRules implements ScenarioContract<FairQueueFactory> {
  private static final int FLOWS = 3;
  private static final int LARGEST = 8;

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

  private static final Vocabulary VOCABULARY =
      new Vocabulary("fair-queue", List.of(), List.of(ENQUEUE, DEQUEUE, CANCEL, Engine.ADVANCE));

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
    int count = draws.between(10, 60);
    for (int i = 0; i < count; i++) {
      switch (draws.weighted(burst && i < count / 2 ? 90 : 45, 45, 5, 5)) {
        case 0 ->
            scenario.add(ENQUEUE.with(draws.between(0, FLOWS - 1), draws.between(1, LARGEST)));
        case 1 -> scenario.add(DEQUEUE.with());
        case 2 -> scenario.add(CANCEL.with(draws.between(0, 9)));
        default -> scenario.add(Engine.ADVANCE.with(draws.between(1, 1_000)));
      }
    }
    return scenario.build();
  }

  @Override
  public Outcome run(FairQueueFactory factory, Scenario scenario, boolean detailed) {
    Observations seen = new Observations(detailed);
    new Run(factory, scenario, seen).play();
    return seen.outcome();
  }

  private record Item(int number, int flow, int cost) {}

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

    Run(FairQueueFactory factory, Scenario scenario, Observations seen) {
      this.factory = factory;
      this.scenario = scenario;
      this.seen = seen;
      queue = factory.create();
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
      } else {
        now += event.get(Engine.TIME);
      }
    }

    private void enqueue(Item item) {
      boolean[] taken = new boolean[1];
      now++;
      Guarded.call(
          seen,
          "enqueue",
          () -> taken[0] = queue.enqueue(item.number(), item.flow(), item.cost(), now));
      if (taken[0]) {
        if (!backlogged(item.flow())) {
          for (long[] pair : since) {
            pair[item.flow()] = 0;
          }
          Arrays.fill(since[item.flow()], 0);
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
      return queued.stream().anyMatch(item -> item.flow() == flow);
    }

    private void dequeue() {
      OptionalInt[] answer = {OptionalInt.empty()};
      Guarded.call(seen, "dequeue", () -> answer[0] = queue.dequeue(now));
      seen.check(
          answer[0].isPresent() != queued.isEmpty(),
          Invariant.INV_38,
          "flow",
          queued.size() + " items are queued, but dequeue returned " + answer[0]);
      if (answer[0].isEmpty()) {
        if (!queued.isEmpty()) {
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
      inOrder(item);
      fair(item);
      queued.remove(item);
    }

    private void inOrder(Item item) {
      if (!factory.firstComeWithinFlow()) {
        return;
      }
      for (Item other : queued) {
        if (other.flow() == item.flow()) {
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
