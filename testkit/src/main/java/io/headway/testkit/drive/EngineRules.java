package io.headway.testkit.drive;

import static java.util.Objects.requireNonNull;

import io.headway.api.Invariant;
import io.headway.testkit.check.CheckOptions;
import io.headway.testkit.check.TraceChecks;
import io.headway.testkit.scenario.Observations;
import io.headway.testkit.scenario.Outcome;
import io.headway.testkit.scenario.Scenario;
import io.headway.testkit.scenario.ScenarioContract;
import io.headway.testkit.scenario.Vocabulary;
import io.headway.testkit.subject.Feature;
import io.headway.testkit.subject.Features;
import io.headway.testkit.subject.SchedulerFactory;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/**
 * The contract of a scheduler of one engine. Every scenario is played with the content-carrying
 * executor; the trace is checked against the forty invariants; and, in turn over the scenarios, a
 * second run with other names must decide the same, and a second run with more room must serve
 * whatever the first one served. Immutable.
 */
public final class EngineRules implements ScenarioContract<SchedulerFactory> {
  private static final int ORACLES = 4;

  private final Set<Bias> biases;
  private final CheckOptions options;
  private final Features withdrawn;
  private final EngineDraws.Focus focus;
  private final Set<Invariant> unjudged;

  private EngineRules(
      Set<Bias> biases,
      CheckOptions options,
      Features withdrawn,
      EngineDraws.Focus focus,
      Set<Invariant> unjudged) {
    this.biases = biases;
    this.options = options;
    this.withdrawn = withdrawn;
    this.focus = focus;
    this.unjudged = unjudged;
  }

  /**
   * Makes the contract with every bias and the catalogue's bounds.
   *
   * @return the contract
   */
  public static EngineRules standard() {
    return of(EngineDraws.Focus.EVERYTHING);
  }

  /**
   * Makes the contract with several results outstanding in every scenario, if that is claimed.
   *
   * @return the contract
   */
  public static EngineRules asynchronous() {
    return of(EngineDraws.Focus.LATE_RESULTS);
  }

  /**
   * Makes the contract with transfers in most scenarios, if they are claimed.
   *
   * @return the contract
   */
  public static EngineRules transferring() {
    return of(EngineDraws.Focus.TRANSFERS);
  }

  private static EngineRules of(EngineDraws.Focus focus) {
    return new EngineRules(
        EnumSet.allOf(Bias.class), CheckOptions.DEFAULT, Features.of(), focus, Set.of());
  }

  /**
   * Switches a bias off.
   *
   * @param bias the bias
   * @return a changed copy
   */
  public EngineRules without(Bias bias) {
    EnumSet<Bias> rest = EnumSet.noneOf(Bias.class);
    rest.addAll(biases);
    rest.remove(requireNonNull(bias, "bias"));
    return new EngineRules(Collections.unmodifiableSet(rest), options, withdrawn, focus, unjudged);
  }

  /**
   * Leaves a feature out of the scenarios although it is claimed, so that they look elsewhere.
   *
   * @param feature the feature
   * @return a changed copy
   */
  public EngineRules without(Feature feature) {
    return new EngineRules(biases, options, withdrawn.and(feature), focus, unjudged);
  }

  /**
   * Does not judge a rule by the trace, since the trace does not hold what the subject knows, or
   * since a breach is known.
   *
   * @param invariant the rule
   * @return a changed copy
   */
  public EngineRules without(Invariant invariant) {
    EnumSet<Invariant> all = EnumSet.of(requireNonNull(invariant, "invariant"));
    all.addAll(unjudged);
    return new EngineRules(biases, options, withdrawn, focus, Collections.unmodifiableSet(all));
  }

  /**
   * Sets the bounds of the liveness rules.
   *
   * @param bounds the bounds
   * @return a changed copy
   */
  public EngineRules options(CheckOptions bounds) {
    return new EngineRules(biases, requireNonNull(bounds, "bounds"), withdrawn, focus, unjudged);
  }

  @Override
  public Vocabulary vocabulary() {
    return Engine.VOCABULARY;
  }

  @Override
  public Scenario draw(SchedulerFactory factory, long seed) {
    Features features = factory.features();
    for (Feature feature : withdrawn.all()) {
      features = features.without(feature);
    }
    return new EngineDraws(features, biases, focus, seed).draw();
  }

  @Override
  public Outcome run(SchedulerFactory factory, Scenario scenario, boolean detailed) {
    Observations seen = new Observations(detailed);
    // Where hashes collide on purpose, keys in a trace do not tell what could have been matched.
    boolean realHash = Engine.config(scenario).hashValues() == 0;
    Records records =
        new Records(
            TraceChecks.of(
                options,
                invariant ->
                    !unjudged.contains(invariant) && (realHash || invariant != Invariant.INV_18)),
            seen);
    EngineRun run = new EngineRun(factory, scenario, seen, records, "r");
    run.play();
    records.finish();
    if (!seen.anyViolation()) {
      Features features = factory.features();
      if (comparesNames(features, scenario)) {
        renamed(factory, scenario, seen, run);
      } else if (turn(scenario) == 1 && features.has(Feature.MONOTONE)) {
        roomier(factory, scenario, seen, run);
      }
    }
    return seen.outcome();
  }

  private static int turn(Scenario scenario) {
    return (int) Long.remainderUnsigned(scenario.seed(), ORACLES);
  }

  /** Returns whether a scenario is one of those that are played again with other names. */
  static boolean comparesNames(Features features, Scenario scenario) {
    return turn(scenario) == 0 && features.has(Feature.RENAMING);
  }

  /** Plays it again with other names in the same order: nothing but the names may differ. */
  private static void renamed(
      SchedulerFactory factory, Scenario scenario, Observations seen, EngineRun first) {
    EngineRun second =
        new EngineRun(factory, scenario, new Observations(false), event -> {}, "another-");
    second.play();
    String a = first.journal();
    String b = second.journal();
    int line = 0;
    int at = 0;
    while (at < Math.min(a.length(), b.length()) && a.charAt(at) == b.charAt(at)) {
      line += a.charAt(at++) == '\n' ? 1 : 0;
    }
    seen.check(
        a.equals(b),
        Invariant.INV_39,
        "names",
        "with other names of requests, tenants and adapters, in the same order, record "
            + (line + 1)
            + " of decisions and outputs differs: '"
            + lineAt(a, line)
            + "' became '"
            + lineAt(b, line)
            + "'");
  }

  private static String lineAt(String text, int line) {
    String[] lines = text.split("\n", -1);
    return line < lines.length ? lines[line].strip() : "";
  }

  /** Plays it again with more blocks, slots and tokens: whoever was served is served. */
  private static void roomier(
      SchedulerFactory factory, Scenario scenario, Observations seen, EngineRun first) {
    Scenario roomier =
        scenario
            .with(Engine.BLOCKS, 2 * scenario.get(Engine.BLOCKS) + 3)
            .with(Engine.SLOTS, 2 * scenario.get(Engine.SLOTS))
            .with(Engine.TOKENS, 2 * scenario.get(Engine.TOKENS) + 3);
    Observations ignored = new Observations(false);
    EngineRun second = new EngineRun(factory, roomier, ignored, event -> {}, "r");
    second.play();
    Outcome outcome = ignored.outcome();
    seen.check(
        outcome.violation(Invariant.INV_24).isEmpty()
            && outcome.violation(Invariant.INV_23).isEmpty()
            && outcome.violation(Invariant.INV_25).isEmpty(),
        Invariant.INV_25,
        "room",
        "with "
            + roomier.configText()
            + " instead, what was served is not served any more: "
            + outcome.violations());
    seen.exercised(Invariant.INV_25, first.served().size());
  }
}
