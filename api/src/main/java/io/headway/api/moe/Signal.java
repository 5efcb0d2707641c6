package io.headway.api.moe;

import static java.util.Objects.requireNonNull;

/**
 * Names a quantity that a router reports beside its assignments, such as a loss or the fraction of
 * tokens per expert. A key: two signals are the same only if they are the same object.
 */
public final class Signal {
  private final String name;

  private Signal(String name) {
    this.name = name;
  }

  /**
   * Creates a key.
   *
   * @param name the name shown in reports
   * @return a new key, different from every other
   * @throws IllegalArgumentException if the name is blank
   */
  public static Signal named(String name) {
    if (requireNonNull(name, "name").isBlank()) {
      throw new IllegalArgumentException("name must not be blank, but was '" + name + "'");
    }
    return new Signal(name);
  }

  /**
   * Returns the name shown in reports.
   *
   * @return the name
   */
  public String name() {
    return name;
  }

  @Override
  public String toString() {
    return name;
  }
}
