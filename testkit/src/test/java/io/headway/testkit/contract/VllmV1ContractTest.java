package io.headway.testkit.contract;

import io.headway.api.Decision;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.config.PolicyRegistry;

class VllmV1ContractTest extends BatchingPolicyContract {
  @Override
  protected BatchingPolicy<?> policy() {
    return PolicyRegistry.discover(getClass().getClassLoader())
        .create(Decision.BATCHING, "vllm-v1", BatchingPolicy.class);
  }
}
