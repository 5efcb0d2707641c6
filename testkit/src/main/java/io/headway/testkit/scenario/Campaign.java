package io.headway.testkit.scenario;

import static java.util.Objects.requireNonNull;

import io.headway.api.Invariant;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Runs a contract against a subject until a rule is broken or the tries are used up. Immutable.
 *
 * <pre>{@code
 * CampaignResult result = Campaign.of(contract, factory).seed(4711).tries(1_000).run();
 * result.killedBy();                  // the rule that was broken, if any
 * result.failure().get().minimal();   // the scenario that shows it
 * }</pre>
 *
 * @param <F> makes subjects
 */
public final class Campaign<F> {
  /** Seed by default. */
  public static final long DEFAULT_SEED = 4711;

  /** Tries by default. */
  public static final int DEFAULT_TRIES = 1_000;

  private final ScenarioContract<F> contract;
  private final F factory;
  private final long seed;
  private final int tries;
  private final int minimiserRuns;
  private final Set<Invariant> rules;

  private Campaign(
      ScenarioContract<F> contract,
      F factory,
      long seed,
      int tries,
      int minimiserRuns,
      Set<Invariant> rules) {
    this.contract = contract;
    this.factory = factory;
    this.seed = seed;
    this.tries = tries;
    this.minimiserRuns = minimiserRuns;
    this.rules = rules;
  }

  /**
   * Prepares a campaign with the default seed and tries, and every rule.
   *
   * @param contract draws and runs scenarios
   * @param factory makes the subjects
   * @param <F> makes subjects
   * @return the campaign
   */
  public static <F> Campaign<F> of(ScenarioContract<F> contract, F factory) {
    return new Campaign<>(
        requireNonNull(contract, "contract"),
        requireNonNull(factory, "factory"),
        DEFAULT_SEED,
        DEFAULT_TRIES,
        Minimiser.DEFAULT_MAX_RUNS,
        EnumSet.allOf(Invariant.class));
  }

  /**
   * Sets the seed; {@value #DEFAULT_SEED} by default.
   *
   * @param value equal seeds give equal campaigns
   * @return a changed copy
   */
  public Campaign<F> seed(long value) {
    return new Campaign<>(contract, factory, value, tries, minimiserRuns, rules);
  }

  /**
   * Sets how many scenarios are run; {@value #DEFAULT_TRIES} by default.
   *
   * @param count at least 1
   * @return a changed copy
   */
  public Campaign<F> tries(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("tries must be at least 1 scenario, but was " + count);
    }
    return new Campaign<>(contract, factory, seed, count, minimiserRuns, rules);
  }

  /**
   * Sets how many runs shrinking may take; {@value Minimiser#DEFAULT_MAX_RUNS} by default.
   *
   * @param runs at least 0; with 0 the scenario is reported as it was drawn
   * @return a changed copy
   */
  public Campaign<F> minimiserRuns(int runs) {
    if (runs < 0) {
      throw new IllegalArgumentException("minimiserRuns must be at least 0 runs, but was " + runs);
    }
    return new Campaign<>(contract, factory, seed, tries, runs, rules);
  }

  /**
   * Looks for violations of some rules only.
   *
   * @param first a rule
   * @param more other rules
   * @return a changed copy
   */
  public Campaign<F> only(Invariant first, Invariant... more) {
    return new Campaign<>(contract, factory, seed, tries, minimiserRuns, EnumSet.of(first, more));
  }

  /**
   * Looks for violations of some rules only.
   *
   * @param wanted rules, at least one
   * @return a changed copy
   */
  public Campaign<F> only(Set<Invariant> wanted) {
    if (wanted.isEmpty()) {
      throw new IllegalArgumentException("wanted must name at least one rule, but is empty");
    }
    return new Campaign<>(contract, factory, seed, tries, minimiserRuns, EnumSet.copyOf(wanted));
  }

  /**
   * Returns the seed of one of the scenarios.
   *
   * @param attempt 0 to tries - 1
   * @return what the scenario is drawn from
   */
  public long scenarioSeed(int attempt) {
    return (seed * 0x9e3779b97f4a7c15L & Long.MAX_VALUE >>> 1) + attempt;
  }

  /**
   * Runs the campaign.
   *
   * @return what it found; it ends with the first violation
   */
  public CampaignResult run() {
    Map<Invariant, Long> exercised = new EnumMap<>(Invariant.class);
    Map<String, Integer> labels = new TreeMap<>();
    for (int attempt = 0; attempt < tries; attempt++) {
      Scenario scenario = contract.draw(factory, scenarioSeed(attempt));
      Outcome outcome = contract.run(factory, scenario, false);
      outcome.exercised().forEach((rule, times) -> exercised.merge(rule, times, Long::sum));
      outcome.labels().keySet().forEach(label -> labels.merge(label, 1, Integer::sum));
      Optional<Violation> broken =
          outcome.violations().stream().filter(v -> rules.contains(v.invariant())).findFirst();
      if (broken.isPresent()) {
        Failure failure =
            Failure.of(
                contract,
                factory,
                scenario,
                broken.get(),
                minimiserRuns,
                exercised.getOrDefault(broken.get().invariant(), 0L));
        return new CampaignResult(seed, attempt + 1, Optional.of(failure), exercised, labels);
      }
    }
    return new CampaignResult(seed, tries, Optional.empty(), exercised, labels);
  }
}
