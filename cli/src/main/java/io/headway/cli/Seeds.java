package io.headway.cli;

import java.util.ArrayList;
import java.util.List;

/** Reads a list of seeds: {@code 7}, {@code 1,2,9} or {@code 1..5}. */
final class Seeds {
  private static final int MAX = 1000;

  private Seeds() {}

  static long[] parse(String text) {
    List<Long> seeds = new ArrayList<>();
    for (String part : text.split(",", -1)) {
      int dots = part.indexOf("..");
      long from = number(dots < 0 ? part : part.substring(0, dots), text);
      long to = dots < 0 ? from : number(part.substring(dots + 2), text);
      if (to < from || to - from >= MAX) {
        throw wrong(text);
      }
      for (long seed = from; seed <= to; seed++) {
        seeds.add(seed);
      }
    }
    if (seeds.size() > MAX || seeds.stream().distinct().count() != seeds.size()) {
      throw wrong(text);
    }
    return seeds.stream().mapToLong(Long::longValue).toArray();
  }

  private static long number(String part, String text) {
    try {
      return Long.parseLong(part.strip());
    } catch (NumberFormatException e) {
      throw wrong(text);
    }
  }

  private static BadInputException wrong(String text) {
    return new BadInputException(
        "--seeds must be different whole numbers such as 1..5 or 1,2,7, at most "
            + MAX
            + ", but was '"
            + text
            + "'");
  }
}
