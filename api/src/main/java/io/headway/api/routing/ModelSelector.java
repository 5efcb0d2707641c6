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
  /** Stands for "no further model": the answer is kept. */
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

    /**
     * Returns what a request costs on a model.
     *
     * @param model which model
     * @return price in the caller's unit, at least 0, ascending with the model
     */
    double price(int model);

    /**
     * Returns whether a model can do what the request asks for and the tenant may use it.
     *
     * @param model which model
     * @param request the request
     * @return false if a capability or the entitlement is missing
     */
    boolean admits(int model, Request request);

    /**
     * Returns whether a model has no room for another request now.
     *
     * @param model which model
     * @return true if a request would wait
     */
    boolean saturated(int model);

    /**
     * Returns the lowest quality that will do for a request.
     *
     * @param request the request
     * @return 0 to 1; 0 if anything will do
     */
    double qualityFloor(Request request);

    /**
     * Returns what may be spent on a request.
     *
     * @param request the request
     * @return price in the caller's unit; infinite if nothing limits it
     */
    double priceBudget(Request request);

    /**
     * Returns how likely the dearest model's answer is better than the cheapest one's.
     *
     * @param request the request
     * @return 0 to 1; negative if unknown
     */
    double winProbability(Request request);
  }

  /**
   * The choice under construction. The last of {@code accept}, {@code queue} and {@code reject}
   * wins; a draft left empty is an error of the policy.
   */
  @ProvidedByRuntime
  interface ModelDraft {
    /**
     * Sends the request to a model.
     *
     * @param model which model
     */
    void accept(int model);

    /**
     * Lets the request wait for a model that is saturated.
     *
     * @param model which model
     */
    void queue(int model);

    /**
     * Turns the request away.
     *
     * @param code why
     */
    void reject(RejectCode code);

    /**
     * Names the rule that decided, for explanations and reports.
     *
     * @param rule in a few words
     */
    void rule(String rule);
  }

  /**
   * Chooses the model, or the first step of a cascade.
   *
   * @param state the policy's state
   * @param request the request
   * @param view the models, at least one
   * @param draft where the decision is written
   */
  void choose(S state, Request request, ModelView view, ModelDraft draft);

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
