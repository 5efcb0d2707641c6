package io.headway.testkit.scenario;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * Makes a scenario that breaks a rule small: cuts it behind the violation, removes requests, then
 * other events, then lowers numbers, and repeats until nothing changes or the budget is used up.
 * The target stays: the same rule broken by the same kind of thing. Deterministic; no test engine.
 */
public final class Minimiser {
  /** Runs by default. */
  public static final int DEFAULT_MAX_RUNS = 2_000;

  /**
   * A shrunk scenario.
   *
   * @param scenario breaks the rule
   * @param violation how
   * @param fromEvents events before shrinking
   * @param runs runs it took
   * @param exhausted whether the budget ended it, so that a smaller one may exist
   */
  public record Result(
      Scenario scenario, Violation violation, int fromEvents, int runs, boolean exhausted) {}

  private final Function<Scenario, Outcome> runner;
  private final int maxRuns;
  private final Violation target;
  private final int fromEvents;
  private Scenario best;
  private Violation found;
  private int runs;

  private Minimiser(
      Function<Scenario, Outcome> runner, Scenario scenario, Violation target, int maxRuns) {
    this.runner = runner;
    this.target = target;
    this.maxRuns = maxRuns;
    fromEvents = scenario.events().size();
    best = scenario;
    found = target;
  }

  /**
   * Shrinks a scenario.
   *
   * @param runner runs a scenario
   * @param scenario breaks a rule
   * @param target how it does
   * @param maxRuns most runs, at least 0
   * @return the smallest scenario found
   */
  public static Result minimise(
      Function<Scenario, Outcome> runner, Scenario scenario, Violation target, int maxRuns) {
    Minimiser minimiser =
        new Minimiser(
            requireNonNull(runner, "runner"),
            requireNonNull(scenario, "scenario"),
            requireNonNull(target, "target"),
            maxRuns);
    minimiser.shrink();
    return new Result(
        minimiser.best,
        minimiser.found,
        minimiser.fromEvents,
        minimiser.runs,
        minimiser.runs >= maxRuns);
  }

  private void shrink() {
    boolean changed = true;
    while (changed && runs < maxRuns) {
      changed = cut();
      changed |= remove(true);
      changed |= remove(false);
      changed |= lowerEvents();
      changed |= lowerConfig();
      changed |= split();
    }
  }

  /** Takes a candidate if it still breaks the rule. */
  private boolean take(Scenario candidate) {
    if (runs >= maxRuns || candidate.equals(best)) {
      return false;
    }
    runs++;
    Optional<Violation> same =
        runner.apply(candidate).violations().stream().filter(target::sameTarget).findFirst();
    if (same.isEmpty()) {
      return false;
    }
    best = candidate;
    found = same.get();
    return true;
  }

  private boolean cut() {
    List<Event> events = best.events();
    int keep = Math.min(events.size(), found.event() + 1);
    return keep < events.size() && take(best.withEvents(events.subList(0, keep)));
  }

  /** Removes events that bring requests, or the others: in halves, quarters and so on. */
  private boolean remove(boolean requests) {
    boolean any = false;
    int size = count(requests);
    int chunk = Math.max(1, size / 2);
    while (true) {
      int from = 0;
      while (from < count(requests)) {
        if (take(without(requests, from, from + chunk))) {
          any = true;
        } else {
          from += chunk;
        }
      }
      if (chunk == 1 || runs >= maxRuns) {
        return any;
      }
      chunk /= 2;
    }
  }

  private int count(boolean requests) {
    int count = 0;
    for (Event event : best.events()) {
      count += event.type().bringsRequest() == requests ? 1 : 0;
    }
    return count;
  }

  private Scenario without(boolean requests, int from, int to) {
    List<Event> rest = new ArrayList<>(best.events().size());
    int position = 0;
    for (Event event : best.events()) {
      if (event.type().bringsRequest() == requests) {
        if (position < from || position >= to) {
          rest.add(event);
        }
        position++;
      } else {
        rest.add(event);
      }
    }
    return best.withEvents(rest);
  }

  private boolean lowerEvents() {
    boolean any = false;
    for (int i = 0; i < best.events().size(); i++) {
      List<Field> fields = best.events().get(i).type().fields();
      for (int f = 0; f < fields.size(); f++) {
        int event = i;
        int field = f;
        any |=
            lower(
                fields.get(f),
                () -> best.events().get(event).value(field),
                value -> {
                  List<Event> changed = new ArrayList<>(best.events());
                  changed.set(event, changed.get(event).with(field, value));
                  return best.withEvents(changed);
                });
      }
    }
    return any;
  }

  private boolean lowerConfig() {
    boolean any = false;
    List<Field> fields = best.vocabulary().config();
    for (int f = 0; f < fields.size(); f++) {
      int field = f;
      any |=
          lower(
              fields.get(f), () -> best.configValue(field), value -> best.withConfig(field, value));
    }
    return any;
  }

  private interface Value {
    long now();
  }

  private interface Change {
    Scenario to(long value);
  }

  /** Moves a number towards its simplest: all the way, then by halves, then by one. */
  private boolean lower(Field field, Value value, Change change) {
    boolean any = false;
    while (value.now() != field.simplest()) {
      long now = value.now();
      long distance = field.simplest() - now;
      boolean taken = take(change.to(field.simplest()));
      long jump = distance / 2;
      while (!taken && jump != 0) {
        taken = take(change.to(now + jump));
        jump /= 2;
      }
      if (!taken) {
        return any;
      }
      any = true;
    }
    return any;
  }

  /** Moves every event one place to the front, so that a rule is broken earlier. */
  private boolean split() {
    boolean any = false;
    for (int i = 1; i < best.events().size(); i++) {
      Event event = best.events().get(i);
      Event before = best.events().get(i - 1);
      if (event.type().bringsRequest() && !before.type().bringsRequest()) {
        List<Event> swapped = new ArrayList<>(best.events());
        swapped.set(i, before);
        swapped.set(i - 1, event);
        any |= take(best.withEvents(swapped));
      }
    }
    return any;
  }
}
