package io.headway.examples.brokenpolicy;

import io.headway.api.batching.BatchingPolicy;
import io.headway.testkit.contract.BatchingPolicyContract;

/** Fails, as it should. Not named as a test, so that the build does not run it by itself. */
class PatientPolicyContract extends BatchingPolicyContract {
  @Override
  protected BatchingPolicy<?> policy() {
    return new PatientPolicy();
  }
}
