package io.headway.routing.instance;

import io.headway.api.Instance;

/** What "load" means to the policies that compare it. Smaller is better. */
public enum LoadMetric {
  /** Waiting and running requests: join the shortest queue. */
  REQUESTS,
  /** Waiting requests only; blind to a large running batch. */
  WAITING,
  /** Prompt tokens still to compute of waiting requests, plus one per running request. */
  TOKENS,
  /** Share of the KV pool in use; an instance without blocks counts as full. */
  KV;

  /**
   * Returns the load of an instance.
   *
   * @param instance the instance
   * @return a number of at least 0
   */
  public double of(Instance instance) {
    return switch (this) {
      case REQUESTS -> instance.requests();
      case WAITING -> instance.waiting();
      case TOKENS -> (double) instance.waitingPromptTokens() + instance.running();
      case KV -> instance.kvUsage();
    };
  }
}
