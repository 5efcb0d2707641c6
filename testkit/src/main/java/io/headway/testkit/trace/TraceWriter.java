package io.headway.testkit.trace;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes records as JSON Lines. Fields keep their documented order, absent ones are left out. */
public final class TraceWriter implements TraceSink {
  private final Appendable out;

  /**
   * Creates a writer.
   *
   * @param out where the lines go; flushed and closed by the caller
   */
  public TraceWriter(Appendable out) {
    this.out = out;
  }

  @Override
  public void accept(TraceEvent event) {
    try {
      out.append(line(event)).append('\n');
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Writes one record as text.
   *
   * @param event the record
   * @return one JSON object, without line end
   */
  public static String line(TraceEvent event) {
    Text text = new Text();
    text.out.append('{');
    text.text("type", event.type());
    text.number("now", event.now());
    text.text("on", event.on().isEmpty() ? null : event.on());
    event.write(text);
    return text.out.append('}').toString();
  }

  private static final class Text implements FieldSink {
    private final StringBuilder out = new StringBuilder(128);

    @Override
    public void text(String name, @Nullable String value) {
      if (value != null) {
        quote(name(name), value);
      }
    }

    @Override
    public void number(String name, @Nullable Long value) {
      if (value != null) {
        name(name).append(value);
      }
    }

    @Override
    public void flag(String name, @Nullable Boolean value) {
      if (value != null) {
        name(name).append(value);
      }
    }

    @Override
    public void decimal(String name, @Nullable Double value) {
      if (value != null) {
        decimal(name(name), value);
      }
    }

    @Override
    public void texts(String name, @Nullable List<String> values) {
      if (values != null) {
        name(name).append('[');
        for (int i = 0; i < values.size(); i++) {
          quote(i > 0 ? out.append(',') : out, values.get(i));
        }
        out.append(']');
      }
    }

    @Override
    public void numbers(String name, @Nullable List<Long> values) {
      if (values != null) {
        name(name).append('[');
        for (int i = 0; i < values.size(); i++) {
          (i > 0 ? out.append(',') : out).append(values.get(i));
        }
        out.append(']');
      }
    }

    @Override
    public void decimals(String name, @Nullable Map<String, Double> values) {
      if (values != null) {
        name(name).append('{');
        values.forEach((key, value) -> decimal(name(key), value));
        out.append('}');
      }
    }

    @Override
    public void objects(String name, @Nullable List<? extends Part> values) {
      if (values != null) {
        name(name).append('[');
        for (int i = 0; i < values.size(); i++) {
          (i > 0 ? out.append(',') : out).append('{');
          values.get(i).write(this);
          out.append('}');
        }
        out.append(']');
      }
    }

    private StringBuilder name(String name) {
      char last = out.charAt(out.length() - 1);
      return quote(last == '{' ? out : out.append(','), name).append(':');
    }

    /** Writes a number as JSON has it, whole ones without a fraction. */
    private static void decimal(StringBuilder out, double value) {
      if (value == Math.rint(value) && Math.abs(value) < 1e15) {
        out.append((long) value);
      } else if (Double.isFinite(value)) {
        out.append(value);
      } else {
        out.append("null");
      }
    }

    private static StringBuilder quote(StringBuilder out, String value) {
      out.append('"');
      for (int i = 0; i < value.length(); i++) {
        char c = value.charAt(i);
        if (c == '"' || c == '\\') {
          out.append('\\').append(c);
        } else if (c < 0x20 || Character.isSurrogate(c)) {
          out.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
        } else {
          out.append(c);
        }
      }
      return out.append('"');
    }
  }
}
