package io.headway.testkit.contract;

import io.headway.api.memory.EvictionPolicy;
import io.headway.memory.eviction.LruEviction;

class LruEvictionContractTest extends EvictionContract {
  @Override
  protected EvictionPolicy<?> policy() {
    return new LruEviction();
  }
}
