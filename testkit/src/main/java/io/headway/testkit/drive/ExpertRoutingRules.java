package io.headway.testkit.drive;

import io.headway.api.Invariant;
import io.headway.api.RandomSource;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.MoeInputException;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.RouterTrait;
import io.headway.testkit.scenario.Draws;
import io.headway.testkit.scenario.Event;
import io.headway.testkit.scenario.EventType;
import io.headway.testkit.scenario.Field;
import io.headway.testkit.scenario.Observations;
import io.headway.testkit.scenario.Outcome;
import io.headway.testkit.scenario.Scenario;
import io.headway.testkit.scenario.ScenarioContract;
import io.headway.testkit.scenario.Vocabulary;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The rules of an expert router: whole and finite assignments within capacity, loads that are
 * counts, equal answers for equal inputs, and the traits that it claims. Immutable.
 */
public final class ExpertRoutingRules implements ScenarioContract<ExpertRouter<?>> {
  private static final Field EXPERTS = new Field("experts", 16, 64, 16);

  /** What the logits of a token are drawn from. */
  private static final Field LOGITS = Field.of("logits", 0, 1 << 20);

  private static final EventType TOKEN = EventType.request("token", LOGITS);

  /** Added to logits; they are eighths, so that nothing is lost. */
  private static final double SHIFT = 2;

  private static final double ROUNDING = 1e-9;

  private static final Vocabulary VOCABULARY =
      new Vocabulary("expert-routing", List.of(EXPERTS), List.of(TOKEN));

  private ExpertRoutingRules() {}

  /**
   * Makes the rules.
   *
   * @return the rules
   */
  public static ExpertRoutingRules standard() {
    return new ExpertRoutingRules();
  }

  @Override
  public Vocabulary vocabulary() {
    return VOCABULARY;
  }

  @Override
  public Scenario draw(ExpertRouter<?> router, long seed) {
    Draws draws = Draws.of(seed, "logits");
    Scenario.Builder scenario = VOCABULARY.scenario(seed);
    scenario.set(EXPERTS, draws.oneOf(16, 32, 64));
    int tokens = draws.between(1, 24);
    for (int t = 0; t < tokens; t++) {
      // Equal tokens, and so ties and overloaded experts, occur often.
      scenario.add(TOKEN.with(draws.chance(40) ? draws.between(0, 2) : draws.between(0, 1 << 20)));
    }
    return scenario.build();
  }

  @Override
  public Outcome run(ExpertRouter<?> router, Scenario scenario, boolean detailed) {
    Observations seen = new Observations(detailed);
    try {
      check(router, scenario, seen);
    } catch (Guarded.Halt halt) {
      // What went wrong was recorded where it happened.
    }
    return seen.outcome();
  }

  private static <S> void check(ExpertRouter<S> router, Scenario scenario, Observations seen) {
    int experts = scenario.intOf(EXPERTS);
    double[] logits = logits(scenario, experts);
    int tokens = scenario.events().size();
    ExpertAssignments out = new ExpertAssignments();
    if (!route(router, logits, tokens, experts, scenario.seed(), out, seen)) {
      seen.label("input refused");
      return;
    }
    whole(out, tokens, experts, seen);
    ExpertAssignments again = new ExpertAssignments();
    route(router, logits, tokens, experts, scenario.seed(), again, seen);
    seen.check(
        text(out).equals(text(again)),
        Invariant.INV_39,
        "assignments",
        "equal inputs and states gave " + text(out) + " and then " + text(again));
    Set<RouterTrait> traits = router.traits();
    if (traits.contains(RouterTrait.DROPLESS)) {
      seen.check(
          out.dropCount() == 0,
          Invariant.INV_01,
          "token",
          "a router that claims to drop nothing dropped " + out.dropCount() + " choices");
    }
    if (!traits.contains(RouterTrait.VARIABLE_EXPERTS_PER_TOKEN)) {
      complete(out, tokens, seen);
    }
    if (!traits.contains(RouterTrait.RAW_GATES)) {
      for (int p = 0; p < out.pairCount(); p++) {
        seen.check(
            out.gate(p) >= 0,
            Invariant.INV_40,
            "gate",
            "a gate is " + out.gate(p) + ", but raw gates are not claimed");
      }
    }
    if (traits.contains(RouterTrait.ROW_SHIFT_INVARIANT)) {
      shifted(router, logits, tokens, experts, scenario.seed(), out, seen);
    }
    if (traits.contains(RouterTrait.PREFIX_STABLE) && tokens > 1) {
      shorter(router, logits, tokens / 2, experts, scenario.seed(), out, seen);
    }
    if (traits.contains(RouterTrait.EXACT_BALANCE)) {
      int least = Integer.MAX_VALUE;
      int most = 0;
      for (int e = 0; e < experts; e++) {
        least = Math.min(least, out.load(e));
        most = Math.max(most, out.load(e));
      }
      seen.check(
          most - least <= 1,
          Invariant.INV_36,
          "load",
          "an exactly balanced router gave one expert " + most + " tokens and another " + least);
    }
    if (traits.contains(RouterTrait.BATCH_INVARIANT) && tokens > 1) {
      alone(router, logits, 0, experts, scenario.seed(), out, seen);
      alone(router, logits, tokens - 1, experts, scenario.seed(), out, seen);
    }
    seen.line(tokens + " tokens routed", out.pairCount() + " pairs", "", "");
    seen.trace(text(out));
  }

  private static double[] logits(Scenario scenario, int experts) {
    List<Event> events = scenario.events();
    double[] logits = new double[events.size() * experts];
    for (int t = 0; t < events.size(); t++) {
      Draws draws = Draws.of(events.get(t).get(LOGITS), "row");
      for (int e = 0; e < experts; e++) {
        logits[t * experts + e] = draws.between(-40, 40) / 8.0;
      }
    }
    return logits;
  }

  /** Routes with a fresh state; returns false if the router does not take inputs of this kind. */
  private static <S> boolean route(
      ExpertRouter<S> router,
      double[] logits,
      int tokens,
      int experts,
      long seed,
      ExpertAssignments out,
      Observations seen) {
    return route(router, logits, logits, tokens, experts, seed, out, seen);
  }

  private static <S> boolean route(
      ExpertRouter<S> router,
      double[] logits,
      double[] named,
      int tokens,
      int experts,
      long seed,
      ExpertAssignments out,
      Observations seen) {
    long[] ids = new long[tokens];
    for (int t = 0; t < tokens; t++) {
      ids[t] = Math.round(named[t * experts] * 8) + 40;
    }
    RouterInput input =
        new RouterInput()
            .logits(logits, tokens, experts)
            .random(RandomSource.seeded(seed))
            .sharedGateLogits(new double[tokens])
            .tokenIds(ids);
    boolean[] refused = new boolean[1];
    Guarded.call(
        seen,
        "route",
        () -> {
          try {
            router.route(input, router.newState(), out);
          } catch (MoeInputException e) {
            refused[0] = true;
          }
        });
    return !refused[0];
  }

  private static void whole(ExpertAssignments out, int tokens, int experts, Observations seen) {
    int[] load = new int[experts];
    Set<Long> pairs = new HashSet<>();
    for (int p = 0; p < out.pairCount(); p++) {
      int token = out.token(p);
      int expert = out.expert(p);
      seen.check(
          token >= 0 && token < tokens && expert >= 0 && expert < experts,
          Invariant.INV_33,
          "pair",
          "a pair names token " + token + " and expert " + expert);
      load[expert]++;
      seen.check(
          pairs.add((long) token * experts + expert),
          Invariant.INV_03,
          "pair",
          "token " + token + " goes to expert " + expert + " twice");
      if (out.slot(p) != ExpertAssignments.NO_SLOT) {
        seen.check(
            out.capacitySlots() < 0 || out.slot(p) < out.capacitySlots(),
            Invariant.INV_06,
            "slot",
            "slot "
                + out.slot(p)
                + " of expert "
                + expert
                + " is beyond its capacity "
                + out.capacitySlots());
      }
      seen.check(
          Double.isFinite(out.gate(p)),
          Invariant.INV_40,
          "gate",
          "the gate of token " + token + " at expert " + expert + " is " + out.gate(p));
    }
    for (int e = 0; e < experts; e++) {
      seen.check(
          load[e] == out.load(e),
          Invariant.INV_40,
          "load",
          "expert " + e + " has " + load[e] + " pairs, but its load is " + out.load(e));
    }
  }

  /** Routes a token alone: in any company it must go to the same experts. */
  private static <S> void alone(
      ExpertRouter<S> router,
      double[] logits,
      int token,
      int experts,
      long seed,
      ExpertAssignments out,
      Observations seen) {
    ExpertAssignments single = new ExpertAssignments();
    double[] row = Arrays.copyOfRange(logits, token * experts, (token + 1) * experts);
    route(router, row, 1, experts, seed, single, seen);
    seen.check(
        expertsOf(out, token).equals(expertsOf(single, 0)),
        Invariant.INV_39,
        "company",
        "alone token "
            + token
            + " goes to experts "
            + expertsOf(single, 0)
            + ", in company to "
            + expertsOf(out, token)
            + ", although batch invariance is claimed");
  }

  /** Every token makes equally many choices: one that is not carried out is told as a drop. */
  private static void complete(ExpertAssignments out, int tokens, Observations seen) {
    int[] choices = new int[tokens];
    for (int p = 0; p < out.pairCount(); p++) {
      choices[out.token(p)]++;
    }
    for (int d = 0; d < out.dropCount(); d++) {
      choices[out.dropToken(d)]++;
    }
    for (int t = 1; t < tokens; t++) {
      int token = t;
      seen.check(
          choices[t] == choices[0],
          Invariant.INV_01,
          "choices",
          () ->
              "token 0 has "
                  + choices[0]
                  + " choices, carried out or dropped, but token "
                  + token
                  + " has "
                  + choices[token]);
    }
  }

  /** Routes with a constant added to all logits: nothing may change but by rounding. */
  private static <S> void shifted(
      ExpertRouter<S> router,
      double[] logits,
      int tokens,
      int experts,
      long seed,
      ExpertAssignments out,
      Observations seen) {
    double[] higher = logits.clone();
    for (int i = 0; i < higher.length; i++) {
      higher[i] += SHIFT;
    }
    ExpertAssignments shifted = new ExpertAssignments();
    route(router, higher, logits, tokens, experts, seed, shifted, seen);
    boolean same = out.pairCount() == shifted.pairCount();
    for (int p = 0; same && p < out.pairCount(); p++) {
      same = out.token(p) == shifted.token(p) && out.expert(p) == shifted.expert(p);
    }
    seen.check(
        same,
        Invariant.INV_39,
        "shift",
        () -> "with " + SHIFT + " added to all logits " + text(out) + " becomes " + text(shifted));
    for (int p = 0; same && p < out.pairCount(); p++) {
      double gate = out.gate(p);
      double other = shifted.gate(p);
      seen.check(
          Math.abs(gate - other) <= ROUNDING * Math.max(1, Math.abs(gate)),
          Invariant.INV_40,
          "shift",
          () -> "with " + SHIFT + " added to all logits a gate of " + gate + " becomes " + other);
    }
  }

  /** Routes the first tokens without those behind: at equal capacity they stay where they are. */
  private static <S> void shorter(
      ExpertRouter<S> router,
      double[] logits,
      int first,
      int experts,
      long seed,
      ExpertAssignments out,
      Observations seen) {
    ExpertAssignments prefix = new ExpertAssignments();
    route(router, logits, first, experts, seed, prefix, seen);
    if (prefix.capacitySlots() != out.capacitySlots()) {
      return;
    }
    for (int t = 0; t < first; t++) {
      int token = t;
      seen.check(
          expertsOf(out, t).equals(expertsOf(prefix, t)),
          Invariant.INV_39,
          "prefix",
          () ->
              "token "
                  + token
                  + " goes to experts "
                  + expertsOf(prefix, token)
                  + ", and with more tokens behind it to "
                  + expertsOf(out, token));
    }
  }

  private static List<Integer> expertsOf(ExpertAssignments out, int token) {
    List<Integer> experts = new ArrayList<>();
    for (int p = out.tokenOffset(token); p < out.tokenOffset(token + 1); p++) {
      experts.add(out.expert(p));
    }
    return experts;
  }

  private static String text(ExpertAssignments out) {
    StringBuilder text = new StringBuilder();
    for (int p = 0; p < out.pairCount(); p++) {
      text.append(out.token(p)).append("->").append(out.expert(p)).append('*').append(out.gate(p));
      text.append(' ');
    }
    return text.append(out.dropCount()).append(" dropped").toString();
  }
}
