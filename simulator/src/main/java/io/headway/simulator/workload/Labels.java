package io.headway.simulator.workload;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * One text column of a workload, dictionary-encoded: a small dense code per row and the text of
 * each code. Codes are numbered in the order of first appearance.
 *
 * <p>A workload without the column has an absent one: every row has code 0, whose text is empty.
 * Immutable.
 */
public final class Labels {
  private static final Labels NONE = new Labels(new int[0], new String[] {""}, false);

  private final int[] codes;
  private final String[] names;
  private final boolean present;

  private Labels(int[] codes, String[] names, boolean present) {
    this.codes = codes;
    this.names = names;
    this.present = present;
  }

  /**
   * Returns the absent column.
   *
   * @return a column in which every row has code 0
   */
  public static Labels none() {
    return NONE;
  }

  /**
   * Returns whether the workload has this column.
   *
   * @return false if every row has the default code
   */
  public boolean isPresent() {
    return present;
  }

  /**
   * Returns the code of a row.
   *
   * @param row index of the row
   * @return a code in 0 .. {@link #count()} - 1
   */
  public int code(int row) {
    return present ? codes[row] : 0;
  }

  /**
   * Returns the text of a code.
   *
   * @param code a code in 0 .. {@link #count()} - 1
   * @return the text
   */
  public String name(int code) {
    return names[code];
  }

  /**
   * Returns how many codes there are.
   *
   * @return the number of different texts, at least 1
   */
  public int count() {
    return names.length;
  }

  /**
   * Returns the texts, indexed by code.
   *
   * @return an unmodifiable list
   */
  public List<String> names() {
    return List.of(names);
  }

  /** The rows {@code order[0], order[1], …} of this column, codes numbered anew. */
  Labels rows(int[] order) {
    if (!present) {
      return this;
    }
    Builder builder = new Builder();
    for (int row : order) {
      builder.add(names[codes[row]]);
    }
    return builder.build();
  }

  /** Collects a column row by row. */
  static final class Builder {
    private final Map<String, Integer> codeOf = new HashMap<>();
    private final List<String> names = new ArrayList<>();
    private int[] codes = new int[16];
    private int size;

    void add(String name) {
      Integer known = codeOf.get(name);
      int code;
      if (known == null) {
        code = names.size();
        codeOf.put(name, code);
        names.add(name);
      } else {
        code = known;
      }
      if (size == codes.length) {
        codes = Arrays.copyOf(codes, size + (size >> 1));
      }
      codes[size++] = code;
    }

    int size() {
      return size;
    }

    int distinct() {
      return names.size();
    }

    Labels build() {
      return size == 0
          ? NONE
          : new Labels(Arrays.copyOf(codes, size), names.toArray(new String[0]), true);
    }
  }
}
