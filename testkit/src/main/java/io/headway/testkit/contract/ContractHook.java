package io.headway.testkit.contract;

import io.headway.testkit.subject.Feature;
import io.headway.testkit.subject.Features;
import java.util.Optional;
import net.jqwik.api.lifecycle.AroundPropertyHook;
import net.jqwik.api.lifecycle.PropertyExecutionResult;
import net.jqwik.api.lifecycle.PropertyExecutor;
import net.jqwik.api.lifecycle.PropertyLifecycleContext;
import org.opentest4j.TestAbortedException;

/**
 * Sets how many scenarios a property of a contract draws, skips rules that the subject does not
 * claim, and tells rules that were never put to the test from rules that hold.
 */
final class ContractHook implements AroundPropertyHook {
  @Override
  public PropertyExecutionResult aroundProperty(
      PropertyLifecycleContext property, PropertyExecutor executor) {
    Object instance = property.testInstance();
    if (!(instance instanceof ScenarioProperties<?> contract)) {
      return executor.execute();
    }
    Optional<Checks> found = property.findAnnotation(Checks.class);
    if (found.isEmpty()) {
      return executor.execute();
    }
    property.attributes().setTries(contract.replays() ? 1 : contract.profile().tries());
    property.attributes().setSeed(Long.toString(contract.seed()));
    Checks checks = found.get();
    Features features = contract.features();
    for (Feature needed : checks.needs()) {
      if (!features.has(needed)) {
        return skipped(property, executor, checks, "the subject does not claim " + needed);
      }
    }
    Optional<String> unclaimed = contract.unclaimed(checks.value());
    if (checks.level() == Checks.Level.CLAIMED && unclaimed.isPresent()) {
      return skipped(property, executor, checks, unclaimed.get());
    }
    PropertyExecutionResult result = executor.execute();
    boolean successful = result.status() == PropertyExecutionResult.Status.SUCCESSFUL;
    if (!successful || contract.replays() || contract.exercised(checks.value()) > 0) {
      return result;
    }
    String vacuous =
        checks.value().code() + " was never put to the test in " + result.countTries() + " tries";
    return checks.needs().length > 0
        ? result.mapToFailed(vacuous + ", although what it needs is claimed: vacuous")
        : result.mapToAborted(
            new TestAbortedException(vacuous + ": the trace of this subject lacks what it needs"));
  }

  private static PropertyExecutionResult skipped(
      PropertyLifecycleContext property, PropertyExecutor executor, Checks checks, String reason) {
    // There is no result to be made without running it once.
    property.attributes().setTries(1);
    return executor
        .execute()
        .mapToAborted(new TestAbortedException(checks.value().code() + " skipped: " + reason));
  }
}
