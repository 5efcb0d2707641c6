package io.headway.runtime;

import io.headway.api.Claims;
import java.util.OptionalDouble;

/** Builds one JSON object at a time in a reused buffer. */
final class JsonLine {
  private static final char[] HEX = "0123456789abcdef".toCharArray();

  private final StringBuilder text = new StringBuilder(256);
  private final DecisionLog log;
  private final String on;
  private boolean first;

  /** Creates lines whose {@code on} is the given name, if it is not empty. */
  JsonLine(DecisionLog log, String on) {
    this.log = log;
    this.on = on;
  }

  JsonLine begin(String type, long nowNanos) {
    text.setLength(0);
    text.append('{');
    first = true;
    string("type", type).number("now", nowNanos);
    return on.isEmpty() ? this : string("on", on);
  }

  JsonLine string(String name, String value) {
    name(name);
    quote(value);
    return this;
  }

  JsonLine number(String name, long value) {
    name(name);
    text.append(value);
    return this;
  }

  /** Writes a finite number; JSON has no others, so they are left out. */
  JsonLine decimal(String name, double value) {
    if (Double.isFinite(value)) {
      name(name);
      text.append(value);
    }
    return this;
  }

  JsonLine flag(String name, boolean value) {
    name(name);
    text.append(value);
    return this;
  }

  JsonLine openArray(String name) {
    name(name);
    text.append('[');
    first = true;
    return this;
  }

  JsonLine element(long value) {
    comma();
    text.append(value);
    return this;
  }

  JsonLine element(String value) {
    comma();
    quote(value);
    return this;
  }

  /** Writes a key as text: readers of JSON may hold numbers of 53 bits only. */
  JsonLine hexElement(long value) {
    comma();
    text.append('"');
    for (int shift = 60; shift >= 0; shift -= 4) {
      text.append(HEX[(int) (value >>> shift) & 15]);
    }
    text.append('"');
    return this;
  }

  JsonLine openObject(String name) {
    name(name);
    text.append('{');
    first = true;
    return this;
  }

  JsonLine openElement() {
    comma();
    text.append('{');
    first = true;
    return this;
  }

  JsonLine closeElement() {
    text.append('}');
    first = false;
    return this;
  }

  JsonLine closeArray() {
    text.append(']');
    first = false;
    return this;
  }

  /** Writes what a policy promises, so that the log alone says what to check. */
  JsonLine claims(Claims claims) {
    openObject("claims");
    for (Claims.Bound bound : Claims.Bound.values()) {
      OptionalDouble value = claims.bound(bound);
      if (value.isPresent()) {
        decimal(camelCase(bound.name()), value.getAsDouble());
      }
    }
    return closeElement();
  }

  private static String camelCase(String constant) {
    StringBuilder name = new StringBuilder(constant.length());
    boolean capital = false;
    for (int i = 0; i < constant.length(); i++) {
      char c = constant.charAt(i);
      if (c != '_') {
        name.append(capital ? c : Character.toLowerCase(c));
      }
      capital = c == '_';
    }
    return name.toString();
  }

  void end() {
    text.append('}');
    log.line(text);
  }

  private void name(String name) {
    comma();
    text.append('"').append(name).append("\":");
  }

  private void comma() {
    if (!first) {
      text.append(',');
    }
    first = false;
  }

  private void quote(String value) {
    text.append('"');
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c == '"' || c == '\\') {
        text.append('\\').append(c);
      } else if (c < 0x20 || Character.isSurrogate(c)) {
        text.append("\\u")
            .append(HEX[c >> 12])
            .append(HEX[(c >> 8) & 15])
            .append(HEX[(c >> 4) & 15])
            .append(HEX[c & 15]);
      } else {
        text.append(c);
      }
    }
    text.append('"');
  }
}
