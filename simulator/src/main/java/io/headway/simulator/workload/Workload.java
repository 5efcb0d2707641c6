package io.headway.simulator.workload;

import io.headway.api.RandomSource;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What arrives at a cluster: one row per request with its arrival and its lengths, in the order of
 * arrival, and the optional columns that a trace or a generator has.
 *
 * <p>A compact structure of primitive columns, 16 bytes per row plus the optional ones, shared by
 * all instances and contenders of a run. Arrivals are nanoseconds from the start of the workload
 * and never decrease. Immutable and thread-safe; every transform returns a new workload.
 */
public final class Workload {
  /** Code of a row that belongs to no session. */
  public static final int NO_SESSION = -1;

  private final String name;
  private final long[] arrivalNanos;
  private final int[] promptTokens;
  private final int[] outputTokens;
  private final int @Nullable [] sessions;
  private final int @Nullable [] priorities;
  private final Labels tenants;
  private final Labels types;
  private final Labels models;
  private final Labels adapters;
  private final @Nullable BlockKeys blocks;
  private final int droppedRows;
  private final int failedRows;

  private Workload(
      String name,
      long[] arrivalNanos,
      int[] promptTokens,
      int[] outputTokens,
      int @Nullable [] sessions,
      int @Nullable [] priorities,
      Labels tenants,
      Labels types,
      Labels models,
      Labels adapters,
      @Nullable BlockKeys blocks,
      int droppedRows,
      int failedRows) {
    this.name = name;
    this.arrivalNanos = arrivalNanos;
    this.promptTokens = promptTokens;
    this.outputTokens = outputTokens;
    this.sessions = sessions;
    this.priorities = priorities;
    this.tenants = tenants;
    this.types = types;
    this.models = models;
    this.adapters = adapters;
    this.blocks = blocks;
    this.droppedRows = droppedRows;
    this.failedRows = failedRows;
  }

  /**
   * Starts a workload.
   *
   * @param name what reports call it
   * @return an empty builder
   */
  public static Builder builder(String name) {
    return new Builder(name);
  }

  /**
   * Returns what reports call this workload.
   *
   * @return the name
   */
  public String name() {
    return name;
  }

  /**
   * Returns how many requests arrive.
   *
   * @return the number of rows
   */
  public int size() {
    return arrivalNanos.length;
  }

  /**
   * Returns when a request arrives.
   *
   * @param row index of the row
   * @return nanoseconds from the start of the workload
   */
  public long arrivalNanos(int row) {
    return arrivalNanos[row];
  }

  /**
   * Returns the length of a prompt.
   *
   * @param row index of the row
   * @return tokens, at least 1
   */
  public int promptTokens(int row) {
    return promptTokens[row];
  }

  /**
   * Returns the true length of an output.
   *
   * @param row index of the row
   * @return tokens, at least 1
   */
  public int outputTokens(int row) {
    return outputTokens[row];
  }

  /**
   * Returns whether rows name sessions.
   *
   * @return true if the workload has a session column
   */
  public boolean hasSessions() {
    return sessions != null;
  }

  /**
   * Returns the session of a request.
   *
   * @param row index of the row
   * @return a dense number, or {@link #NO_SESSION}
   */
  public int session(int row) {
    return sessions == null ? NO_SESSION : sessions[row];
  }

  /**
   * Returns whether rows name priorities.
   *
   * @return true if the workload has a priority column
   */
  public boolean hasPriorities() {
    return priorities != null;
  }

  /**
   * Returns the priority of a request: smaller is more urgent.
   *
   * @param row index of the row
   * @return the priority, 0 if the workload names none
   */
  public int priority(int row) {
    return priorities == null ? 0 : priorities[row];
  }

  /**
   * Returns who pays for each request.
   *
   * @return the tenant column, maybe absent
   */
  public Labels tenants() {
    return tenants;
  }

  /**
   * Returns the kind of work of each request, such as {@code code} or {@code conversation}.
   *
   * @return the type column, maybe absent
   */
  public Labels types() {
    return types;
  }

  /**
   * Returns the model that each request asks for.
   *
   * @return the model column, maybe absent
   */
  public Labels models() {
    return models;
  }

  /**
   * Returns the adapter that each request asks for.
   *
   * @return the adapter column, maybe absent
   */
  public Labels adapters() {
    return adapters;
  }

  /**
   * Returns whether rows name the content of their prompts.
   *
   * @return true if {@link #blocks()} may be called
   */
  public boolean hasBlocks() {
    return blocks != null;
  }

  /**
   * Returns the content of the prompts as block ids.
   *
   * @return the block ids of each row
   * @throws IllegalStateException if the workload has none
   */
  public BlockKeys blocks() {
    if (blocks == null) {
      throw new IllegalStateException(
          "workload " + name + " has no block ids; ask hasBlocks first");
    }
    return blocks;
  }

  /**
   * Returns how many rows of the source were left out because they had no output.
   *
   * @return rows read and dropped
   */
  public int droppedRows() {
    return droppedRows;
  }

  /**
   * Returns how many rows of the source stand for requests that failed there (no output), to be
   * counted as failures and not run.
   *
   * @return rows read and counted as failed
   */
  public int failedRows() {
    return failedRows;
  }

  /**
   * Returns the time from the first to the last arrival.
   *
   * @return nanoseconds; 0 if there are fewer than two rows
   */
  public long durationNanos() {
    return size() < 2 ? 0 : arrivalNanos[size() - 1] - arrivalNanos[0];
  }

  /**
   * Returns all arrivals.
   *
   * @return a copy of the column, nanoseconds
   */
  public long[] arrivals() {
    return arrivalNanos.clone();
  }

  /**
   * Returns all prompt lengths.
   *
   * @return a copy of the column, tokens
   */
  public int[] prompts() {
    return promptTokens.clone();
  }

  /**
   * Returns all output lengths.
   *
   * @return a copy of the column, tokens
   */
  public int[] outputs() {
    return outputTokens.clone();
  }

  /**
   * Returns this workload with all inter-arrival times divided by a factor, so that its mean rate
   * is {@code scale} times as high and the variation of the gaps is unchanged. Times are rounded to
   * the nanosecond.
   *
   * @param scale above 0 and finite; 2 doubles the load
   * @return the scaled workload
   * @throws IllegalArgumentException if the scale is not positive and finite
   */
  public Workload rateScale(double scale) {
    if (!(scale > 0) || Double.isInfinite(scale)) {
      throw new IllegalArgumentException("rateScale must be above 0 and finite, but was " + scale);
    }
    long[] scaled = new long[size()];
    long first = size() == 0 ? 0 : arrivalNanos[0];
    for (int i = 0; i < scaled.length; i++) {
      double nanos = first + (arrivalNanos[i] - first) / scale;
      if (nanos > MAX_NANOS) {
        throw new IllegalArgumentException(
            "rateScale must leave the workload within 100 years, but was " + scale);
      }
      scaled[i] = Math.round(nanos);
    }
    return withArrivals(scaled);
  }

  /**
   * Returns the first rows of this workload.
   *
   * @param rows how many rows to keep at most; at least 0
   * @return the leading rows
   * @throws IllegalArgumentException if {@code rows} is negative
   */
  public Workload limit(int rows) {
    if (rows < 0) {
      throw new IllegalArgumentException("limit must be at least 0 requests, but was " + rows);
    }
    return rows >= size() ? this : slice(0, rows);
  }

  /**
   * Returns the rows {@code from} to {@code to - 1}, with arrivals counted anew from the first of
   * them.
   *
   * @param from first row, 0 .. {@code to}
   * @param to row after the last one, up to {@link #size()}
   * @return the slice
   * @throws IllegalArgumentException if the range does not lie in the workload
   */
  public Workload slice(int from, int to) {
    if (from < 0 || from > to || to > size()) {
      throw new IllegalArgumentException(
          "rows must satisfy 0 <= from <= to <= "
              + size()
              + ", but were from "
              + from
              + " to "
              + to);
    }
    int[] order = new int[to - from];
    long[] arrivals = new long[order.length];
    int[] prompts = new int[order.length];
    int[] outputs = new int[order.length];
    for (int i = 0; i < order.length; i++) {
      order[i] = from + i;
      arrivals[i] = arrivalNanos[from + i] - arrivalNanos[from];
      prompts[i] = promptTokens[from + i];
      outputs[i] = outputTokens[from + i];
    }
    return new Workload(
        name,
        arrivals,
        prompts,
        outputs,
        sessions == null ? null : Arrays.copyOfRange(sessions, from, to),
        priorities == null ? null : Arrays.copyOfRange(priorities, from, to),
        tenants.rows(order),
        types.rows(order),
        models.rows(order),
        adapters.rows(order),
        blocks == null ? null : blocks.rows(order, prompts),
        droppedRows,
        failedRows);
  }

  /**
   * Returns this workload with longer prompts and outputs cut to a maximum. Block ids beyond the
   * cut prompt are dropped.
   *
   * @param maxPromptTokens longest prompt left, at least 1 token
   * @param maxOutputTokens longest output left, at least 1 token
   * @return the clipped workload
   * @throws IllegalArgumentException if a maximum is below 1
   */
  public Workload clip(int maxPromptTokens, int maxOutputTokens) {
    requireAtLeastOne(maxPromptTokens, "maxPromptTokens");
    requireAtLeastOne(maxOutputTokens, "maxOutputTokens");
    int[] prompts = new int[size()];
    int[] outputs = new int[size()];
    for (int i = 0; i < prompts.length; i++) {
      prompts[i] = Math.min(promptTokens[i], maxPromptTokens);
      outputs[i] = Math.min(outputTokens[i], maxOutputTokens);
    }
    return withLengths(prompts, outputs);
  }

  /**
   * Returns this workload with prompts cut so that prompt and output together fit a context; an
   * output that leaves no room for a prompt token is cut too.
   *
   * @param contextTokens longest prompt and output together, at least 2 tokens
   * @return the clipped workload
   * @throws IllegalArgumentException if the context is below 2 tokens
   */
  public Workload clipToContext(int contextTokens) {
    if (contextTokens < 2) {
      throw new IllegalArgumentException(
          "contextTokens must be at least 2 tokens, but was " + contextTokens);
    }
    int[] prompts = new int[size()];
    int[] outputs = new int[size()];
    for (int i = 0; i < prompts.length; i++) {
      outputs[i] = Math.min(outputTokens[i], contextTokens - 1);
      prompts[i] = Math.min(promptTokens[i], contextTokens - outputs[i]);
    }
    return withLengths(prompts, outputs);
  }

  private Workload withLengths(int[] prompts, int[] outputs) {
    int[] order = new int[size()];
    for (int i = 0; i < order.length; i++) {
      order[i] = i;
    }
    return new Workload(
        name,
        arrivalNanos,
        prompts,
        outputs,
        sessions,
        priorities,
        tenants,
        types,
        models,
        adapters,
        blocks == null ? null : blocks.rows(order, prompts),
        droppedRows,
        failedRows);
  }

  /**
   * Returns this workload with the requests of each equal arrival spread over the time until the
   * next distinct arrival: {@code k} requests at one instant arrive at {@code k} independent
   * uniform times of that tick, in their old order. Traces with a coarse clock (Mooncake's has
   * ticks of about 3 s) otherwise show bursts that are artefacts. The last tick is as long as the
   * one before.
   *
   * @param random one draw per row of a tick that has a length, in row order
   * @return the spread workload
   */
  public Workload spreadTicks(RandomSource random) {
    long[] spread = arrivalNanos.clone();
    long previousTick = 0;
    int start = 0;
    while (start < spread.length) {
      int end = start + 1;
      while (end < spread.length && arrivalNanos[end] == arrivalNanos[start]) {
        end++;
      }
      long tick = end < spread.length ? arrivalNanos[end] - arrivalNanos[start] : previousTick;
      if (tick > 0) {
        for (int i = start; i < end; i++) {
          spread[i] += (long) (random.nextDouble() * tick);
        }
        Arrays.sort(spread, start, end);
      }
      previousTick = tick;
      start = end;
    }
    return withArrivals(spread);
  }

  /**
   * Returns this workload with a tenant drawn for each request. Tenant {@code i} is called {@code
   * tenant-i} and is drawn in proportion to its weight.
   *
   * @param weights relative share of the requests of each tenant; at least one, each above 0
   * @param random one draw per row
   * @return the workload with a new tenant column
   * @throws IllegalArgumentException if there is no weight or one is not positive and finite
   */
  public Workload assignTenants(double[] weights, RandomSource random) {
    if (weights.length == 0) {
      throw new IllegalArgumentException("weights must name at least 1 tenant, but was empty");
    }
    double[] cumulative = new double[weights.length];
    double sum = 0;
    for (int i = 0; i < weights.length; i++) {
      if (!(weights[i] > 0) || Double.isInfinite(weights[i])) {
        throw new IllegalArgumentException(
            "weights[" + i + "] must be above 0 and finite, but was " + weights[i]);
      }
      sum += weights[i];
      cumulative[i] = sum;
    }
    Labels.Builder drawn = new Labels.Builder();
    for (int row = 0; row < size(); row++) {
      double u = random.nextDouble() * sum;
      int tenant = 0;
      while (tenant < weights.length - 1 && u >= cumulative[tenant]) {
        tenant++;
      }
      drawn.add("tenant-" + tenant);
    }
    return new Workload(
        name,
        arrivalNanos,
        promptTokens,
        outputTokens,
        sessions,
        priorities,
        drawn.build(),
        types,
        models,
        adapters,
        blocks,
        droppedRows,
        failedRows);
  }

  private static final double MAX_NANOS = 100 * 365.25 * 86_400e9;

  private Workload withArrivals(long[] arrivals) {
    return new Workload(
        name,
        arrivals,
        promptTokens,
        outputTokens,
        sessions,
        priorities,
        tenants,
        types,
        models,
        adapters,
        blocks,
        droppedRows,
        failedRows);
  }

  private static void requireAtLeastOne(int value, String name) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " must be at least 1 token, but was " + value);
    }
  }

  @Override
  public String toString() {
    return "Workload[" + name + ", " + size() + " requests, " + durationNanos() + " ns]";
  }

  /**
   * Collects the rows of a workload in the order of arrival. Optional columns are set after {@link
   * #add} for the row just added; a column that any row sets must be set by every row. Not
   * thread-safe.
   */
  public static final class Builder {
    private final String name;
    private long[] arrivals = new long[64];
    private int[] prompts = new int[64];
    private int[] outputs = new int[64];
    private int[] sessions = new int[0];
    private int[] priorities = new int[0];
    private int sessionRows;
    private int priorityRows;
    private final Labels.Builder tenants = new Labels.Builder();
    private final Labels.Builder types = new Labels.Builder();
    private final Labels.Builder models = new Labels.Builder();
    private final Labels.Builder adapters = new Labels.Builder();
    private BlockKeys.@Nullable Builder blocks;
    private int size;
    private int droppedRows;
    private int failedRows;

    private Builder(String name) {
      this.name = Objects.requireNonNull(name, "name");
    }

    /**
     * Adds a request.
     *
     * @param arrivalNanos nanoseconds from the start, not before the previous row's
     * @param promptTokens length of the prompt, at least 1 token
     * @param outputTokens true length of the output, at least 1 token
     * @return this builder
     * @throws IllegalArgumentException if a value is out of range, naming it
     */
    public Builder add(long arrivalNanos, int promptTokens, int outputTokens) {
      long earliest = size == 0 ? 0 : arrivals[size - 1];
      if (arrivalNanos < earliest) {
        throw new IllegalArgumentException(
            "arrivalNanos must be at least "
                + earliest
                + " ns, the previous row's, but was "
                + arrivalNanos
                + " ns");
      }
      requireAtLeastOne(promptTokens, "promptTokens");
      requireAtLeastOne(outputTokens, "outputTokens");
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
      return this;
    }

    /**
     * Sets the session of the row just added.
     *
     * @param session a number of at least 0, or {@link Workload#NO_SESSION}
     * @return this builder
     * @throws IllegalArgumentException if the number is below {@link Workload#NO_SESSION}
     */
    public Builder session(int session) {
      if (session < NO_SESSION) {
        throw new IllegalArgumentException(
            "session must be at least 0, or -1 for none, but was " + session);
      }
      sessions = column(sessions, sessionRows++, "session");
      sessions[size - 1] = session;
      return this;
    }

    /**
     * Sets the priority of the row just added.
     *
     * @param priority smaller is more urgent
     * @return this builder
     */
    public Builder priority(int priority) {
      priorities = column(priorities, priorityRows++, "priority");
      priorities[size - 1] = priority;
      return this;
    }

    /**
     * Sets the tenant of the row just added.
     *
     * @param tenant who pays
     * @return this builder
     */
    public Builder tenant(String tenant) {
      return label(tenants, tenant, "tenant");
    }

    /**
     * Sets the kind of work of the row just added.
     *
     * @param type such as {@code code}
     * @return this builder
     */
    public Builder type(String type) {
      return label(types, type, "type");
    }

    /**
     * Sets the model that the row just added asks for.
     *
     * @param model the model's name
     * @return this builder
     */
    public Builder model(String model) {
      return label(models, model, "model");
    }

    /**
     * Sets the adapter that the row just added asks for.
     *
     * @param adapter the adapter's name
     * @return this builder
     */
    public Builder adapter(String adapter) {
      return label(adapters, adapter, "adapter");
    }

    /**
     * Sets the content of the prompt of the row just added: one id per block of {@code blockTokens}
     * tokens, the partial last block included.
     *
     * @param blockTokens tokens per block, at least 1 and the same in every row
     * @param ids exactly {@code ceil(promptTokens / blockTokens)} ids
     * @return this builder
     * @throws IllegalArgumentException if the number of ids does not fit the prompt
     */
    public Builder blocks(int blockTokens, long... ids) {
      requireAtLeastOne(blockTokens, "blockTokens");
      BlockKeys.Builder keys = blocks;
      if (keys == null) {
        keys = new BlockKeys.Builder(blockTokens);
        blocks = keys;
      } else if (keys.blockTokens() != blockTokens) {
        throw new IllegalArgumentException(
            "blockTokens must be "
                + keys.blockTokens()
                + " tokens as in the rows before, but was "
                + blockTokens);
      }
      requireNext(keys.rows(), "blocks");
      int expected = BlockKeys.blocksOf(prompts[size - 1], blockTokens);
      if (ids.length != expected) {
        throw new IllegalArgumentException(
            "blocks must have ceil("
                + prompts[size - 1]
                + " / "
                + blockTokens
                + ") = "
                + expected
                + " ids, but had "
                + ids.length);
      }
      for (long id : ids) {
        keys.add(id);
      }
      keys.endRow();
      return this;
    }

    /**
     * Notes rows of the source that had no output and were left out.
     *
     * @param dropped rows to forget, at least 0
     * @param failed rows to count as failed requests, at least 0
     * @return this builder
     */
    public Builder leftOut(int dropped, int failed) {
      if (dropped < 0 || failed < 0) {
        throw new IllegalArgumentException(
            "dropped and failed must be at least 0 rows, but were " + dropped + " and " + failed);
      }
      droppedRows = dropped;
      failedRows = failed;
      return this;
    }

    /**
     * Makes the workload.
     *
     * @return an immutable workload of the rows added so far
     * @throws IllegalStateException if a column is set in some rows but not in all
     */
    public Workload build() {
      requireComplete(sessionRows, "session");
      requireComplete(priorityRows, "priority");
      requireComplete(tenants.size(), "tenant");
      requireComplete(types.size(), "type");
      requireComplete(models.size(), "model");
      requireComplete(adapters.size(), "adapter");
      BlockKeys.Builder keys = blocks;
      requireComplete(keys == null ? 0 : keys.rows(), "blocks");
      return new Workload(
          name,
          Arrays.copyOf(arrivals, size),
          Arrays.copyOf(prompts, size),
          Arrays.copyOf(outputs, size),
          sessionRows == 0 ? null : Arrays.copyOf(sessions, size),
          priorityRows == 0 ? null : Arrays.copyOf(priorities, size),
          tenants.build(),
          types.build(),
          models.build(),
          adapters.build(),
          keys == null ? null : keys.build(),
          droppedRows,
          failedRows);
    }

    private Builder label(Labels.Builder column, String value, String what) {
      Objects.requireNonNull(value, what);
      requireNext(column.size(), what);
      column.add(value);
      return this;
    }

    private int[] column(int[] values, int filled, String what) {
      requireNext(filled, what);
      return values.length < size ? Arrays.copyOf(values, arrivals.length) : values;
    }

    private void requireNext(int filled, String what) {
      if (filled != size - 1) {
        throw new IllegalStateException(
            what
                + " must be set once after each add, but "
                + filled
                + " of "
                + size
                + " rows had it");
      }
    }

    private void requireComplete(int filled, String what) {
      if (filled != 0 && filled != size) {
        throw new IllegalStateException(
            what
                + " must be set in every row or in none, but was set in "
                + filled
                + " of "
                + size);
      }
    }
  }
}
