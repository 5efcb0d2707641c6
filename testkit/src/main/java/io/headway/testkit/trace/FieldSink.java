package io.headway.testkit.trace;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Takes the fields of one record in their written order; a null value is left out. */
public interface FieldSink {
  /**
   * Takes a text.
   *
   * @param name name of the field
   * @param value its value, or null if it is absent
   */
  void text(String name, @Nullable String value);

  /**
   * Takes a whole number.
   *
   * @param name name of the field
   * @param value its value, or null if it is absent
   */
  void number(String name, @Nullable Long value);

  /**
   * Takes a truth value.
   *
   * @param name name of the field
   * @param value its value, or null if it is absent
   */
  void flag(String name, @Nullable Boolean value);

  /**
   * Takes a number.
   *
   * @param name name of the field
   * @param value its value, or null if it is absent
   */
  void decimal(String name, @Nullable Double value);

  /**
   * Takes an array of texts.
   *
   * @param name name of the field
   * @param value its value, or null if it is absent
   */
  void texts(String name, @Nullable List<String> value);

  /**
   * Takes an array of whole numbers.
   *
   * @param name name of the field
   * @param value its value, or null if it is absent
   */
  void numbers(String name, @Nullable List<Long> value);

  /**
   * Takes an object of numbers.
   *
   * @param name name of the field
   * @param value its value, or null if it is absent
   */
  void decimals(String name, @Nullable Map<String, Double> value);

  /**
   * Takes an array of objects.
   *
   * @param name name of the field
   * @param value its value, or null if it is absent
   */
  void objects(String name, @Nullable List<? extends Part> value);

  /** A part of a record that is written as an object. */
  interface Part {
    /**
     * Gives all fields to a sink.
     *
     * @param out the sink
     */
    void write(FieldSink out);
  }
}
