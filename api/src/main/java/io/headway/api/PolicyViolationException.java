package io.headway.api;

import static java.util.Objects.requireNonNull;

/**
 * Thrown when a policy tries something no policy may do, such as scheduling a finished request.
 * Names the policy, the broken rule and the request. The draft that throws it has changed nothing.
 *
 * <p>In guard mode the runtime catches it and decides by a built-in policy; in strict mode it
 * reaches the caller.
 */
public final class PolicyViolationException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String policyId;
  private final Invariant rule;
  private final String requestId;

  /**
   * Describes one violation.
   *
   * @param policyId id of the policy that broke the rule
   * @param rule the rule that was broken
   * @param requestId the request concerned, or an empty string if none is
   * @param detail what was tried and what would have been right
   */
  public PolicyViolationException(
      String policyId, Invariant rule, String requestId, String detail) {
    super(
        "policy '"
            + requireNonNull(policyId, "policyId")
            + "' broke "
            + requireNonNull(rule, "rule").code()
            + " ("
            + rule.title()
            + ")"
            + (requireNonNull(requestId, "requestId").isEmpty()
                ? ""
                : " for request '" + requestId + "'")
            + ": "
            + detail);
    this.policyId = policyId;
    this.rule = rule;
    this.requestId = requestId;
  }

  /**
   * Describes a violation that another exception caused.
   *
   * @param policyId id of the policy that broke the rule
   * @param rule the rule that was broken
   * @param requestId the request concerned, or an empty string if none is
   * @param detail what was tried and what would have been right
   * @param cause what the policy threw
   */
  public PolicyViolationException(
      String policyId, Invariant rule, String requestId, String detail, Throwable cause) {
    this(policyId, rule, requestId, detail);
    initCause(cause);
  }

  /**
   * Returns the policy that broke the rule.
   *
   * @return its id
   */
  public String policyId() {
    return policyId;
  }

  /**
   * Returns the rule that was broken.
   *
   * @return one of the numbered invariants
   */
  public Invariant rule() {
    return rule;
  }

  /**
   * Returns the request concerned.
   *
   * @return its id, or an empty string if the violation concerns no single request
   */
  public String requestId() {
    return requestId;
  }
}
