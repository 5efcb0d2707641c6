package io.headway.api.config;

import io.headway.api.Decision;
import java.util.Collections;
import java.util.Map;
import java.util.function.Function;

/**
 * A complete, validated configuration of one policy: every declared parameter has a value in range.
 * Immutable.
 */
public final class PolicyConfig {
  private final String policyId;
  private final Map<String, String> values;
  private final Map<String, String> forwarded;
  private final PolicyRegistry known;

  PolicyConfig(
      String policyId,
      Map<String, String> values,
      Map<String, String> forwarded,
      PolicyRegistry known) {
    this.policyId = policyId;
    this.values = values;
    this.forwarded = Collections.unmodifiableMap(forwarded);
    this.known = known;
  }

  /**
   * Returns the registry that makes this policy, where a policy that is made of others finds them
   * by name: those of its own catalogue and everybody else's.
   *
   * @return the registry; an empty one if the policy is made without
   */
  public PolicyRegistry known() {
    return known;
  }

  /**
   * Makes the policy that a {@code POLICY} parameter names.
   *
   * @param name the parameter
   * @param decision which decision
   * @param type the decision's interface
   * @param <T> the decision's interface
   * @return a new policy
   * @throws IllegalArgumentException if the name or an argument of it is unknown or out of range
   */
  public <T> T create(String name, Decision decision, Class<T> type) {
    return known.create(decision, policy(name), type);
  }

  /**
   * Returns the arguments meant for the parts of the policy: those it does not declare itself.
   *
   * @return texts as written, unchecked, in the order written; empty unless the policy's {@link
   *     ParameterSet} forwards
   */
  public Map<String, String> forwarded() {
    return forwarded;
  }

  /**
   * Returns the value of an {@code INT} parameter.
   *
   * @param name the parameter
   * @return its value
   */
  public int intValue(String name) {
    return Integer.parseInt(text(name));
  }

  /**
   * Returns the value of a {@code LONG} parameter.
   *
   * @param name the parameter
   * @return its value
   */
  public long longValue(String name) {
    return Long.parseLong(text(name));
  }

  /**
   * Returns the value of a {@code DOUBLE} parameter.
   *
   * @param name the parameter
   * @return its value
   */
  public double doubleValue(String name) {
    return Double.parseDouble(text(name));
  }

  /**
   * Returns the value of a {@code BOOLEAN} parameter.
   *
   * @param name the parameter
   * @return its value
   */
  public boolean booleanValue(String name) {
    return Boolean.parseBoolean(text(name));
  }

  /**
   * Returns a {@code CHOICE} as an enum constant, {@code early-return} meaning {@code
   * EARLY_RETURN}.
   *
   * @param name the parameter
   * @param valueOf the enum's {@code valueOf}
   * @param <E> the enum
   * @return the constant
   */
  public <E extends Enum<E>> E choice(String name, Function<String, E> valueOf) {
    return valueOf.apply(text(name).replace('-', '_').toUpperCase(java.util.Locale.ROOT));
  }

  /**
   * Returns a {@code POLICY} parameter parsed.
   *
   * @param name the parameter
   * @return its policy string
   */
  public PolicySpec policy(String name) {
    return PolicySpec.parse(text(name));
  }

  /**
   * Returns the text of any parameter.
   *
   * @param name the parameter
   * @return its value as written
   * @throws IllegalArgumentException if the policy declares no such parameter
   */
  public String text(String name) {
    String value = values.get(name);
    if (value == null) {
      throw new IllegalArgumentException(
          "policy '"
              + policyId
              + "' declares no parameter '"
              + name
              + "'; it declares "
              + values.keySet());
    }
    return value;
  }

  @Override
  public String toString() {
    return policyId + values;
  }
}
