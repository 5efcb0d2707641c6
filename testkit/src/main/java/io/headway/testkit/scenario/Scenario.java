package io.headway.testkit.scenario;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.StringJoiner;

/**
 * A configuration and the events that happen to it, as data. Immutable. Running a scenario of one
 * subject always gives the same trace; every subsequence of its events is a scenario, too.
 */
public final class Scenario {
  /** Most events of a scenario. */
  public static final int MAX_EVENTS = 10_000;

  private final Vocabulary vocabulary;
  private final long seed;
  private final long[] config;
  private final List<Event> events;

  Scenario(Vocabulary vocabulary, long seed, long[] config, List<Event> events) {
    this.vocabulary = vocabulary;
    this.seed = seed;
    this.config = config;
    this.events = events;
  }

  /**
   * Returns what this scenario consists of.
   *
   * @return its vocabulary
   */
  public Vocabulary vocabulary() {
    return vocabulary;
  }

  /**
   * Returns where this scenario, or the one it was shrunk from, was drawn from.
   *
   * @return the seed; 0 if it was written by hand
   */
  public long seed() {
    return seed;
  }

  /**
   * Returns one number of the configuration.
   *
   * @param field a field of the vocabulary's configuration
   * @return its value
   * @throws IllegalArgumentException if there is no such field
   */
  public long get(Field field) {
    return config[index(field)];
  }

  /**
   * Returns one number of the configuration that is known to fit.
   *
   * @param field a field of the vocabulary's configuration
   * @return its value
   * @throws IllegalArgumentException if there is no such field
   * @throws ArithmeticException if it does not fit
   */
  public int intOf(Field field) {
    return Math.toIntExact(get(field));
  }

  /**
   * Returns this scenario with one number of the configuration changed.
   *
   * @param field a field of the vocabulary's configuration
   * @param value the new value, brought into the field's range
   * @return a changed copy
   * @throws IllegalArgumentException if there is no such field
   */
  public Scenario with(Field field, long value) {
    return withConfig(index(field), field.clamp(value));
  }

  Scenario withConfig(int index, long value) {
    long[] changed = config.clone();
    changed[index] = value;
    return new Scenario(vocabulary, seed, changed, events);
  }

  long configValue(int index) {
    return config[index];
  }

  /**
   * Returns the events.
   *
   * @return unmodifiable list
   */
  public List<Event> events() {
    return events;
  }

  /**
   * Returns this scenario with other events.
   *
   * @param other events of the same vocabulary
   * @return a changed copy
   */
  public Scenario withEvents(List<Event> other) {
    return new Scenario(vocabulary, seed, config, List.copyOf(other));
  }

  /**
   * Returns how many events bring a request.
   *
   * @return requests
   */
  public int requests() {
    int count = 0;
    for (Event event : events) {
      count += event.type().bringsRequest() ? 1 : 0;
    }
    return count;
  }

  private int index(Field field) {
    int i = vocabulary.config().indexOf(field);
    if (i < 0) {
      throw new IllegalArgumentException(
          "scenarios of '"
              + vocabulary.domain()
              + "' have no configuration field '"
              + field.name()
              + "'");
    }
    return i;
  }

  /**
   * Prints the configuration in one line.
   *
   * @return every number that is not the simplest, such as {@code blocks=4 slots=2}
   */
  public String configText() {
    StringJoiner text = new StringJoiner(" ");
    for (int i = 0; i < config.length; i++) {
      Field field = vocabulary.config().get(i);
      if (config[i] != field.simplest()) {
        text.add(field.name() + "=" + config[i]);
      }
    }
    return text.toString();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Scenario that
        && vocabulary.equals(that.vocabulary)
        && Arrays.equals(config, that.config)
        && events.equals(that.events);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(config) + events.hashCode();
  }

  @Override
  public String toString() {
    StringJoiner text = new StringJoiner("; ", vocabulary.domain() + "[" + configText() + "] ", "");
    for (Event event : events) {
      text.add(event.toString());
    }
    return text.toString();
  }

  /** Collects a scenario; not thread-safe. */
  public static final class Builder {
    private final Vocabulary vocabulary;
    private final long seed;
    private final long[] config;
    private final List<Event> events = new ArrayList<>();

    Builder(Vocabulary vocabulary, long seed) {
      this.vocabulary = vocabulary;
      this.seed = seed;
      config = new long[vocabulary.config().size()];
      for (int i = 0; i < config.length; i++) {
        config[i] = vocabulary.config().get(i).simplest();
      }
    }

    /**
     * Sets one number of the configuration.
     *
     * @param field a field of the vocabulary's configuration
     * @param value its value
     * @return this builder
     * @throws IllegalArgumentException if there is no such field or the value is out of range
     */
    public Builder set(Field field, long value) {
      int i = vocabulary.config().indexOf(field);
      if (i < 0) {
        throw new IllegalArgumentException(
            "scenarios of '"
                + vocabulary.domain()
                + "' have no configuration field '"
                + field.name()
                + "'");
      }
      config[i] = field.check(value);
      return this;
    }

    /**
     * Adds an event.
     *
     * @param event an event of a kind of the vocabulary
     * @return this builder
     * @throws IllegalArgumentException if the kind is unknown or there are too many events
     */
    public Builder add(Event event) {
      requireNonNull(event, "event");
      if (!vocabulary.events().contains(event.type())) {
        throw new IllegalArgumentException(
            "scenarios of '"
                + vocabulary.domain()
                + "' have no event '"
                + event.type().name()
                + "'");
      }
      if (events.size() == MAX_EVENTS) {
        throw new IllegalArgumentException(
            "events must be at most " + MAX_EVENTS + ", but more were added");
      }
      events.add(event);
      return this;
    }

    /**
     * Makes the scenario.
     *
     * @return an immutable scenario
     */
    public Scenario build() {
      return new Scenario(vocabulary, seed, config.clone(), List.copyOf(events));
    }
  }
}
