package io.headway.testkit.scenario;

/** A scenario file that is none, with the place and the rule it breaks. */
public final class ScenarioFormatException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  ScenarioFormatException(String message) {
    super(message);
  }
}
