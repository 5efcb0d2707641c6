package io.headway.testkit.drive;

import io.headway.api.Invariant;
import io.headway.api.RandomSource;
import io.headway.api.speculation.SpeculationCost;
import io.headway.api.speculation.SpeculationPlan;
import io.headway.api.speculation.SpeculationPolicy;
import io.headway.api.speculation.SpeculationView;
import io.headway.testkit.scenario.Draws;
import io.headway.testkit.scenario.Event;
import io.headway.testkit.scenario.EventType;
import io.headway.testkit.scenario.Field;
import io.headway.testkit.scenario.Observations;
import io.headway.testkit.scenario.Outcome;
import io.headway.testkit.scenario.Scenario;
import io.headway.testkit.scenario.ScenarioContract;
import io.headway.testkit.scenario.Vocabulary;
import java.util.List;
import java.util.StringJoiner;

/**
 * The rules of a speculation policy: no more drafts than a request may take, trimming only takes
 * away, any number of drafts may be accepted, and equal histories give equal plans. Immutable.
 */
public final class SpeculationRules implements ScenarioContract<SpeculationPolicy<?>> {
  private static final Field REQUESTS = Field.of("requests", 0, 8);
  private static final Field CAP = Field.of("cap", 0, 16);
  private static final Field BUDGET = Field.of("budget", 0, 64);
  private static final Field ACCEPTED = Field.of("accepted", 0, 16);
  private static final EventType PLAN = EventType.request("plan", REQUESTS, CAP, BUDGET, ACCEPTED);

  /** One in so many scenarios is run twice. */
  private static final int REPEATED = 3;

  private static final Vocabulary VOCABULARY =
      new Vocabulary("speculation", List.of(), List.of(PLAN));

  private SpeculationRules() {}

  /**
   * Makes the rules.
   *
   * @return the rules
   */
  public static SpeculationRules standard() {
    return new SpeculationRules();
  }

  @Override
  public Vocabulary vocabulary() {
    return VOCABULARY;
  }

  @Override
  public Scenario draw(SpeculationPolicy<?> policy, long seed) {
    Draws draws = Draws.of(seed, "events");
    Scenario.Builder scenario = VOCABULARY.scenario(seed);
    int count = draws.between(1, 30);
    for (int i = 0; i < count; i++) {
      scenario.add(
          PLAN.with(
              draws.between(0, 8),
              draws.between(0, draws.oneOf(0, 1, 4, 16)),
              draws.between(0, draws.oneOf(0, 4, 64)),
              draws.between(0, 16)));
    }
    return scenario.build();
  }

  @Override
  public Outcome run(SpeculationPolicy<?> policy, Scenario scenario, boolean detailed) {
    Observations seen = new Observations(detailed);
    try {
      String once = play(policy, scenario, seen);
      if (Long.remainderUnsigned(scenario.seed(), REPEATED) == 0) {
        String again = play(policy, scenario, new Observations(false));
        seen.check(
            once.equals(again),
            Invariant.INV_39,
            "run",
            () -> "with a fresh state and the same history " + once + " became " + again);
      }
    } catch (Guarded.Halt halt) {
      // What went wrong was recorded where it happened.
    }
    return seen.outcome();
  }

  /** Returns all plans. */
  private static <S> String play(
      SpeculationPolicy<S> policy, Scenario scenario, Observations seen) {
    StringJoiner plans = new StringJoiner(" ");
    S state = policy.newState();
    S twin = policy.newState();
    RandomSource random = RandomSource.seeded(scenario.seed());
    RandomSource sameRandom = RandomSource.seeded(scenario.seed());
    List<Event> events = scenario.events();
    for (int i = 0; i < events.size(); i++) {
      seen.event(i);
      seen.step(i);
      Event event = events.get(i);
      String one = decide(policy, state, new View(event, random), event, seen);
      String other = decide(policy, twin, new View(event, sameRandom), event, seen);
      seen.check(
          one.equals(other),
          Invariant.INV_39,
          "plan",
          "after equal histories the policy plans " + one + " and " + other);
      seen.line(event.toString(), one, "", "");
      seen.trace(one);
      plans.add(one);
    }
    return plans.toString();
  }

  private static <S> String decide(
      SpeculationPolicy<S> policy, S state, View view, Event event, Observations seen) {
    SpeculationPlan plan = new SpeculationPlan();
    plan.reset(view);
    Guarded.call(seen, "plan", () -> policy.plan(state, view, plan));
    int[] planned = new int[view.requests()];
    long sum = 0;
    for (int r = 0; r < planned.length; r++) {
      planned[r] = plan.draftTokens(r);
      sum += planned[r];
      seen.check(
          planned[r] <= view.maxDraftTokens(r) || plan.tree(r) != null,
          Invariant.INV_29,
          "request",
          planned[r] + " drafts are planned for a request that may take " + view.maxDraftTokens(r));
    }
    seen.check(
        sum == plan.totalTokens(),
        Invariant.INV_29,
        "plan",
        "the plan's total is " + plan.totalTokens() + ", but its requests sum to " + sum);
    seen.check(
        sum <= view.draftBudgetTokens(),
        Invariant.INV_05,
        "budget",
        "drafts of " + sum + " tokens are planned, but the budget is " + view.draftBudgetTokens());
    Guarded.call(seen, "draftOn", () -> policy.draftOn(state, view, 1));
    Guarded.call(seen, "trim", () -> policy.trim(state, view, plan));
    StringJoiner text = new StringJoiner(",", "[", "]");
    for (int r = 0; r < planned.length; r++) {
      int verified = plan.draftTokens(r);
      seen.check(
          verified <= planned[r],
          Invariant.INV_29,
          "request",
          "trimming raised the drafts of a request from " + planned[r] + " to " + verified);
      int accepted = (int) Math.min(verified, event.get(ACCEPTED));
      int tested = Math.min(verified, accepted + 1);
      int sequence = r;
      if (verified > 0) {
        seen.label("verified");
        Guarded.call(
            seen,
            "onVerified",
            () -> policy.onVerified(state, sequence, verified, accepted, tested));
      }
      text.add(Integer.toString(verified));
    }
    return text.toString();
  }

  /** Equal requests with a cap each. */
  private record View(Event event, RandomSource random) implements SpeculationView {
    private static final double SECONDS = 1e-3;

    @Override
    public int requests() {
      return event.intOf(REQUESTS);
    }

    @Override
    public int sequence(int request) {
      return request;
    }

    @Override
    public int contextTokens(int request) {
      return 100 + request;
    }

    @Override
    public int maxDraftTokens(int request) {
      return Math.max(0, event.intOf(CAP) - request % 2);
    }

    @Override
    public int prefillTokens() {
      return 0;
    }

    @Override
    public int draftBudgetTokens() {
      return event.intOf(BUDGET);
    }

    @Override
    public long tpotTargetNanos() {
      return Long.MAX_VALUE;
    }

    @Override
    public SpeculationCost cost() {
      return new SpeculationCost() {
        @Override
        public double draftSeconds(int requests, long contextTokens) {
          return SECONDS / 10;
        }

        @Override
        public double verifySeconds(long queryTokens, long contextTokens) {
          return SECONDS;
        }
      };
    }

    @Override
    public int draftedTokens(int request) {
      return maxDraftTokens(request);
    }

    @Override
    public double confidence(int request, int draft) {
      return 1.0 / (2 + draft);
    }
  }
}
