package io.headway.testkit.scenario;

import static java.util.Objects.requireNonNull;

import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What scenarios of one domain consist of. Immutable.
 *
 * @param domain name of the domain, such as {@code engine}
 * @param config numbers of a configuration, in the order in which shrinking lowers them
 * @param events kinds of events
 */
public record Vocabulary(String domain, List<Field> config, List<EventType> events) {
  /** Checks that names are unique. */
  public Vocabulary {
    requireNonNull(domain, "domain");
    config = List.copyOf(config);
    events = List.copyOf(events);
    Set<String> names = new HashSet<>();
    for (Field field : config) {
      requireNew(names, "configuration field", field.name());
    }
    names.clear();
    for (EventType type : events) {
      requireNew(names, "event", type.name());
    }
    for (EventType type : events) {
      names.clear();
      for (Field field : type.fields()) {
        requireNew(names, "field of event '" + type.name() + "'", field.name());
      }
    }
  }

  private static void requireNew(Set<String> names, String what, String name) {
    if (!names.add(name)) {
      throw new IllegalArgumentException(
          what + " must be unique, but '" + name + "' is there twice");
    }
  }

  /**
   * Starts a scenario.
   *
   * @param seed where it was drawn from; 0 if it was written by hand
   * @return a builder with every number at its simplest and no event
   */
  public Scenario.Builder scenario(long seed) {
    return new Scenario.Builder(this, seed);
  }
}
