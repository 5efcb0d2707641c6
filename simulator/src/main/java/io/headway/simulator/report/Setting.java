package io.headway.simulator.report;

import java.util.Objects;

/**
 * A named choice of a run, as reports show it.
 *
 * @param name what was chosen, such as {@code model}
 * @param value the choice, such as {@code llama3-8b}
 */
public record Setting(String name, String value) {
  /** Checks that both are there. */
  public Setting {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(value, "value");
  }
}
