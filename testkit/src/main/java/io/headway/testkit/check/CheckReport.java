package io.headway.testkit.check;

import io.headway.api.Invariant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/**
 * What a check of a trace found: one verdict per rule, by number.
 *
 * @param verdicts the verdicts
 */
public record CheckReport(List<Verdict> verdicts) {
  /** Copies the list. */
  public CheckReport {
    verdicts = List.copyOf(verdicts);
  }

  /**
   * Returns the verdict on a rule.
   *
   * @param invariant the rule
   * @return its verdict
   * @throws IllegalArgumentException if the rule was not checked
   */
  public Verdict verdict(Invariant invariant) {
    return verdicts.stream()
        .filter(v -> v.invariant() == invariant)
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    invariant.code() + " was not among the rules checked"));
  }

  /**
   * Returns the violations, one per broken rule, the earliest first.
   *
   * @return the first violation of each rule
   */
  public List<Violation> violations() {
    return verdicts.stream()
        .map(Verdict::violation)
        .flatMap(Optional::stream)
        .sorted(Comparator.comparingLong(Violation::line).thenComparing(Violation::invariant))
        .toList();
  }

  /**
   * Returns the rules among those claimed that were never put to the test: they were not violated,
   * but did not convince either, so whoever claims them has shown nothing.
   *
   * @param claimed rules that are claimed to hold
   * @return the vacuous ones, by number
   */
  public List<Verdict> vacuous(Collection<Invariant> claimed) {
    return verdicts.stream()
        .filter(v -> claimed.contains(v.invariant()))
        .filter(v -> v.kind() != Verdict.Kind.VIOLATED && !v.convincing())
        .toList();
  }

  /**
   * Returns what a spoilt checker would have reported instead.
   *
   * @param invariant the rule whose checker is spoilt
   * @param how in which way
   * @return this report with the one verdict spoilt
   */
  public CheckReport perverted(Invariant invariant, Perversion how) {
    return new CheckReport(
        verdicts.stream().map(v -> v.invariant() == invariant ? how.apply(v) : v).toList());
  }

  /** Joins the verdicts on one rule over two schedulers: the worse kind, with sums of counts. */
  static Verdict worse(Verdict a, Verdict b) {
    boolean inOrder = a.kind().compareTo(b.kind()) <= 0;
    Verdict worse = inOrder ? a : b;
    Verdict better = inOrder ? b : a;
    if (worse.kind() == Verdict.Kind.UNKNOWN && worse.exercised() == 0 && better.exercised() > 0) {
      // The rule does not concern the one scheduler at all.
      worse = better;
    }
    TreeSet<String> missing = new TreeSet<>(worse.missing());
    if (worse.kind() == Verdict.Kind.UNKNOWN) {
      missing.addAll(better.missing());
    }
    return new Verdict(
        worse.invariant(),
        worse.kind(),
        a.exercised() + b.exercised(),
        new ArrayList<>(missing),
        worse.detail(),
        worse.violation(),
        a.violations() + b.violations());
  }
}
