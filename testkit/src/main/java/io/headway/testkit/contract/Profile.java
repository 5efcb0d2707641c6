package io.headway.testkit.contract;

import java.util.Locale;

/**
 * How many scenarios a contract runs. Chosen by the system property {@code testkit.profile}: {@code
 * quick} (the default), {@code standard} or {@code thorough}.
 */
public enum Profile {
  /** 200 scenarios: part of every build. */
  QUICK(200),
  /** 1,000 scenarios. */
  STANDARD(1_000),
  /** 10,000 scenarios. */
  THOROUGH(10_000);

  /** System property that chooses the profile. */
  public static final String PROPERTY = "testkit.profile";

  private final int tries;

  Profile(int tries) {
    this.tries = tries;
  }

  /**
   * Returns how many scenarios are run.
   *
   * @return scenarios
   */
  public int tries() {
    return tries;
  }

  /**
   * Returns the profile that the system property names.
   *
   * @return {@link #QUICK} if it names none
   * @throws IllegalArgumentException if it names an unknown one, listing those known
   */
  public static Profile current() {
    return parse(System.getProperty(PROPERTY, "quick"));
  }

  static Profile parse(String name) {
    for (Profile profile : values()) {
      if (profile.name().toLowerCase(Locale.ROOT).equals(name)) {
        return profile;
      }
    }
    throw new IllegalArgumentException(
        PROPERTY + " must be quick, standard or thorough, but was '" + name + "'");
  }
}
