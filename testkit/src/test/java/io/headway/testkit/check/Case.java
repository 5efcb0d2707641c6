package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** One trace of {@code cases.txt} and what a rule must say of it. */
record Case(
    Invariant invariant,
    Verdict.Kind kind,
    int line,
    long exercised,
    String text,
    List<TraceEvent> trace) {
  private static final Pattern HEADER =
      Pattern.compile("(INV-\\d\\d) ([A-Z]+)(?:@(\\d+))?(?: x(\\d+)$)? ?(.*)", Pattern.DOTALL);

  static List<Case> all() {
    List<Case> cases = new ArrayList<>();
    for (String block : resource().split("(?m)^== ")) {
      if (block.startsWith("INV-")) {
        int end = block.indexOf('\n');
        Matcher m = HEADER.matcher(block.substring(0, end).strip());
        if (!m.matches()) {
          throw new IllegalStateException("header " + block.substring(0, end));
        }
        cases.add(
            new Case(
                Arrays.stream(Invariant.values())
                    .filter(i -> i.code().equals(m.group(1)))
                    .findFirst()
                    .orElseThrow(),
                Verdict.Kind.valueOf(m.group(2)),
                m.group(3) == null ? 0 : Integer.parseInt(m.group(3)),
                m.group(4) == null ? -1 : Long.parseLong(m.group(4)),
                m.group(5),
                Lines.trace(block.substring(end))));
      }
    }
    return cases;
  }

  private static String resource() {
    try (InputStream in = Case.class.getResourceAsStream("cases.txt")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Says how a verdict differs from what it must be; empty if it does not. */
  String difference(Verdict verdict) {
    List<String> differences = new ArrayList<>();
    if (verdict.kind() != kind) {
      differences.add("is " + verdict);
    }
    if (kind == Verdict.Kind.UNKNOWN && !verdict.missing().contains(text)) {
      differences.add("misses " + verdict.missing());
    }
    if (kind != Verdict.Kind.UNKNOWN && !verdict.detail().contains(text)) {
      differences.add("says " + verdict.detail());
    }
    if (line > 0 && verdict.violation().map(Violation::line).orElse(0L) != line) {
      differences.add("is at " + verdict.violation());
    }
    if (exercised >= 0 && verdict.exercised() != exercised) {
      differences.add("was exercised " + verdict.exercised() + " times");
    }
    return String.join("; ", differences);
  }

  @Override
  public String toString() {
    return invariant.code() + " " + kind + " " + text;
  }
}
