package io.headway.api.moe;

import static java.util.Objects.requireNonNull;

/**
 * Thrown when the input of a router or planner breaks a rule that callers may want to tell apart
 * from other illegal arguments. The message names the parameter, the rule and the value received.
 */
public final class MoeInputException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  /** The rule that the input broke. */
  public enum Rule {
    /** A logit row masks every expert, so its token has nowhere to go. */
    ALL_MASKED,
    /** A count must divide another one evenly and does not. */
    NOT_DIVISIBLE,
    /** No solution satisfies the constraints. */
    INFEASIBLE,
    /** Two different annotations were given for one tensor. */
    CONFLICTING_ANNOTATIONS
  }

  private final Rule rule;

  /**
   * Describes one broken rule.
   *
   * @param rule the rule
   * @param message parameter, rule, value received and what would be right
   */
  public MoeInputException(Rule rule, String message) {
    super(requireNonNull(message, "message"));
    this.rule = requireNonNull(rule, "rule");
  }

  /**
   * Returns the rule that the input broke.
   *
   * @return one of the rules
   */
  public Rule rule() {
    return rule;
  }
}
