package io.headway.api.config;

import java.util.Collection;

/** Finds the known word nearest to a mistyped one. */
final class Spelling {
  private static final int MAX_WORD = 64;

  private Spelling() {}

  /**
   * Returns {@code "; did you mean 'x'?"} for the nearest known word within a third of its length,
   * else an empty string.
   */
  static String hint(String word, Collection<String> known) {
    if (word.length() > MAX_WORD) {
      return "";
    }
    String nearest = "";
    int least = Integer.MAX_VALUE;
    for (String candidate : known) {
      int distance = distance(word, candidate);
      if (distance < least) {
        least = distance;
        nearest = candidate;
      }
    }
    boolean close = least <= Math.max(2, nearest.length() / 3);
    return nearest.isEmpty() || !close ? "" : "; did you mean '" + nearest + "'?";
  }

  /** Levenshtein distance, ignoring case. */
  private static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int substitute =
            diagonal
                + (Character.toLowerCase(a.charAt(i - 1)) == Character.toLowerCase(b.charAt(j - 1))
                    ? 0
                    : 1);
        diagonal = row[j];
        row[j] = Math.min(substitute, Math.min(row[j], row[j - 1]) + 1);
      }
    }
    return row[b.length()];
  }
}
