package io.headway.testkit.contract;

import io.headway.api.Invariant;
import io.headway.testkit.scenario.Campaign;
import io.headway.testkit.scenario.Failure;
import io.headway.testkit.scenario.FailureReport;
import io.headway.testkit.scenario.Minimiser;
import io.headway.testkit.scenario.Outcome;
import io.headway.testkit.scenario.Scenario;
import io.headway.testkit.scenario.ScenarioContract;
import io.headway.testkit.scenario.ScenarioJson;
import io.headway.testkit.scenario.Violation;
import io.headway.testkit.subject.Features;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AddLifecycleHook;
import net.jqwik.api.lifecycle.PropagationMode;

/**
 * Base of the contracts: draws scenarios, runs each once for all the rules of the class, makes what
 * fails small and reports it. Committed regression files run before anything is drawn.
 *
 * <p>Knobs, as system properties: {@code testkit.profile} ({@link Profile}), {@code testkit.seed}
 * and {@code testkit.replay}, which names a scenario file to be run instead of drawing.
 *
 * @param <F> makes subjects
 */
@AddLifecycleHook(value = ContractHook.class, propagateTo = PropagationMode.ALL_DESCENDANTS)
public abstract class ScenarioProperties<F> {
  /** System property that sets the seed. */
  public static final String SEED_PROPERTY = "testkit.seed";

  /** Where committed regression files are, below the working directory. */
  public static final Path REGRESSIONS = Path.of("src", "test", "resources", "testkit-regressions");

  private static final int MAX_REGRESSIONS = 1_000;

  /** Scenarios follow from the seed, so what one property has run another need not run again. */
  private static final ClassValue<Outcomes> OUTCOMES =
      new ClassValue<>() {
        @Override
        protected Outcomes computeValue(Class<?> type) {
          return new Outcomes();
        }
      };

  /** Makes a contract; called by subclasses. */
  protected ScenarioProperties() {}

  /**
   * Returns what draws and runs scenarios.
   *
   * @return the contract
   */
  protected abstract ScenarioContract<F> contract();

  /**
   * Returns what makes the subjects.
   *
   * @return the factory
   */
  protected abstract F factory();

  /**
   * Returns what the subjects claim.
   *
   * @return features and bounds
   */
  protected abstract Features features();

  /**
   * Returns how many scenarios are run.
   *
   * @return what {@code testkit.profile} says
   */
  protected Profile profile() {
    return Profile.current();
  }

  /**
   * Returns the seed that scenarios are drawn from.
   *
   * @return what {@code testkit.seed} says, {@link Campaign#DEFAULT_SEED} by default
   */
  protected long seed() {
    return Long.getLong(SEED_PROPERTY, Campaign.DEFAULT_SEED);
  }

  /** Returns why a rule that only holds if it is claimed is not, if it is not. */
  Optional<String> unclaimed(Invariant rule) {
    return Optional.empty();
  }

  boolean replays() {
    return System.getProperty(FailureReport.REPLAY_PROPERTY) != null;
  }

  /**
   * Draws scenarios that respect what the subject claims; or the one that {@code testkit.replay}
   * names.
   *
   * @return scenarios
   */
  @Provide
  @SuppressWarnings("exports") // Whoever reads the module net.jqwik.api extends this.
  protected Arbitrary<Scenario> scenarios() {
    String replay = System.getProperty(FailureReport.REPLAY_PROPERTY);
    if (replay != null) {
      return Arbitraries.just(ScenarioJson.read(Path.of(replay), contract().vocabulary()));
    }
    ScenarioContract<F> contract = contract();
    F factory = factory();
    return Arbitraries.randomValue(
        random -> contract.draw(factory, random.nextLong() & Long.MAX_VALUE));
  }

  /**
   * Runs a scenario, unless that was done for another rule, and fails with a report if it breaks a
   * rule.
   *
   * @param rule the rule
   * @param scenario the scenario
   */
  protected void holds(Invariant rule, Scenario scenario) {
    outcome(scenario)
        .violation(rule)
        .ifPresent(
            violation -> {
              throw new AssertionError(report(scenario, violation));
            });
  }

  private Outcome outcome(Scenario scenario) {
    return replays()
        ? contract().run(factory(), scenario, false)
        : outcomes().of(scenario.seed(), () -> contract().run(factory(), scenario, false));
  }

  private Outcomes outcomes() {
    return OUTCOMES.get(getClass());
  }

  long exercised(Invariant rule) {
    return outcomes().exercised(rule);
  }

  private String report(Scenario scenario, Violation violation) {
    Failure failure =
        Failure.of(
            contract(),
            factory(),
            scenario,
            violation,
            Minimiser.DEFAULT_MAX_RUNS,
            replays() ? 0 : exercised(violation.invariant()));
    FailureReport.save(failure);
    return "\n" + FailureReport.print(failure);
  }

  /**
   * Returns where committed regression files of this contract are. Files of other domains there are
   * passed over.
   *
   * @return a folder, which need not exist
   */
  protected Path regressions() {
    return REGRESSIONS;
  }

  /** Runs every committed regression file: scenarios that once broke a rule break none. */
  @Example
  void regressionsStayMended() {
    if (!Files.isDirectory(regressions())) {
      return;
    }
    for (Path file : files()) {
      if (!ScenarioJson.domain(file).equals(contract().vocabulary().domain())) {
        continue;
      }
      Scenario scenario = ScenarioJson.read(file, contract().vocabulary());
      for (Violation violation : contract().run(factory(), scenario, false).violations()) {
        throw new AssertionError("regression " + file + report(scenario, violation));
      }
    }
  }

  private List<Path> files() {
    try (Stream<Path> files = Files.list(regressions())) {
      return files
          .filter(file -> file.toString().endsWith(".json"))
          .sorted()
          .limit(MAX_REGRESSIONS)
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list regressions in " + regressions(), e);
    }
  }
}
