package io.headway.simulator.workload;

import io.headway.simulator.workload.TraceOptions.Unsorted;
import io.headway.simulator.workload.TraceOptions.ZeroOutput;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The rows of a trace as they are read: checks what all formats have in common, applies the options
 * for irregular rows, and makes the workload.
 */
final class TraceRows {
  private final TraceLines lines;
  private final TraceOptions options;
  private long[] arrivals = new long[64];
  private int[] prompts = new int[64];
  private int[] outputs = new int[64];
  private int size;
  private boolean sorted = true;
  private int dropped;
  private int failed;
  private final Map<String, Integer> sessionOf = new HashMap<>();
  private int[] sessions = new int[0];
  private int[] priorities = new int[0];
  // In the order of the column names, so that nothing depends on hash order.
  private final Map<String, Labels.Builder> labels = new TreeMap<>();
  private BlockKeys.@Nullable Builder blocks;

  TraceRows(TraceLines lines, TraceOptions options) {
    this.lines = lines;
    this.options = options;
  }

  boolean full() {
    return size + dropped + failed >= options.limitRows();
  }

  /** A whole number of tokens in a cell. */
  int tokens(String column, String text, int minimum) {
    long value = -1;
    if (!text.isEmpty() && text.length() <= 18 && isInteger(text)) {
      value = Long.parseLong(text);
      if (value >= minimum && value <= options.maxTokens()) {
        return (int) value;
      }
    }
    throw lines.problem(
        column
            + " must be a whole number of tokens in "
            + minimum
            + ".."
            + options.maxTokens()
            + ", but was "
            + quote(text));
  }

  /**
   * Adds a row, unless it has no output and the options leave it out. Answers whether it was added;
   * only then may the optional columns be set.
   */
  boolean add(long arrivalNanos, String arrivalColumn, int promptTokens, int outputTokens) {
    if (size + dropped + failed == options.maxRows()) {
      throw lines.problem(
          "the trace must have at most "
              + options.maxRows()
              + " rows; raise maxRows or limit the rows to read");
    }
    if (outputTokens == 0) {
      if (options.zeroOutput() == ZeroOutput.REFUSE) {
        throw lines.problem(
            "the output must have at least 1 token, but had 0; read the trace with zeroOutput DROP"
                + " or FAIL to leave such rows out");
      }
      if (options.zeroOutput() == ZeroOutput.DROP) {
        dropped++;
      } else {
        failed++;
      }
      return false;
    }
    if (size > 0 && arrivalNanos < arrivals[size - 1]) {
      if (options.unsorted() == Unsorted.REFUSE) {
        throw lines.problem(
            arrivalColumn
                + " must not be before that of the row above, but is "
                + (arrivals[size - 1] - arrivalNanos)
                + " ns earlier; sort the trace or read it with unsorted SORT");
      }
      sorted = false;
    }
    if (size == arrivals.length) {
      int capacity = size + (size >> 1);
      arrivals = Arrays.copyOf(arrivals, capacity);
      prompts = Arrays.copyOf(prompts, capacity);
      outputs = Arrays.copyOf(outputs, capacity);
    }
    arrivals[size] = arrivalNanos;
    prompts[size] = promptTokens;
    outputs[size] = outputTokens;
    size++;
    return true;
  }

  void session(String text) {
    if (sessions.length < size) {
      sessions = Arrays.copyOf(sessions, arrivals.length);
    }
    if (text.isEmpty()) {
      sessions[size - 1] = Workload.NO_SESSION;
      return;
    }
    Integer known = sessionOf.get(text);
    if (known == null) {
      requireLabels(sessionOf.size(), "session");
      known = sessionOf.size();
      sessionOf.put(text, known);
    }
    sessions[size - 1] = known;
  }

  void priority(String text) {
    if (priorities.length < size) {
      priorities = Arrays.copyOf(priorities, arrivals.length);
    }
    try {
      priorities[size - 1] = Integer.parseInt(text);
    } catch (NumberFormatException e) {
      throw lines.problem("priority must be a 32-bit whole number, but was " + quote(text));
    }
  }

  void label(String column, String text) {
    Labels.Builder builder = labels.get(column);
    if (builder == null) {
      builder = new Labels.Builder();
      labels.put(column, builder);
    }
    builder.add(text);
    requireLabels(builder.distinct() - 1, column);
  }

  /** Starts the block ids of the row just added. */
  BlockKeys.Builder blocks(int blockTokens) {
    BlockKeys.Builder keys = blocks;
    if (keys == null) {
      keys = new BlockKeys.Builder(blockTokens);
      blocks = keys;
    }
    return keys;
  }

  /** Ends the block ids of the row just added and checks their number. */
  void endBlocks(String column) {
    BlockKeys.Builder keys = blocks;
    if (keys == null) {
      throw new IllegalStateException("no block ids were started");
    }
    int found = keys.pending();
    int expected = BlockKeys.blocksOf(prompts[size - 1], keys.blockTokens());
    if (found != expected) {
      throw lines.problem(
          column
              + " must have one id per "
              + keys.blockTokens()
              + " prompt tokens, "
              + expected
              + " for "
              + prompts[size - 1]
              + " tokens, but had "
              + found);
    }
    keys.endRow();
    if (keys.total() > options.maxBlocks()) {
      throw lines.problem(
          "the trace must have at most "
              + options.maxBlocks()
              + " block ids; raise maxBlocks or limit the rows to read");
    }
  }

  Workload build(String name) {
    if (size + dropped + failed == 0) {
      throw lines.problem("the trace must have at least one row of data, but has none");
    }
    int[] order = order();
    Workload.Builder builder = Workload.builder(name).leftOut(dropped, failed);
    BlockKeys keys = blocks == null ? null : blocks.build();
    Map<String, Labels> columns = new TreeMap<>();
    labels.forEach((column, values) -> columns.put(column, values.build()));
    Labels none = Labels.none();
    Labels tenants = columns.getOrDefault("tenant", none);
    Labels types = columns.getOrDefault("type", none);
    Labels models = columns.getOrDefault("model", none);
    Labels adapters = columns.getOrDefault("adapter", none);
    long first = size == 0 ? 0 : arrivals[order[0]];
    Map<Integer, Integer> renumbered = new HashMap<>();
    for (int row : order) {
      builder.add(arrivals[row] - first, prompts[row], outputs[row]);
      if (sessions.length > 0) {
        // Numbered by first appearance in the order of arrival, whatever the order in the file.
        int session = sessions[row];
        builder.session(
            session == Workload.NO_SESSION
                ? session
                : renumbered.computeIfAbsent(session, s -> renumbered.size()));
      }
      if (priorities.length > 0) {
        builder.priority(priorities[row]);
      }
      if (tenants.isPresent()) {
        builder.tenant(tenants.name(tenants.code(row)));
      }
      if (types.isPresent()) {
        builder.type(types.name(types.code(row)));
      }
      if (models.isPresent()) {
        builder.model(models.name(models.code(row)));
      }
      if (adapters.isPresent()) {
        builder.adapter(adapters.name(adapters.code(row)));
      }
      if (keys != null) {
        long[] ids = new long[keys.count(row)];
        for (int k = 0; k < ids.length; k++) {
          ids[k] = keys.id(row, k);
        }
        builder.blocks(keys.blockTokens(), ids);
      }
    }
    return builder.build();
  }

  /** The rows by arrival; rows of equal arrival in the order of the trace. */
  private int[] order() {
    int[] order = new int[size];
    for (int i = 0; i < size; i++) {
      order[i] = i;
    }
    if (!sorted) {
      Integer[] boxed = new Integer[size];
      Arrays.setAll(boxed, i -> i);
      Arrays.sort(boxed, (a, b) -> Long.compare(arrivals[a], arrivals[b])); // stable
      for (int i = 0; i < size; i++) {
        order[i] = boxed[i];
      }
    }
    return order;
  }

  private void requireLabels(int distinct, String column) {
    if (distinct >= options.maxLabels()) {
      throw lines.problem(
          column
              + " must have at most "
              + options.maxLabels()
              + " different values; raise maxLabels to read more");
    }
  }

  private static boolean isInteger(String text) {
    for (int i = text.charAt(0) == '-' ? 1 : 0; i < text.length(); i++) {
      if (text.charAt(i) < '0' || text.charAt(i) > '9') {
        return false;
      }
    }
    return !text.equals("-");
  }

  /** The text in quotation marks, cut if long, without control characters. */
  static String quote(String text) {
    String shown = text.length() > 60 ? text.substring(0, 60) + "…" : text;
    StringBuilder out = new StringBuilder(shown.length() + 2).append('"');
    for (int i = 0; i < shown.length(); i++) {
      char c = shown.charAt(i);
      out.append(Character.isISOControl(c) ? '?' : c);
    }
    return out.append('"').toString();
  }
}
