package io.headway.testkit.contract;

import io.headway.api.Invariant;
import io.headway.testkit.subject.Feature;
import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** Says which rule a property of a contract checks, and how strictly. */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface Checks {
  /** How strictly a rule is meant. */
  enum Level {
    /** Must hold for everybody. */
    REQUIRED,
    /** Must hold for whoever claims it; skipped, with the reason, for others. */
    CLAIMED
  }

  /**
   * Returns the rule.
   *
   * @return an invariant
   */
  Invariant value();

  /**
   * Returns how strictly the rule is meant.
   *
   * @return required by default
   */
  Level level() default Level.REQUIRED;

  /**
   * Returns what must be claimed for the rule to apply. If it is and the rule was never put to the
   * test, the property fails as vacuous.
   *
   * @return nothing by default
   */
  Feature[] needs() default {};
}
