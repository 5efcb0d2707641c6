package io.headway.api.routing;

import io.headway.api.ImplementedByUsers;
import io.headway.api.ProvidedByRuntime;
import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.SchedulingPolicy;

/**
 * Decides which model answers a request, and whether a cascade goes on to the next one.
 *
 * @param <S> the policy's state
 */
@ImplementedByUsers
public interface ModelSelector<S> extends SchedulingPolicy<S> {
  /** Stands for "no model": the request is turned away. */
  int NONE = -1;

  /** The models on offer. */
  @ProvidedByRuntime
  interface ModelView {
    /**
     * Returns the time of this decision.
     *
     * @return nanoseconds on the caller's clock
     */
    long nowNanos();

    /**
     * Returns the only randomness a policy may use.
     *
     * @return a seeded source
     */
    RandomSource random();

    /**
     * Returns the number of models.
     *
     * @return a count
     */
    int size();

    /**
     * Returns a model's name.
     *
     * @param model 0 to {@code size - 1}, cheapest first
     * @return its name
     */
    String name(int model);

    /**
     * Returns the parameters that one token activates.
     *
     * @param model which model
     * @return parameters
     */
    long activatedParameters(int model);

    /**
     * Returns the longest prompt and output together.
     *
     * @param model which model
     * @return tokens
     */
    int contextTokens(int model);

    /**
     * Returns the expected quality for a request.
     *
     * @param model which model
     * @param request the request
     * @return 0 to 1; negative if unknown
     */
    double quality(int model, Request request);
  }

  /**
   * Chooses the model, or the first step of a cascade.
   *
   * @param state the policy's state
   * @param request the request
   * @param view the models
   * @return a model, or {@link #NONE}
   */
  int choose(S state, Request request, ModelView view);

  /**
   * Chooses the next step of a cascade after a model answered.
   *
   * @param state the policy's state
   * @param request the request
   * @param view the models
   * @param answered the model that answered
   * @param confidence its confidence, 0 to 1
   * @return the next model, or {@link #NONE} (the default) to keep the answer
   */
  default int escalate(S state, Request request, ModelView view, int answered, double confidence) {
    return NONE;
  }
}
