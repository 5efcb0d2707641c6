package io.headway.testkit.scenario;

import static java.util.Objects.requireNonNull;

import java.util.List;

/**
 * A kind of event with its numbers.
 *
 * @param name what JSON and reports call it
 * @param bringsRequest whether it brings a request, which shrinking removes first
 * @param fields its numbers, in order
 */
public record EventType(String name, boolean bringsRequest, List<Field> fields) {
  /** Copies the fields. */
  public EventType {
    requireNonNull(name, "name");
    fields = List.copyOf(fields);
  }

  /**
   * Makes a kind of event that brings no request.
   *
   * @param name its name
   * @param fields its numbers
   * @return the kind
   */
  public static EventType of(String name, Field... fields) {
    return new EventType(name, false, List.of(fields));
  }

  /**
   * Makes a kind of event that brings a request.
   *
   * @param name its name
   * @param fields its numbers
   * @return the kind
   */
  public static EventType request(String name, Field... fields) {
    return new EventType(name, true, List.of(fields));
  }

  /**
   * Makes an event of this kind.
   *
   * @param values one number per field, in order; fields left out have their simplest value
   * @return the event
   * @throws IllegalArgumentException if there are too many numbers or one is out of range, naming
   *     the field
   */
  public Event with(long... values) {
    if (values.length > fields.size()) {
      throw new IllegalArgumentException(
          "event '"
              + name
              + "' must have at most "
              + fields.size()
              + " numbers, but was given "
              + values.length);
    }
    long[] all = new long[fields.size()];
    for (int i = 0; i < all.length; i++) {
      Field field = fields.get(i);
      all[i] = i < values.length ? field.check(values[i]) : field.simplest();
    }
    return new Event(this, all);
  }
}
