package io.headway.testkit.scenario;

import io.headway.api.Invariant;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What one run of a scenario showed. Immutable. */
public final class Outcome {
  private final List<Violation> violations;
  private final Map<Invariant, Long> exercised;
  private final Map<String, Integer> labels;
  private final List<Moment> moments;
  private final String digest;

  Outcome(
      List<Violation> violations,
      Map<Invariant, Long> exercised,
      Map<String, Integer> labels,
      List<Moment> moments,
      String digest) {
    this.violations = List.copyOf(violations);
    this.exercised = Collections.unmodifiableMap(new EnumMap<>(exercised));
    this.labels = Collections.unmodifiableMap(new TreeMap<>(labels));
    this.moments = List.copyOf(moments);
    this.digest = digest;
  }

  /**
   * Returns the rules that were broken, in the order in which that was noticed.
   *
   * @return unmodifiable list
   */
  public List<Violation> violations() {
    return violations;
  }

  /**
   * Returns the first violation of a rule.
   *
   * @param invariant the rule
   * @return the violation, if it was broken
   */
  public Optional<Violation> violation(Invariant invariant) {
    return violations.stream().filter(v -> v.invariant() == invariant).findFirst();
  }

  /**
   * Returns how often each rule could have been broken: how often what it is about occurred.
   *
   * @return counts above 0
   */
  public Map<Invariant, Long> exercised() {
    return exercised;
  }

  /**
   * Returns what kinds of situation occurred.
   *
   * @return how often, by label, in order of the labels
   */
  public Map<String, Integer> labels() {
    return labels;
  }

  /**
   * Returns the run line by line.
   *
   * @return empty unless details were asked for
   */
  public List<Moment> moments() {
    return moments;
  }

  /**
   * Returns the SHA-256 of the trace.
   *
   * @return 64 hexadecimal digits; empty unless details were asked for
   */
  public String digest() {
    return digest;
  }
}
