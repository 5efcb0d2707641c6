package io.headway.testkit.drive;

import io.headway.api.Invariant;
import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.prediction.LengthEstimate;
import io.headway.api.prediction.LengthPredictor;
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
 * The rules of a length predictor: every answer is a number or an explicit "none", asking changes
 * nothing, equal histories give equal answers, and a request that was cut off lowers no estimate.
 * Immutable.
 */
public final class PredictionRules implements ScenarioContract<LengthPredictor<?>> {
  private static final Field GENERATED = Field.of("generated", 0, 4_096);
  private static final Field OUTPUT = Field.of("output", 1, 4_096);
  private static final Field CENSORED = Field.of("censored", 0, 1);
  private static final EventType ASK =
      EventType.of("ask", Engine.PROMPT, Engine.MAX_NEW, GENERATED);
  private static final EventType OBSERVE =
      EventType.request("observe", Engine.PROMPT, Engine.MAX_NEW, OUTPUT, CENSORED);

  /** One in so many scenarios is run twice. */
  private static final int REPEATED = 3;

  private static final double ROUNDING = 1e-9;

  private static final Vocabulary VOCABULARY =
      new Vocabulary("length-prediction", List.of(), List.of(OBSERVE, ASK));

  private PredictionRules() {}

  /**
   * Makes the rules.
   *
   * @return the rules
   */
  public static PredictionRules standard() {
    return new PredictionRules();
  }

  @Override
  public Vocabulary vocabulary() {
    return VOCABULARY;
  }

  @Override
  public Scenario draw(LengthPredictor<?> predictor, long seed) {
    Draws draws = Draws.of(seed, "events");
    Scenario.Builder scenario = VOCABULARY.scenario(seed);
    int count = draws.between(5, 60);
    for (int i = 0; i < count; i++) {
      int most = draws.oneOf(1, 16, 512, 4_096);
      int maxNew = draws.between(1, most);
      int prompt = draws.between(1, draws.oneOf(1, 64, 4_096));
      if (draws.chance(55)) {
        boolean censored = draws.chance(20);
        int output = draws.chance(censored ? 50 : 10) ? maxNew : draws.between(1, maxNew);
        scenario.add(OBSERVE.with(prompt, maxNew, output, censored ? 1 : 0));
      } else {
        scenario.add(ASK.with(prompt, maxNew, draws.chance(50) ? 0 : draws.between(0, maxNew - 1)));
      }
    }
    return scenario.build();
  }

  @Override
  public Outcome run(LengthPredictor<?> predictor, Scenario scenario, boolean detailed) {
    Observations seen = new Observations(detailed);
    try {
      String once = play(predictor, scenario, seen);
      if (Long.remainderUnsigned(scenario.seed(), REPEATED) == 0) {
        String again = play(predictor, scenario, new Observations(false));
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

  /** Returns all answers. */
  private static <S> String play(
      LengthPredictor<S> predictor, Scenario scenario, Observations seen) {
    StringJoiner answers = new StringJoiner(", ");
    S state = predictor.newState();
    S twin = predictor.newState();
    RandomSource random = RandomSource.seeded(scenario.seed());
    RandomSource sameRandom = RandomSource.seeded(scenario.seed());
    List<Event> events = scenario.events();
    LengthEstimate first = new LengthEstimate();
    LengthEstimate second = new LengthEstimate();
    for (int i = 0; i < events.size(); i++) {
      seen.event(i);
      seen.step(i);
      Event event = events.get(i);
      Request request =
          Request.of("r" + i, event.intOf(Engine.PROMPT), event.intOf(Engine.MAX_NEW));
      if (event.is(OBSERVE)) {
        int output = event.intOf(OUTPUT);
        boolean censored = event.get(CENSORED) == 1;
        if (censored) {
          predictor.estimate(state, request, 0, first);
        }
        boolean known = censored && first.hasTokens();
        double before = known ? first.remainingTokens() : 0;
        Guarded.call(
            seen,
            "observe",
            () -> {
              predictor.reveal(state, request, output, random);
              predictor.observe(state, request, output, censored);
              predictor.reveal(twin, request, output, sameRandom);
              predictor.observe(twin, request, output, censored);
            });
        if (known) {
          Guarded.call(seen, "estimate", () -> predictor.estimate(state, request, 0, second));
          seen.check(
              !second.hasTokens() || second.remainingTokens() >= before * (1 - ROUNDING),
              Invariant.INV_27,
              "censored",
              () ->
                  "a request that was cut off after "
                      + output
                      + " tokens, so that it would have had at least that many, lowers the estimate"
                      + " of its like from "
                      + before
                      + " to "
                      + second);
        }
        seen.line("observe " + output + " tokens", "", "", censored ? "censored" : "");
        continue;
      }
      int generated = event.intOf(GENERATED);
      // A twin that is asked only once shows whether asking changes anything.
      Guarded.call(seen, "estimate", () -> predictor.estimate(state, request, generated, first));
      String answer = first.toString();
      Guarded.call(seen, "estimate", () -> predictor.estimate(state, request, generated, second));
      seen.check(
          answer.equals(second.toString()),
          Invariant.INV_27,
          "estimate",
          "asked twice at "
              + generated
              + " tokens, the predictor says "
              + answer
              + " and then "
              + second);
      Guarded.call(seen, "estimate", () -> predictor.estimate(twin, request, generated, second));
      seen.check(
          answer.equals(second.toString()),
          Invariant.INV_39,
          "estimate",
          "after equal observations the predictor says " + answer + " and " + second);
      if (first.hasTokens()) {
        seen.check(
            first.remainingTokens() >= 0 && Double.isFinite(first.remainingTokens()),
            Invariant.INV_40,
            "estimate",
            "the estimate is " + first);
        seen.label("estimate");
      } else {
        seen.label(first.kind() == LengthEstimate.Kind.NONE ? "no estimate" : "rank");
      }
      seen.line("ask at " + generated, answer, "", "");
      seen.trace(answer);
      answers.add(answer);
    }
    return answers.toString();
  }
}
