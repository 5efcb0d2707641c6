package io.headway.cli;

import io.headway.api.Decision;
import io.headway.api.config.Parameter;
import io.headway.api.config.PolicyProvider;
import io.headway.api.config.PolicyRegistry;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code headway policies}: lists every policy by decision, or shows one with all its parameters.
 */
@Command(
    name = "policies",
    mixinStandardHelpOptions = true,
    description = {
      "Lists every policy by the decision it takes: id, one line, parameters with defaults.",
      "With an ID, shows that policy in full: source, and every parameter with range, unit and meaning.",
      "The pages in docs/policies say when to use which, and what is proved about it."
    })
final class PoliciesCommand implements Callable<Integer> {
  @Parameters(arity = "0..1", paramLabel = "ID", description = "A policy to show in full.")
  private @Nullable String id;

  @Option(
      names = "--decision",
      paramLabel = "D",
      description = "Only policies for this decision, such as batching or routing.")
  private @Nullable String decision;

  @Option(
      names = "--markdown",
      description = "With an ID: prints the table of parameters as it stands in docs/policies.")
  private boolean markdown;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    PolicyRegistry registry = PolicyRegistry.discover(PoliciesCommand.class.getClassLoader());
    PrintWriter out = spec.commandLine().getOut();
    registry
        .problems()
        .forEach(
            problem ->
                spec.commandLine()
                    .getErr()
                    .println("headway policies: a catalogue cannot be loaded: " + problem));
    List<Decision> decisions =
        decision == null ? List.of(Decision.values()) : List.of(named(decision));
    if (id == null && markdown) {
      throw new BadInputException("--markdown needs the ID of a policy, such as sarathi-serve");
    }
    if (id != null) {
      show(found(registry, id, decisions), out);
    } else {
      list(registry, decisions, out);
    }
    out.flush();
    return Main.OK;
  }

  private static void list(PolicyRegistry registry, List<Decision> decisions, PrintWriter out) {
    for (Decision each : decisions) {
      List<PolicyProvider> providers = registry.providers(each);
      if (providers.isEmpty()) {
        continue;
      }
      out.println(word(each));
      for (PolicyProvider provider : providers) {
        out.println("  " + provider.id());
        out.println("      " + provider.summary());
        out.println("      " + provider.source());
        StringBuilder parameters = new StringBuilder();
        for (Parameter parameter : provider.parameters().list()) {
          parameters
              .append(parameters.length() == 0 ? "" : ", ")
              .append(parameter.name())
              .append('=')
              .append(parameter.defaultText());
          if (!parameter.unit().isEmpty()) {
            parameters.append(' ').append(parameter.unit());
          }
        }
        if (parameters.length() > 0) {
          out.println("      " + parameters);
        }
      }
      out.println();
    }
    out.println(
        "Show one in full: headway policies ID. Use one: headway compare --batching ID:parameter=value");
  }

  private static List<PolicyProvider> found(
      PolicyRegistry registry, String wanted, List<Decision> decisions) {
    List<PolicyProvider> found = new ArrayList<>();
    List<Decision> offered = new ArrayList<>();
    for (Decision each : decisions) {
      for (PolicyProvider provider : registry.providers(each)) {
        if (provider.id().equals(wanted)) {
          found.add(provider);
        }
        if (!offered.contains(each)) {
          offered.add(each);
        }
      }
    }
    if (found.isEmpty()) {
      throw new BadInputException(unknown(registry, wanted, offered));
    }
    return found;
  }

  private void show(List<PolicyProvider> found, PrintWriter out) {
    for (PolicyProvider provider : found) {
      if (markdown) {
        out.print(markdown(provider));
      } else {
        show(provider, out);
      }
    }
  }

  private static void show(PolicyProvider provider, PrintWriter out) {
    out.println(provider.id() + " (" + word(provider.decision()) + ")");
    out.println("  " + provider.summary());
    out.println("  source: " + provider.source());
    out.println(provider.parameters().list().isEmpty() ? "  no parameters" : "  parameters:");
    for (Parameter parameter : provider.parameters().list()) {
      out.println(
          "    "
              + parameter.name()
              + "="
              + parameter.defaultText()
              + (parameter.unit().isEmpty() ? "" : " " + parameter.unit()));
      out.println("        " + parameter.explanation() + "; " + allowed(parameter));
    }
    out.println();
  }

  /** The decision, then one row per parameter; what would end a cell is escaped. */
  private static String markdown(PolicyProvider provider) {
    StringBuilder text = new StringBuilder();
    text.append("Decision: ").append(word(provider.decision())).append(".\n\n");
    if (provider.parameters().list().isEmpty()) {
      return text.append("No parameters.\n\n").toString();
    }
    text.append("| parameter | default | unit | allowed | meaning |\n");
    text.append("| --- | --- | --- | --- | --- |\n");
    for (Parameter parameter : provider.parameters().list()) {
      text.append("| `").append(parameter.name()).append("` | ");
      text.append(
          parameter.defaultText().isEmpty()
              ? "none"
              : "`" + parameter.defaultText().replace("|", "\\|") + "`");
      text.append(" | ").append(parameter.unit()).append(" | ");
      text.append(allowed(parameter)).append(" | ");
      text.append(parameter.explanation().replace("|", "\\|")).append(" |\n");
    }
    return text.append('\n').toString();
  }

  /**
   * The registry hints at a name within one decision; here no decision was meant in particular, so
   * the first hint is given with its own.
   */
  private static String unknown(PolicyRegistry registry, String wanted, List<Decision> decisions) {
    String hint = "";
    for (Decision each : decisions) {
      try {
        registry.provider(each, wanted);
      } catch (IllegalArgumentException e) {
        String message = Failure.messageOf(e);
        int from = message.indexOf("; did you mean '");
        int to = message.indexOf("'?", from);
        if (from >= 0 && to >= 0 && hint.isEmpty()) {
          hint = message.substring(from, to) + "'? (" + word(each) + ")";
        }
      }
    }
    return "unknown policy '" + wanted + "'" + hint + "; 'headway policies' lists all";
  }

  private static String allowed(Parameter parameter) {
    String minimum =
        parameter.minimum() == Double.NEGATIVE_INFINITY
            ? ""
            : CommandText.number(parameter.minimum());
    String maximum =
        parameter.maximum() == Double.POSITIVE_INFINITY
            ? ""
            : CommandText.number(parameter.maximum());
    return switch (parameter.type()) {
      case INT, LONG, DOUBLE -> {
        String kind = parameter.type() == Parameter.Type.DOUBLE ? "a number" : "a whole number";
        yield kind
            + (minimum.isEmpty() ? "" : " from " + minimum)
            + (maximum.isEmpty() ? "" : " to " + maximum);
      }
      case BOOLEAN -> "true or false";
      case CHOICE -> "one of " + String.join(", ", parameter.choices());
      case POLICY -> "a policy string, in parentheses if it has arguments";
      case TEXT -> "text";
    };
  }

  private static Decision named(String text) {
    for (Decision each : Decision.values()) {
      if (word(each).equals(text.toLowerCase(Locale.ROOT).replace('-', ' '))) {
        return each;
      }
    }
    List<String> words = new ArrayList<>();
    for (Decision each : Decision.values()) {
      words.add(word(each).replace(' ', '-'));
    }
    throw new BadInputException(
        "--decision must be one of " + String.join(", ", words) + ", but was '" + text + "'");
  }

  private static String word(Decision decision) {
    return decision.name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }
}
