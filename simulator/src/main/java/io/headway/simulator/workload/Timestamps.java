package io.headway.simulator.workload;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.DateTimeException;
import java.time.LocalDate;
import org.jspecify.annotations.Nullable;

/** The number and time notations that traces use, as nanoseconds. */
final class Timestamps {
  private static final long NANOS_PER_SECOND = 1_000_000_000L;
  private static final int MAX_FRACTION_DIGITS = 9;
  private static final int MAX_DECIMAL_LENGTH = 64;
  private static final BigDecimal MAX_NANOS = BigDecimal.valueOf(1L << 62);

  private Timestamps() {}

  /**
   * Nanoseconds since 1970 of {@code yyyy-MM-dd HH:mm:ss[.f…][zone]}: a blank or T between date and
   * time, up to 9 fraction digits, and a zone that is absent, {@code Z} or {@code ±HH[[:]MM]}.
   * Returns null if the text is none of that.
   */
  static @Nullable Long dateTimeNanos(String text) {
    if (text.length() < 19
        || text.charAt(4) != '-'
        || text.charAt(7) != '-'
        || (text.charAt(10) != ' ' && text.charAt(10) != 'T')
        || text.charAt(13) != ':'
        || text.charAt(16) != ':') {
      return null;
    }
    int year = digits(text, 0, 4);
    int month = digits(text, 5, 7);
    int day = digits(text, 8, 10);
    int hour = digits(text, 11, 13);
    int minute = digits(text, 14, 16);
    int second = digits(text, 17, 19);
    if (year < 1900 || year > 2200 || hour < 0 || hour > 23 || minute < 0 || minute > 59) {
      return null;
    }
    if (second < 0 || second > 59 || month < 0 || day < 0) {
      return null;
    }
    long epochDay;
    try {
      epochDay = LocalDate.of(year, month, day).toEpochDay();
    } catch (DateTimeException e) {
      return null; // no such day, such as 31 November
    }
    int position = 19;
    long fraction = 0;
    if (position < text.length() && text.charAt(position) == '.') {
      int end = position + 1;
      while (end < text.length() && isDigit(text.charAt(end))) {
        end++;
      }
      fraction = fractionNanos(text, position + 1, end);
      if (fraction < 0) {
        return null;
      }
      position = end;
    }
    int offsetSeconds = offsetSeconds(text, position);
    if (offsetSeconds == Integer.MIN_VALUE) {
      return null;
    }
    long seconds = epochDay * 86_400L + hour * 3_600L + minute * 60L + second - offsetSeconds;
    return seconds * NANOS_PER_SECOND + fraction;
  }

  /**
   * The value, in nanoseconds, of a non-negative decimal number of units of {@code 10^-scale}
   * seconds (0 for seconds, 3 for milliseconds, 9 for nanoseconds), rounded half up. Returns -1 if
   * the text is no such number or lies beyond {@code 2^62} ns.
   */
  static long decimalNanos(String text, int scale) {
    if (text.isEmpty() || text.length() > MAX_DECIMAL_LENGTH) {
      return -1;
    }
    BigDecimal value;
    try {
      value = new BigDecimal(text);
    } catch (NumberFormatException e) {
      return -1;
    }
    // Bounds the exponent before any digit is written out: 1e999999999 is a short text too.
    if (value.signum() < 0 || Math.abs((long) value.precision() - value.scale()) > 64) {
      return -1;
    }
    BigDecimal nanos =
        value.movePointRight(MAX_FRACTION_DIGITS - scale).setScale(0, RoundingMode.HALF_UP);
    return nanos.compareTo(MAX_NANOS) > 0 ? -1 : nanos.longValueExact();
  }

  private static long fractionNanos(String text, int from, int to) {
    if (to == from || to - from > MAX_FRACTION_DIGITS) {
      return -1;
    }
    long nanos = digits(text, from, to);
    for (int i = to - from; i < MAX_FRACTION_DIGITS; i++) {
      nanos *= 10;
    }
    return nanos;
  }

  private static int offsetSeconds(String text, int from) {
    if (from == text.length() || text.substring(from).equals("Z")) {
      return 0;
    }
    char sign = text.charAt(from);
    if (sign != '+' && sign != '-') {
      return Integer.MIN_VALUE;
    }
    String rest = text.substring(from + 1).replace(":", "");
    if (rest.length() != 2 && rest.length() != 4) {
      return Integer.MIN_VALUE;
    }
    int hours = digits(rest, 0, 2);
    int minutes = rest.length() == 4 ? digits(rest, 2, 4) : 0;
    if (hours < 0 || hours > 18 || minutes < 0 || minutes > 59) {
      return Integer.MIN_VALUE;
    }
    int seconds = hours * 3_600 + minutes * 60;
    return sign == '-' ? -seconds : seconds;
  }

  /** The number written in a run of digits, or -1 if it holds another character. */
  private static int digits(String text, int from, int to) {
    int value = 0;
    for (int i = from; i < to; i++) {
      if (!isDigit(text.charAt(i))) {
        return -1;
      }
      value = value * 10 + (text.charAt(i) - '0');
    }
    return value;
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }
}
