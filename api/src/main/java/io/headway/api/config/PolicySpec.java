package io.headway.api.config;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;

/**
 * A policy as users write it: {@code name} or {@code name:key=value,key=value}. A value that itself
 * holds {@code ,}, {@code =} or {@code :} stands in parentheses, as in {@code
 * compose:order=(vtc:outputPrice=2)}. Immutable.
 *
 * @param name the policy's id
 * @param arguments the values given, in the order written; parentheses removed
 */
public record PolicySpec(String name, Map<String, String> arguments) {
  /** Longest accepted policy string, in characters. */
  public static final int MAX_LENGTH = 4096;

  /** Deepest accepted nesting of parentheses. */
  public static final int MAX_DEPTH = 8;

  public PolicySpec {
    requireName("policy name", name);
    arguments =
        Collections.unmodifiableMap(new LinkedHashMap<>(requireNonNull(arguments, "arguments")));
  }

  /**
   * Reads one policy string.
   *
   * @param text as written by a user
   * @return its parts
   * @throws IllegalArgumentException if it is too long, malformed or names an argument twice,
   *     saying what would be right
   */
  public static PolicySpec parse(String text) {
    requireLength(text);
    String trimmed = text.strip();
    int colon = trimmed.indexOf(':');
    if (colon < 0) {
      return new PolicySpec(trimmed, Map.of());
    }
    Map<String, String> arguments = new LinkedHashMap<>();
    for (String argument : split(trimmed.substring(colon + 1), text)) {
      int equals = argument.indexOf('=');
      if (equals < 1 || equals == argument.length() - 1) {
        throw malformed(text, "'" + argument + "' is not key=value");
      }
      String key = argument.substring(0, equals).strip();
      String value = argument.substring(equals + 1).strip();
      if (value.length() >= 2
          && value.charAt(0) == '('
          && value.charAt(value.length() - 1) == ')') {
        value = value.substring(1, value.length() - 1);
      }
      requireName("argument name", key);
      if (arguments.putIfAbsent(key, value) != null) {
        throw malformed(text, "'" + key + "' is given twice");
      }
    }
    return new PolicySpec(trimmed.substring(0, colon), arguments);
  }

  /**
   * Reads a comma-separated list of policy strings. A part without a colon but with an equals sign
   * continues the arguments of the policy before it, so {@code
   * vtc,vllm-v1:tokenBudget=512,policy=priority} is two policies.
   *
   * @param text as written by a user
   * @return at least one policy
   * @throws IllegalArgumentException if a part is malformed or the list is empty
   */
  public static List<PolicySpec> parseList(String text) {
    requireLength(text);
    List<String> joined = new ArrayList<>();
    for (String part : split(text, text)) {
      int equals = part.indexOf('=');
      int colon = part.indexOf(':');
      boolean continues = equals >= 0 && (colon < 0 || equals < colon);
      if (continues && !joined.isEmpty()) {
        int last = joined.size() - 1;
        String separator = joined.get(last).indexOf(':') < 0 ? ":" : ",";
        joined.set(last, joined.get(last) + separator + part);
      } else {
        joined.add(part);
      }
    }
    List<PolicySpec> specs = new ArrayList<>();
    for (String one : joined) {
      specs.add(parse(one));
    }
    return List.copyOf(specs);
  }

  /**
   * Returns a copy with one more argument, unless it is given already.
   *
   * @param key the parameter
   * @param value its value
   * @return this, or a copy with the argument added
   */
  public PolicySpec withDefault(String key, String value) {
    if (arguments.containsKey(key)) {
      return this;
    }
    Map<String, String> more = new LinkedHashMap<>(arguments);
    more.put(key, value);
    return new PolicySpec(name, more);
  }

  /**
   * Returns the policy string: what {@link #parse} reads back to an equal value.
   *
   * @return for example {@code sarathi-serve:tokenBudget=512}
   */
  @Override
  public String toString() {
    if (arguments.isEmpty()) {
      return name;
    }
    StringJoiner joined = new StringJoiner(",", name + ":", "");
    arguments.forEach(
        (key, value) -> {
          boolean bare =
              value.indexOf(',') < 0
                  && value.indexOf('=') < 0
                  && value.indexOf(':') < 0
                  && value.indexOf('(') < 0;
          joined.add(key + "=" + (bare ? value : "(" + value + ")"));
        });
    return joined.toString();
  }

  static void requireName(String what, String name) {
    requireNonNull(name, what);
    boolean ok = !name.isEmpty() && name.length() <= 64;
    for (int i = 0; ok && i < name.length(); i++) {
      char c = name.charAt(i);
      ok =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || c == '-'
              || c == '.';
    }
    if (!ok) {
      throw new IllegalArgumentException(
          what
              + " must have 1 to 64 letters, digits, '-' or '.', but was '"
              + (name.length() > 64 ? name.substring(0, 64) + "…" : name)
              + "'");
    }
  }

  private static void requireLength(String text) {
    requireNonNull(text, "text");
    if (text.length() > MAX_LENGTH) {
      throw new IllegalArgumentException(
          "policy string must have at most "
              + MAX_LENGTH
              + " characters, but has "
              + text.length());
    }
  }

  /** Splits at commas outside parentheses. */
  private static List<String> split(String list, String whole) {
    List<String> parts = new ArrayList<>();
    int depth = 0;
    int start = 0;
    for (int i = 0; i <= list.length(); i++) {
      char c = i == list.length() ? ',' : list.charAt(i);
      if (c == '(' && ++depth > MAX_DEPTH) {
        throw malformed(whole, "parentheses are nested deeper than " + MAX_DEPTH);
      } else if (c == ')' && --depth < 0) {
        throw malformed(whole, "a ')' has no '('");
      } else if (c == ',' && (depth == 0 || i == list.length())) {
        if (depth != 0) {
          throw malformed(whole, "a '(' is not closed");
        }
        String part = list.substring(start, i).strip();
        if (part.isEmpty()) {
          throw malformed(whole, "an entry is empty");
        }
        parts.add(part);
        start = i + 1;
      }
    }
    return parts;
  }

  private static IllegalArgumentException malformed(String text, String why) {
    return new IllegalArgumentException(
        "malformed policy string '"
            + text
            + "': "
            + why
            + "; write name or name:key=value,key=value");
  }
}
