package io.headway.runtime;

/**
 * A model on offer, as a {@link ModelChooser} knows it.
 *
 * @param name as in {@link InstanceProfile#models} and {@link io.headway.api.Request#model}
 * @param activatedParameters parameters that one token activates, at least 1
 * @param contextTokens longest prompt and output together, at least 2
 * @param price of one request in the caller's unit, finite and at least 0
 */
public record ModelOffer(String name, long activatedParameters, int contextTokens, double price) {
  /**
   * Checks the numbers.
   *
   * @param name the model's name, not empty
   * @param activatedParameters parameters that one token activates
   * @param contextTokens longest prompt and output together
   * @param price of one request
   * @throws IllegalArgumentException if a number is out of range
   */
  public ModelOffer {
    Check.notNull("name", name);
    Check.atLeast("length of name", name.length(), 1, "character");
    Check.atLeast("activatedParameters", activatedParameters, 1, "parameter");
    Check.atLeast("contextTokens", contextTokens, 2, "tokens");
    if (!(price >= 0) || Double.isInfinite(price)) {
      throw new IllegalArgumentException("price must be finite and at least 0, but was " + price);
    }
  }
}
