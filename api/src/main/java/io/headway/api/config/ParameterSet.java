package io.headway.api.config;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The parameters of one policy in the order they are listed, each with its default. Immutable. */
public final class ParameterSet {
  /** No parameters. */
  public static final ParameterSet NONE = builder().build();

  private final Map<String, Parameter> byName;
  private final boolean forwarding;

  private ParameterSet(Map<String, Parameter> byName, boolean forwarding) {
    this.byName = byName;
    this.forwarding = forwarding;
  }

  /**
   * Starts an empty set.
   *
   * @return a new builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Returns all parameters.
   *
   * @return in declaration order
   */
  public List<Parameter> list() {
    return List.copyOf(byName.values());
  }

  /**
   * Returns whether a parameter of that name exists.
   *
   * @param name the name
   * @return true if it can be configured
   */
  public boolean has(String name) {
    return byName.containsKey(name);
  }

  /**
   * Returns whether arguments that are not declared here are handed to the parts the policy is made
   * of.
   *
   * @return false unless declared by {@link Builder#forwarding}
   */
  public boolean forwarding() {
    return forwarding;
  }

  /**
   * Completes a user's arguments with the defaults and checks every value.
   *
   * @param policyId named in errors
   * @param spec the user's arguments
   * @return a complete configuration
   * @throws IllegalArgumentException if an argument is unknown (naming the nearest known) and this
   *     set does not forward, or if one is malformed or out of range
   */
  public PolicyConfig resolve(String policyId, PolicySpec spec) {
    return resolve(policyId, spec, PolicyRegistry.of());
  }

  PolicyConfig resolve(String policyId, PolicySpec spec, PolicyRegistry known) {
    Map<String, String> forwarded = new LinkedHashMap<>();
    for (Map.Entry<String, String> argument : spec.arguments().entrySet()) {
      if (byName.containsKey(argument.getKey())) {
        continue;
      }
      if (!forwarding) {
        throw unknown(policyId, argument.getKey(), byName.keySet());
      }
      forwarded.put(argument.getKey(), argument.getValue());
    }
    Map<String, String> values = new LinkedHashMap<>();
    for (Parameter parameter : byName.values()) {
      String text = spec.arguments().getOrDefault(parameter.name(), parameter.defaultText());
      parameter.check(policyId, text);
      values.put(parameter.name(), text);
    }
    return new PolicyConfig(policyId, values, forwarded, known);
  }

  /**
   * Returns the complaint about an argument that nobody declares.
   *
   * @param policyId whose argument it is
   * @param name the argument
   * @param known the names that would be right
   * @return an exception that names the nearest known one and all of them
   */
  public static IllegalArgumentException unknown(
      String policyId, String name, Collection<String> known) {
    return new IllegalArgumentException(
        "policy '"
            + policyId
            + "' has no parameter '"
            + name
            + "'"
            + Spelling.hint(name, known)
            + "; it has "
            + (known.isEmpty() ? "none" : String.join(", ", known)));
  }

  /** Collects parameters; not thread-safe. A default outside its own range is refused at once. */
  public static final class Builder {
    private final Map<String, Parameter> byName = new LinkedHashMap<>();
    private boolean forwarding;

    private Builder() {}

    /**
     * Adds a whole number.
     *
     * @param name its name
     * @param defaultValue its default
     * @param minimum least value, inclusive
     * @param maximum greatest value, inclusive
     * @param unit its unit; empty if none
     * @param explanation one line
     * @return this builder
     */
    public Builder intValue(
        String name, int defaultValue, int minimum, int maximum, String unit, String explanation) {
      return add(
          new Parameter(
              name,
              Parameter.Type.INT,
              Integer.toString(defaultValue),
              unit,
              minimum,
              maximum == Integer.MAX_VALUE ? Double.POSITIVE_INFINITY : maximum,
              List.of(),
              explanation));
    }

    /**
     * Adds a 64-bit whole number, for seeds, bytes and nanoseconds.
     *
     * @param name its name
     * @param defaultValue its default
     * @param minimum least value, inclusive; {@link Long#MIN_VALUE} for none
     * @param unit its unit; empty if none
     * @param explanation one line
     * @return this builder
     */
    public Builder longValue(
        String name, long defaultValue, long minimum, String unit, String explanation) {
      return add(
          new Parameter(
              name,
              Parameter.Type.LONG,
              Long.toString(defaultValue),
              unit,
              minimum == Long.MIN_VALUE ? Double.NEGATIVE_INFINITY : minimum,
              Double.POSITIVE_INFINITY,
              List.of(),
              explanation));
    }

    /**
     * Adds a decimal number.
     *
     * @param name its name
     * @param defaultValue its default
     * @param minimum least value, inclusive; negative infinity for none
     * @param maximum greatest value, inclusive; positive infinity for none
     * @param unit its unit; empty if none
     * @param explanation one line
     * @return this builder
     */
    public Builder doubleValue(
        String name,
        double defaultValue,
        double minimum,
        double maximum,
        String unit,
        String explanation) {
      String text =
          defaultValue == Math.rint(defaultValue) && Math.abs(defaultValue) < 1e15
              ? Long.toString((long) defaultValue)
              : Double.toString(defaultValue);
      return add(
          new Parameter(
              name, Parameter.Type.DOUBLE, text, unit, minimum, maximum, List.of(), explanation));
    }

    /**
     * Adds a switch.
     *
     * @param name its name
     * @param defaultValue its default
     * @param explanation one line
     * @return this builder
     */
    public Builder booleanValue(String name, boolean defaultValue, String explanation) {
      return add(
          new Parameter(
              name,
              Parameter.Type.BOOLEAN,
              Boolean.toString(defaultValue),
              "",
              0,
              0,
              List.of(),
              explanation));
    }

    /**
     * Adds a choice between a few words.
     *
     * @param name its name
     * @param defaultValue one of the choices
     * @param choices the allowed words
     * @param explanation one line
     * @return this builder
     */
    public Builder choice(
        String name, String defaultValue, List<String> choices, String explanation) {
      return add(
          new Parameter(name, Parameter.Type.CHOICE, defaultValue, "", 0, 0, choices, explanation));
    }

    /**
     * Adds a nested policy.
     *
     * @param name its name
     * @param defaultValue a policy string
     * @param explanation one line
     * @return this builder
     */
    public Builder policy(String name, String defaultValue, String explanation) {
      return add(
          new Parameter(
              name, Parameter.Type.POLICY, defaultValue, "", 0, 0, List.of(), explanation));
    }

    /**
     * Adds free text.
     *
     * @param name its name
     * @param defaultValue its default
     * @param explanation one line
     * @return this builder
     */
    public Builder text(String name, String defaultValue, String explanation) {
      return add(
          new Parameter(name, Parameter.Type.TEXT, defaultValue, "", 0, 0, List.of(), explanation));
    }

    /**
     * Lets arguments that are not declared here through to {@link PolicyConfig#forwarded}, for a
     * policy that hands them to its parts. The policy must refuse what none of them declares.
     *
     * @return this builder
     */
    public Builder forwarding() {
      forwarding = true;
      return this;
    }

    private Builder add(Parameter parameter) {
      PolicySpec.requireName("parameter name", parameter.name());
      parameter.check("default", parameter.defaultText());
      if (byName.putIfAbsent(parameter.name(), parameter) != null) {
        throw new IllegalArgumentException(
            "parameter '" + parameter.name() + "' is declared twice");
      }
      return this;
    }

    /**
     * Returns the parameters collected so far.
     *
     * @return an immutable set
     */
    public ParameterSet build() {
      return new ParameterSet(new LinkedHashMap<>(byName), forwarding);
    }
  }

  @Override
  public String toString() {
    return new ArrayList<>(byName.keySet()).toString();
  }
}
