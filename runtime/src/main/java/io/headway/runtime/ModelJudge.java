package io.headway.runtime;

import io.headway.api.ImplementedByUsers;
import io.headway.api.Request;

/**
 * What a gateway knows about requests and models that no instance can tell: trained predictions,
 * entitlements, budgets. By default nothing is known and everything is allowed. Models are numbered
 * as they were offered. Called under the lock of a {@link ModelChooser}, so it must not block.
 */
@ImplementedByUsers
public interface ModelJudge {
  /** Knows nothing and allows everything. */
  ModelJudge NONE = new ModelJudge() {};

  /**
   * Returns the expected quality of a model's answer.
   *
   * @param model which model
   * @param request the request
   * @return 0 to 1; negative (the default) if unknown
   */
  default double quality(int model, Request request) {
    return -1;
  }

  /**
   * Returns whether a model can do what is asked for and the tenant may use it.
   *
   * @param model which model
   * @param request the request
   * @return true by default
   */
  default boolean admits(int model, Request request) {
    return true;
  }

  /**
   * Returns the lowest quality that will do.
   *
   * @param request the request
   * @return 0 to 1; 0 (the default) if anything will do
   */
  default double qualityFloor(Request request) {
    return 0;
  }

  /**
   * Returns what may be spent.
   *
   * @param request the request
   * @return price in the unit of the offers; infinite by default
   */
  default double priceBudget(Request request) {
    return Double.POSITIVE_INFINITY;
  }

  /**
   * Returns how likely the dearest model's answer is better than the cheapest one's.
   *
   * @param request the request
   * @return 0 to 1; negative (the default) if unknown
   */
  default double winProbability(Request request) {
    return -1;
  }
}
