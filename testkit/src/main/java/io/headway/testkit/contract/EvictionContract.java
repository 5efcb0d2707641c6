package io.headway.testkit.contract;

import io.headway.api.Invariant;
import io.headway.api.memory.EvictionPolicy;
import io.headway.testkit.drive.PoolRules;
import io.headway.testkit.scenario.Scenario;
import io.headway.testkit.scenario.ScenarioContract;
import io.headway.testkit.subject.Feature;
import io.headway.testkit.subject.Features;
import io.headway.testkit.subject.KvPoolSubject;
import io.headway.testkit.subject.PoolFactory;
import java.util.Optional;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;

/**
 * The contract of an eviction policy, in this library's paged pool: whatever dies first, nothing
 * that is held does, and comparisons are consistent and change nothing.
 */
public abstract class EvictionContract extends ScenarioProperties<PoolFactory> {
  /** Makes a contract; called by subclasses. */
  protected EvictionContract() {}

  /**
   * Returns the policy.
   *
   * @return one object, which serves all pools of the test
   */
  protected abstract EvictionPolicy<?> policy();

  @Override
  protected ScenarioContract<PoolFactory> contract() {
    return PoolRules.device();
  }

  @Override
  protected PoolFactory factory() {
    return held(policy());
  }

  /** Pools on the device alone, where a policy is held to what it says of the order of eviction. */
  static PoolFactory held(EvictionPolicy<?> policy) {
    PoolFactory pools = KvPoolSubject.evictingBy(policy);
    return policy.evictsTailFirst()
        ? PoolFactory.of(pools.features().and(Feature.TAIL_FIRST), pools)
        : pools;
  }

  @Override
  Optional<String> unclaimed(Invariant rule) {
    return rule == Invariant.INV_17 && !features().has(Feature.TAIL_FIRST)
        ? Optional.of("the policy does not say that it evicts tails first")
        : Optional.empty();
  }

  @Override
  protected Features features() {
    return factory().features();
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_02)
  void INV02_everyLegalCallIsAnswered(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_02, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_04)
  void INV04_refusedAndUndoneAttemptsLeaveNoTrace(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_04, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_08)
  void INV08_blocksAreConserved(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_08, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_10)
  void INV10_nothingHeldIsEvicted(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_10, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_17)
  void INV17_chainsDieFromTheirEnds(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_17, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_18)
  void INV18_onlyEvictedContentIsMissed(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_18, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_39)
  void INV39_comparisonsAreConsistentAndVictimsRepeatable(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_39, scenario);
  }
}
