package io.headway.testkit.check;

import io.headway.testkit.trace.TraceEvent;
import io.headway.testkit.trace.TraceReader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Traces in short: one record per line, {@code TYPE field=value ...}. A list is written {@code
 * [a,b]}, numbers in claims and pools as {@code {name:1}}, a row of a batch as {@code
 * request:start+tokens} followed by {@code p}, {@code d} or {@code v}{@code drafts} and perhaps
 * {@code #slot}, {@code *pending} or {@code !draftId!draftId}, a candidate as {@code
 * instance/field:value/...}. {@code 9x IDLE} stands for nine records. Lines that begin with {@code
 * #} say what a trace is about.
 */
final class Lines {
  private static final List<String> TEXT_LISTS =
      List.of("order", "rules", "content", "keys", "fallbacks");

  private static final Pattern TIMES = Pattern.compile("(\\d+)x (.*)");

  private Lines() {}

  static List<TraceEvent> trace(String text) {
    return TraceReader.parse(
        "trace",
        text.lines()
            .map(String::strip)
            .filter(line -> !line.isEmpty() && !line.startsWith("#"))
            .map(Lines::record)
            .collect(Collectors.joining("\n")));
  }

  private static String record(String line) {
    Matcher times = TIMES.matcher(line);
    return times.matches()
        ? String.join(
            "\n", Collections.nCopies(Integer.parseInt(times.group(1)), json(times.group(2))))
        : json(line);
  }

  private static String json(String line) {
    String[] words = line.split(" +");
    List<String> fields = new ArrayList<>();
    fields.add("\"type\":\"" + words[0] + "\"");
    for (String word : Arrays.asList(words).subList(1, words.length)) {
      int at = word.indexOf('=');
      String name = word.substring(0, at);
      fields.add("\"" + name + "\":" + value(name, word.substring(at + 1)));
    }
    return "{" + String.join(",", fields) + "}";
  }

  private static String value(String name, String text) {
    if (name.equals("batch")) {
      return list(text, Lines::row);
    }
    if (name.equals("candidates")) {
      return list(text, Lines::candidate);
    }
    if (text.startsWith("{")) {
      return "{"
          + Arrays.stream(text.substring(1, text.length() - 1).split(","))
              .map(pair -> "\"" + pair.split(":")[0] + "\":" + pair.split(":")[1])
              .collect(Collectors.joining(","))
          + "}";
    }
    if (text.startsWith("[")) {
      return list(text, TEXT_LISTS.contains(name) ? each -> "\"" + each + "\"" : each -> each);
    }
    return scalar(text);
  }

  private static String list(String text, UnaryOperator<String> element) {
    String inner = text.substring(1, text.length() - 1);
    return inner.isEmpty()
        ? "[]"
        : Arrays.stream(inner.split(",")).map(element).collect(Collectors.joining(",", "[", "]"));
  }

  private static String scalar(String text) {
    return text.matches("-?\\d+(\\.\\d+)?|true|false") ? text : "\"" + text + "\"";
  }

  private static String row(String text) {
    Matcher m =
        Pattern.compile(
                "(\\w+)(?::(\\d+)\\+(-?\\d+))?([pdv])?(\\d+)?(?:#(-?\\d+))?(?:\\*(-?\\d+))?((?:!-?\\d+)*)")
            .matcher(text);
    if (!m.matches()) {
      throw new IllegalArgumentException("row " + text);
    }
    StringBuilder out = new StringBuilder("{\"r\":\"" + m.group(1) + "\"");
    if (m.group(2) != null) {
      out.append(",\"start\":").append(m.group(2)).append(",\"n\":").append(m.group(3));
    }
    if (m.group(4) != null) {
      String kind =
          switch (m.group(4)) {
            case "p" -> "prefill";
            case "d" -> "decode";
            default -> "verify";
          };
      out.append(",\"kind\":\"").append(kind).append("\"");
    }
    if (m.group(5) != null) {
      out.append(",\"drafts\":").append(m.group(5));
    }
    if (m.group(6) != null) {
      out.append(",\"slot\":").append(m.group(6));
    }
    if (m.group(7) != null) {
      out.append(",\"pending\":").append(m.group(7));
    }
    if (!m.group(8).isEmpty()) {
      out.append(",\"draftIds\":[").append(m.group(8).substring(1).replace('!', ',')).append("]");
    }
    return out.append("}").toString();
  }

  private static String candidate(String text) {
    String[] parts = text.split("/");
    StringBuilder out = new StringBuilder("{\"instance\":\"" + parts[0] + "\"");
    for (int i = 1; i < parts.length; i++) {
      out.append(",\"")
          .append(parts[i].split(":")[0])
          .append("\":")
          .append(scalar(parts[i].split(":")[1]));
    }
    return out.append("}").toString();
  }
}
