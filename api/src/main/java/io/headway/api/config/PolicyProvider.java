package io.headway.api.config;

import static java.util.Objects.requireNonNull;

import io.headway.api.Decision;
import java.util.function.Function;

/**
 * One policy as the registry knows it: its stable id, what it decides, where it was published, its
 * parameters and how to make it.
 *
 * @param id stable lower-case name, letters, digits, {@code -} and {@code .}
 * @param decision what it decides
 * @param summary one line on what it does
 * @param source where it was published (paper, venue, year), or {@code folklore}
 * @param parameters what can be configured
 * @param factory makes the policy from a complete, validated configuration
 */
public record PolicyProvider(
    String id,
    Decision decision,
    String summary,
    String source,
    ParameterSet parameters,
    Function<PolicyConfig, Object> factory) {
  public PolicyProvider {
    PolicySpec.requireName("id", id);
    requireNonNull(decision, "decision");
    requireNonNull(summary, "summary");
    requireNonNull(source, "source");
    requireNonNull(parameters, "parameters");
    requireNonNull(factory, "factory");
  }

  /**
   * Makes the policy from arguments as written by a user.
   *
   * @param spec the policy string; its name is not looked at
   * @param known where a policy that is made of others finds them
   * @return a new policy object
   * @throws IllegalArgumentException if an argument is unknown, malformed or out of range, naming
   *     it, or if the policy itself refuses the combination
   */
  public Object create(PolicySpec spec, PolicyRegistry known) {
    return factory.apply(parameters.resolve(id, spec, known));
  }

  /**
   * Makes a policy that is not made of others by name.
   *
   * @param spec the policy string; its name is not looked at
   * @return a new policy object
   * @throws IllegalArgumentException as {@link #create(PolicySpec, PolicyRegistry)}
   */
  public Object create(PolicySpec spec) {
    return create(spec, PolicyRegistry.of());
  }
}
