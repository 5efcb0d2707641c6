package io.headway.testkit.scenario;

import io.headway.api.Invariant;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * Collects what one run of a scenario shows. A driver says where it is and what it saw; of several
 * violations of one rule by one kind of thing the first counts. Not thread-safe.
 */
public final class Observations {
  private final boolean detailed;
  private final List<Violation> violations = new ArrayList<>();

  /** Counters, changed in place since there are many changes. */
  private final Map<Invariant, long[]> exercised = new EnumMap<>(Invariant.class);

  private final Map<String, Integer> labels = new TreeMap<>();
  private final List<Moment> moments = new ArrayList<>();
  private final StringBuilder trace = new StringBuilder();
  private int event;
  private long step;

  /**
   * Starts a collection.
   *
   * @param detailed whether to keep lines and a digest for reports
   */
  public Observations(boolean detailed) {
    this.detailed = detailed;
  }

  /**
   * Returns whether lines and a digest are kept.
   *
   * @return true if it is worth making them
   */
  public boolean detailed() {
    return detailed;
  }

  /**
   * Says which event is being played from here on.
   *
   * @param position of the event; the number of events while draining
   */
  public void event(int position) {
    event = position;
  }

  /**
   * Says which decision is the latest from here on.
   *
   * @param decision its number
   */
  public void step(long decision) {
    step = decision;
  }

  /**
   * Counts that a rule could have been broken.
   *
   * @param invariant the rule
   */
  public void exercised(Invariant invariant) {
    exercised(invariant, 1);
  }

  /**
   * Counts that a rule could have been broken several times.
   *
   * @param invariant the rule
   * @param times how often, at least 0
   */
  public void exercised(Invariant invariant, long times) {
    if (times > 0) {
      exercised.computeIfAbsent(invariant, rule -> new long[1])[0] += times;
    }
  }

  /**
   * Records that a rule was broken.
   *
   * @param invariant the rule
   * @param entity kind of thing that broke it
   * @param sentence what happened
   * @param expected what would have been right, or empty
   */
  public void violated(Invariant invariant, String entity, String sentence, String expected) {
    Violation violation = new Violation(invariant, entity, event, step, sentence, expected);
    for (Violation known : violations) {
      if (known.sameTarget(violation)) {
        return;
      }
    }
    violations.add(violation);
  }

  /**
   * Counts that a rule could have been broken, and records it if it was.
   *
   * @param holds whether the rule holds
   * @param invariant the rule
   * @param entity kind of thing it is about
   * @param sentence what happened, if it does not hold
   */
  public void check(boolean holds, Invariant invariant, String entity, String sentence) {
    exercised(invariant);
    if (!holds) {
      violated(invariant, entity, sentence, "");
    }
  }

  /**
   * Counts that a rule could have been broken, and records it if it was.
   *
   * @param holds whether the rule holds
   * @param invariant the rule
   * @param entity kind of thing it is about
   * @param sentence says what happened; asked only if the rule does not hold
   */
  public void check(boolean holds, Invariant invariant, String entity, Supplier<String> sentence) {
    exercised(invariant);
    if (!holds) {
      violated(invariant, entity, sentence.get(), "");
    }
  }

  /**
   * Returns whether a rule was broken.
   *
   * @return true after the first violation
   */
  public boolean anyViolation() {
    return !violations.isEmpty();
  }

  /**
   * Counts a kind of situation.
   *
   * @param label its name
   */
  public void label(String label) {
    labels.merge(label, 1, Integer::sum);
  }

  /**
   * Keeps a line for reports.
   *
   * @param text what happened
   * @param running who runs afterwards
   * @param free what is free afterwards, or empty
   * @param note what is worth saying, or empty
   */
  public void line(String text, String running, String free, String note) {
    if (detailed) {
      moments.add(new Moment(event, step, text, running, free, note));
    }
  }

  /**
   * Adds a line to the trace whose digest identifies the run.
   *
   * @param text the line
   */
  public void trace(CharSequence text) {
    if (detailed) {
      trace.append(text).append('\n');
    }
  }

  /**
   * Ends the collection.
   *
   * @return what was seen
   */
  public Outcome outcome() {
    Map<Invariant, Long> counts = new EnumMap<>(Invariant.class);
    exercised.forEach((rule, times) -> counts.put(rule, times[0]));
    return new Outcome(violations, counts, labels, moments, detailed ? sha256(trace) : "");
  }

  private static String sha256(CharSequence text) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      return HexFormat.of()
          .formatHex(digest.digest(text.toString().getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
