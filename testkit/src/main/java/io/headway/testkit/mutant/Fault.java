package io.headway.testkit.mutant;

import io.headway.api.Invariant;
import java.util.List;

/**
 * A bug that can be planted in a correct subject. Implemented by one enum per subject, whose
 * constants are named after the catalogue, such as {@code B_27A}, or {@code H_07} for bugs that
 * nobody reported.
 */
public interface Fault {
  /**
   * Returns the constant's name.
   *
   * @return such as {@code B_27A}
   */
  String name();

  /**
   * Says what is wrong.
   *
   * @return one line
   */
  String title();

  /**
   * Says where the bug was reported, or which family it belongs to.
   *
   * @return a link, or the name of a family
   */
  String source();

  /**
   * Returns the rules that the bug must break.
   *
   * @return at least one, the most important first
   */
  List<Invariant> expected();

  /**
   * Returns the name that reports use.
   *
   * @return such as {@code B-27a}
   */
  default String id() {
    String digits = name().substring(2);
    char last = digits.charAt(digits.length() - 1);
    return name().charAt(0)
        + "-"
        + (Character.isDigit(last)
            ? digits
            : digits.substring(0, digits.length() - 1) + Character.toLowerCase(last));
  }
}
