package io.headway.cli;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a duration such as {@code 500ms}, {@code 2s} or {@code 1.5s} as nanoseconds. */
final class TimeConverter implements ITypeConverter<Long> {
  private static final Pattern TIME = Pattern.compile("(\\d{1,12}(?:\\.\\d{1,9})?)(ns|us|ms|s)");

  /** Made by picocli. */
  TimeConverter() {}

  @Override
  public Long convert(String text) {
    Matcher matcher = TIME.matcher(text);
    double unit =
        !matcher.matches()
            ? 0
            : switch (matcher.group(2)) {
              case "ns" -> 1;
              case "us" -> 1e3;
              case "ms" -> 1e6;
              default -> 1e9;
            };
    double nanos = unit == 0 ? 0 : Double.parseDouble(matcher.group(1)) * unit;
    if (!(nanos >= 1 && nanos < 9e18)) {
      throw new TypeConversionException(
          "must be a time above 0 such as 500ms or 2s, but was '" + text + "'");
    }
    return Math.round(nanos);
  }
}
