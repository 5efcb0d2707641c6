package io.headway.testkit.mutant;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.headway.api.Invariant;
import io.headway.testkit.mutant.KillMatrix.Kill;
import io.headway.testkit.mutant.KillMatrix.MutantRow;
import io.headway.testkit.mutant.KillMatrix.ReferenceRow;
import io.headway.testkit.mutant.KillMatrix.RuleRow;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.StringJoiner;
import java.util.stream.Stream;

/** Writes a kill matrix as a page for people and as JSON for programs. */
public final class KillMatrixPage {
  private KillMatrixPage() {}

  /**
   * Writes both.
   *
   * @param matrix what to write
   * @param page Markdown file
   * @param json JSON file
   * @throws IOException if one cannot be written
   */
  public static void write(KillMatrix matrix, Path page, Path json) throws IOException {
    Files.writeString(page, markdown(matrix), StandardCharsets.UTF_8);
    Files.writeString(json, json(matrix), StandardCharsets.UTF_8);
  }

  /**
   * Makes the page.
   *
   * @param matrix what to write
   * @return Markdown
   */
  public static String markdown(KillMatrix matrix) {
    StringBuilder out = new StringBuilder();
    long named = matrix.mutants().stream().filter(MutantRow::named).count();
    long survivors = matrix.mutants().stream().filter(row -> !row.survived().isEmpty()).count();
    out.append(
        String.format(
            Locale.ROOT,
            """
            # Kill matrix

            Does the testkit find bugs? Small correct subjects have bugs planted in them that can be
            switched on one at a time: *mutants*. B-numbers are bugs that were really reported against
            public engines and gateways, with the report; H-numbers are our own, of the same families.
            Each mutant is attacked from %d seeds with at most %d scenarios each; each unmutated subject
            must pass %d scenarios. Nothing here depends on time or machine. Written by

                ./mvnw -Pmutants verify

            which fails if a mutant survives, a correct subject fails, or a rule finds no mutant before
            the other rules do: leaving it out would then change nothing here.

            | | |
            |---|---|
            | mutants | %d |
            | killed from every seed | %d |
            | killed from every seed by a rule named beforehand | %d |
            | correct subjects that pass | %d of %d |
            | rules that find a mutant before the others do | %d of %d |
            | scenario after shrinking, median | %d events, %d of them requests |

            """,
            matrix.seeds(),
            matrix.tries(),
            matrix.referenceTries(),
            matrix.mutants().size(),
            matrix.mutants().size() - survivors,
            named,
            matrix.references().stream().filter(row -> row.failure().isEmpty()).count(),
            matrix.references().size(),
            matrix.rules().stream().filter(RuleRow::noticed).count(),
            matrix.rules().size(),
            matrix.medianEvents(),
            matrix.medianRequests()));
    complaints(matrix, out);
    mutants(matrix, out);
    rules(matrix, out);
    references(matrix, out);
    return out.toString();
  }

  private static void complaints(KillMatrix matrix, StringBuilder out) {
    List<String> complaints = matrix.complaints();
    out.append("## What is missing\n\n");
    if (complaints.isEmpty()) {
      out.append("Nothing.\n\n");
      return;
    }
    complaints.forEach(complaint -> out.append("- ").append(cell(complaint)).append('\n'));
    out.append('\n');
  }

  private static void mutants(KillMatrix matrix, StringBuilder out) {
    out.append(
        """
        ## Mutants

        *Named*: the rules that the bug must break, the most important first. *Killed by*: the rule
        that was broken first, with the number of seeds. *Tries*: scenarios until then, median and
        maximum. *Small*: events and, of these, requests of the first seed's scenario after shrinking.

        | mutant | what is wrong | named | killed by | tries | small |
        |---|---|---|---|---|---|
        """);
    for (MutantRow row : matrix.mutants()) {
      Mutant mutant = row.mutant();
      StringJoiner by = new StringJoiner(", ");
      row.by().forEach((rule, seeds) -> by.add(number(rule) + " ×" + seeds));
      if (!row.survived().isEmpty()) {
        by.add("**survives ×" + row.survived().size() + "**");
      }
      out.append("| ").append(id(mutant));
      out.append(" | ").append(cell(mutant.title()));
      out.append(" | ").append(numbers(mutant.expected()));
      out.append(" | ").append(by);
      out.append(" | ").append(median(row.kills().stream().map(Kill::tries)));
      out.append(", ").append(row.kills().stream().mapToInt(Kill::tries).max().orElse(0));
      out.append(" | ");
      row.kills().stream()
          .filter(kill -> kill.events() > 0)
          .findFirst()
          .ifPresent(kill -> out.append(kill.events()).append(", ").append(kill.requests()));
      out.append(" |\n");
    }
    out.append('\n');
  }

  private static String id(Mutant mutant) {
    return mutant.source().startsWith("https://")
        ? "[" + mutant.id() + "](" + mutant.source() + ")"
        : mutant.id() + " (" + cell(mutant.source()) + ")";
  }

  private static void rules(KillMatrix matrix, StringBuilder out) {
    out.append(
        """
        ## Rules

        *Kills*: mutants that the rule killed first in some attack. *Needed for*: a mutant of these
        that survives the first seed's attack if breaches of this rule are not reported. *Exercised*:
        how often correct subjects could have broken it, so that a rule that always complained, or
        never counted, would be noticed, too.

        | rule | kills | needed for | exercised |
        |---|---|---|---|
        """);
    for (RuleRow row : matrix.rules()) {
      out.append("| ").append(row.rule().code()).append(' ').append(row.rule().title());
      out.append(" | ").append(String.join(", ", row.kills()));
      out.append(" | ").append(String.join(", ", row.survivors()));
      out.append(" | ").append(row.exercised()).append(" |\n");
    }
    out.append('\n');
  }

  private static void references(KillMatrix matrix, StringBuilder out) {
    out.append("## Correct subjects\n\n| subject | scenarios | |\n|---|---|---|\n");
    for (ReferenceRow row : matrix.references()) {
      out.append("| ").append(cell(row.reference().name()));
      out.append(" | ").append(row.tries());
      out.append(" | ");
      out.append(
          row.failure().map(f -> "fails: " + cell(f.violation().toString())).orElse("passes"));
      out.append(" |\n");
    }
  }

  private static String number(Invariant rule) {
    return rule.code().substring("INV-".length());
  }

  private static String numbers(List<Invariant> rules) {
    StringJoiner all = new StringJoiner(", ");
    rules.forEach(rule -> all.add(number(rule)));
    return all.toString();
  }

  private static int median(Stream<Integer> values) {
    return KillMatrix.median(values.toList());
  }

  private static String cell(String text) {
    return text.replace("|", "\\|").replace('\n', ' ');
  }

  /**
   * Makes the JSON.
   *
   * @param matrix what to write
   * @return one object, indented
   * @throws IOException never in practice: it is written to memory
   */
  public static String json(KillMatrix matrix) throws IOException {
    ObjectMapper mapper = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
    ObjectNode root = mapper.createObjectNode();
    root.put("schema", 1);
    root.put("seeds", matrix.seeds());
    root.put("tries", matrix.tries());
    root.put("referenceTries", matrix.referenceTries());
    root.put("medianEvents", matrix.medianEvents());
    root.put("medianRequests", matrix.medianRequests());
    ArrayNode mutants = root.putArray("mutants");
    matrix.mutants().forEach(row -> mutant(row, mutants.addObject()));
    ArrayNode rules = root.putArray("rules");
    for (RuleRow row : matrix.rules()) {
      ObjectNode rule = rules.addObject();
      rule.put("rule", row.rule().code());
      row.kills().forEach(rule.putArray("kills")::add);
      row.survivors().forEach(rule.putArray("neededFor")::add);
      rule.put("exercised", row.exercised());
    }
    ArrayNode references = root.putArray("references");
    for (ReferenceRow row : matrix.references()) {
      ObjectNode reference = references.addObject();
      reference.put("name", row.reference().name());
      reference.put("tries", row.tries());
      row.failure().ifPresent(f -> reference.put("failure", f.violation().toString()));
    }
    return mapper.writeValueAsString(root) + "\n";
  }

  private static void mutant(MutantRow row, ObjectNode out) {
    Mutant mutant = row.mutant();
    out.put("id", mutant.id());
    out.put("title", mutant.title());
    out.put("source", mutant.source());
    codes(mutant.expected(), out.putArray("expected"));
    ArrayNode kills = out.putArray("kills");
    for (Kill kill : row.kills()) {
      ObjectNode each = kills.addObject();
      each.put("seed", kill.seed());
      each.put("tries", kill.tries());
      each.put("by", kill.by().code());
      codes(kill.also(), each.putArray("also"));
      each.put("namedTries", kill.namedTries());
      each.put("events", kill.events());
      each.put("requests", kill.requests());
    }
    ArrayNode survived = out.putArray("survived");
    row.survived().forEach(survived::add);
  }

  private static void codes(List<Invariant> rules, ArrayNode out) {
    rules.forEach(rule -> out.add(rule.code()));
  }
}
