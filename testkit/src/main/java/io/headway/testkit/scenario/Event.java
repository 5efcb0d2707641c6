package io.headway.testkit.scenario;

import java.util.Arrays;
import java.util.StringJoiner;

/**
 * One event of a scenario: a kind and its numbers. Immutable. A number that names somebody is
 * symbolic: i stands for the {@code i mod n}-th of the n there are at that time, and with none the
 * event does nothing; so every subsequence of a scenario is a scenario.
 */
public final class Event {
  private final EventType type;
  private final long[] values;

  Event(EventType type, long[] values) {
    this.type = type;
    this.values = values;
  }

  /**
   * Returns the kind.
   *
   * @return what happens
   */
  public EventType type() {
    return type;
  }

  /**
   * Returns whether this event is of a kind.
   *
   * @param kind a kind of the same vocabulary
   * @return true if it is
   */
  public boolean is(EventType kind) {
    return type.name().equals(kind.name());
  }

  /**
   * Returns one number.
   *
   * @param field a field of this kind
   * @return its value
   * @throws IllegalArgumentException if this kind has no such field
   */
  public long get(Field field) {
    int i = type.fields().indexOf(field);
    if (i < 0) {
      throw new IllegalArgumentException(
          "event '" + type.name() + "' has no field '" + field.name() + "'");
    }
    return values[i];
  }

  /**
   * Returns one number that is known to fit.
   *
   * @param field a field of this kind
   * @return its value
   * @throws IllegalArgumentException if this kind has no such field
   * @throws ArithmeticException if it does not fit
   */
  public int intOf(Field field) {
    return Math.toIntExact(get(field));
  }

  /**
   * Returns this event with one number changed.
   *
   * @param field a field of this kind
   * @param value the new value
   * @return a changed copy
   * @throws IllegalArgumentException if this kind has no such field or the value is out of range
   */
  public Event with(Field field, long value) {
    int i = type.fields().indexOf(field);
    if (i < 0) {
      throw new IllegalArgumentException(
          "event '" + type.name() + "' has no field '" + field.name() + "'");
    }
    return with(i, field.check(value));
  }

  Event with(int index, long value) {
    long[] changed = values.clone();
    changed[index] = value;
    return new Event(type, changed);
  }

  long value(int index) {
    return values[index];
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Event that
        && type.equals(that.type)
        && Arrays.equals(values, that.values);
  }

  @Override
  public int hashCode() {
    return 31 * type.name().hashCode() + Arrays.hashCode(values);
  }

  /**
   * Prints the kind and every number that is not the simplest, such as {@code submit(prompt=5)}.
   */
  @Override
  public String toString() {
    StringJoiner text = new StringJoiner(", ", type.name() + "(", ")");
    text.setEmptyValue(type.name());
    for (int i = 0; i < values.length; i++) {
      Field field = type.fields().get(i);
      if (values[i] != field.simplest()) {
        text.add(field.name() + "=" + values[i]);
      }
    }
    return text.toString();
  }
}
