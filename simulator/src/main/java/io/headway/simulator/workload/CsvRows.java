package io.headway.simulator.workload;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * A comma-separated table with one header line: columns are found by name, in any order. A cell may
 * be quoted, with a doubled quotation mark for one; a quoted cell cannot span lines.
 */
final class CsvRows {
  private static final int MAX_COLUMNS = 256;

  private final TraceLines lines;
  private final List<String> header;
  private final List<String> cells = new ArrayList<>();

  CsvRows(TraceLines lines, String expectedHeader) throws IOException {
    this.lines = lines;
    String first = lines.next();
    if (first == null || first.isBlank()) {
      throw lines.problem("the first line must be the header " + expectedHeader + ", but is empty");
    }
    split(first);
    header = List.copyOf(cells.stream().map(String::strip).toList());
    for (int i = 0; i < header.size(); i++) {
      if (header.indexOf(header.get(i)) != i) {
        throw lines.problem(
            "the header must name each column once, but names "
                + TraceRows.quote(header.get(i))
                + " twice");
      }
    }
  }

  /** The index of a column, or -1. */
  int find(String column) {
    return header.indexOf(column);
  }

  List<String> header() {
    return header;
  }

  /** The index of a column that the format needs. */
  int require(String column, String expectedHeader) {
    int index = find(column);
    if (index < 0) {
      throw lines.problem(
          "the header must have the column "
              + column
              + ", as in "
              + expectedHeader
              + ", but was "
              + TraceRows.quote(String.join(",", header)));
    }
    return index;
  }

  /** Goes to the next row that is not blank; false at the end. */
  boolean next() throws IOException {
    String line;
    do {
      line = lines.next();
      if (line == null) {
        return false;
      }
    } while (line.isBlank());
    split(line);
    if (cells.size() != header.size()) {
      throw lines.problem(
          "the row must have "
              + header.size()
              + " columns as the header, but had "
              + cells.size()
              + ": "
              + TraceRows.quote(line));
    }
    return true;
  }

  String cell(int column) {
    return cells.get(column).strip();
  }

  private void split(String line) {
    cells.clear();
    int position = 0;
    while (true) {
      if (cells.size() == MAX_COLUMNS) {
        throw lines.problem("the row must have at most " + MAX_COLUMNS + " columns");
      }
      if (position < line.length() && line.charAt(position) == '"') {
        position = quoted(line, position + 1);
      } else {
        int comma = line.indexOf(',', position);
        int end = comma < 0 ? line.length() : comma;
        cells.add(line.substring(position, end));
        position = end;
      }
      if (position == line.length()) {
        return;
      }
      position++; // the comma
    }
  }

  private int quoted(String line, int from) {
    StringBuilder cell = new StringBuilder();
    int position = from;
    while (position < line.length()) {
      char c = line.charAt(position++);
      if (c != '"') {
        cell.append(c);
      } else if (position < line.length() && line.charAt(position) == '"') {
        cell.append('"');
        position++;
      } else {
        if (position < line.length() && line.charAt(position) != ',') {
          throw lines.problem("a quoted cell must be followed by a comma");
        }
        cells.add(cell.toString());
        return position;
      }
    }
    throw lines.problem("a quoted cell must end in a quotation mark on its line");
  }

  /** The text of a cell as CSV: quoted only if it has to be. */
  static String escape(String cell) {
    boolean plain =
        cell.equals(cell.strip())
            && cell.chars().noneMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r');
    return plain ? cell : '"' + cell.replace("\"", "\"\"") + '"';
  }
}
