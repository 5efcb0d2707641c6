package io.headway.executor.gpu;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.util.Objects.requireNonNull;

import io.headway.api.batching.WorkKind;
import io.headway.api.memory.KvTier;
import io.headway.api.model.DecoderShape;
import io.headway.executor.DraftBatch;
import io.headway.executor.Executor;
import io.headway.executor.ExecutorOptions;
import io.headway.executor.PlanCheck;
import io.headway.executor.Precision;
import io.headway.executor.SamplingParameters;
import io.headway.executor.SequenceSlots;
import io.headway.executor.TokenSampler;
import io.headway.executor.gpu.Flight.DecodeGraph;
import io.headway.executor.gpu.Flight.GraphKey;
import io.headway.executor.gpu.device.Device;
import io.headway.executor.gpu.device.DeviceBuffer;
import io.headway.executor.gpu.device.ElementType;
import io.headway.executor.gpu.device.KernelSettings;
import io.headway.executor.gpu.device.Kernels;
import io.headway.executor.weights.Weights;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.StepResult;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * Executes batch plans on one device. Plans are enqueued without waiting, so that the next one can
 * be planned while the device works; tokens of a plan still in flight are taken on the device. A
 * plan of decodes alone is replayed from a recording where the device records launches, padded to a
 * power of two of rows.
 *
 * <p>Storage is float or bfloat16, arithmetic accumulates in floats. Greedy tokens and untruncated
 * draws are chosen on the device; a draw with {@code topK} or {@code topP}, or in a verify row, is
 * made on the host as on the CPU, which waits for the plan. What a row computes does not depend on
 * the other rows of the batch, as far as the vendor's matrix product keeps to that; the kernels of
 * this project do.
 */
public final class GpuExecutor implements Executor {
  private static final float BELOW_ONE = Math.nextDown(1f);

  private final String id;
  private final Device device;
  private final Kernels kernels;
  private final DecoderShape shape;
  private final ExecutorOptions options;
  private final ElementType element;
  private final SequenceSlots slots;
  private final PlanCheck check;
  private final KvMemory kv;
  private final DeviceBuffer lastTokens;
  private final MemorySegment lastTokenStaging;
  private final MemorySegment blockStaging;
  private final MemorySegment logitsStaging;
  private final Forward forward;
  private final TokenSampler sampler;
  private final double[] hostLogits;
  private final Queue<Flight> flying = new ArrayDeque<>();
  private final Queue<Flight> idle = new ArrayDeque<>();
  private final List<Flight> flights = new ArrayList<>();
  private int[] verifyTokens = new int[8];
  private @Nullable Flight lastAwaited;
  private Activations activations;
  private double lastStepMillis;
  private boolean open = true;

  /**
   * Loads a model onto a device, which the executor owns from then on.
   *
   * @param id the provider's id
   * @param device an open device
   * @param weights the model
   * @param options sizes and precision; FLOAT or BFLOAT16
   * @param threads threads of a work-group, a power of two
   * @throws IllegalArgumentException if the device cannot run the model or the options
   */
  GpuExecutor(String id, Device device, Weights weights, ExecutorOptions options, int threads) {
    this.id = id;
    this.device = device;
    this.options = options;
    shape = weights.shape();
    element = elementOf(options.precision());
    kernels =
        device.build(
            new KernelSettings(
                element,
                shape.headDim(),
                shape.queryHeads() / shape.kvHeads(),
                options.blockTokens(),
                threads));
    slots = new SequenceSlots(shape, options.maxSequences());
    check = new PlanCheck(slots, shape.maxPositions(), options);
    kv =
        new KvMemory(
            device,
            kvBlockBytes(),
            options.blockTokens(),
            options.deviceBlocks(),
            options.hostBlocks());
    lastTokens = device.allocate((long) options.maxSequences() * Integer.BYTES);
    device.fill(lastTokens, (byte) 0);
    lastTokenStaging = device.allocateHost(Integer.BYTES);
    blockStaging = device.allocateHost(kvBlockBytes());
    logitsStaging = device.allocateHost((long) shape.vocabularySize() * Float.BYTES);
    hostLogits = new double[shape.vocabularySize()];
    sampler = new TokenSampler(shape.vocabularySize());
    activations = new Activations(device, shape, element.bytes(), 1, 1, 1);
    forward =
        new Forward(
            device,
            kernels,
            new GpuWeights(device, kernels, weights),
            shape,
            kv,
            rotation(),
            lastTokens,
            shape.isMixture() ? options.routerFor(shape.expertsPerToken()) : null);
  }

  static ElementType elementOf(Precision precision) {
    return switch (precision) {
      case FLOAT -> ElementType.F32;
      case BFLOAT16 -> ElementType.BF16;
      case DOUBLE ->
          throw new IllegalArgumentException(
              "precision must be FLOAT or BFLOAT16 on a GPU, but was DOUBLE; the executor 'cpu' computes in double");
    };
  }

  private DeviceBuffer rotation() {
    int middle = shape.headDim() / 2;
    long floats = (long) shape.maxPositions() * shape.headDim();
    DeviceBuffer table = device.allocate(floats * Float.BYTES);
    MemorySegment host = device.allocateHost(floats * Float.BYTES);
    for (int i = 0; i < middle; i++) {
      double frequency = Math.pow(shape.ropeTheta(), -2.0 * i / shape.headDim());
      for (int position = 0; position < shape.maxPositions(); position++) {
        long at = (long) position * shape.headDim() + i;
        host.setAtIndex(JAVA_FLOAT, at, (float) Math.cos(position * frequency));
        host.setAtIndex(JAVA_FLOAT, at + middle, (float) Math.sin(position * frequency));
      }
    }
    device.upload(host, table, 0, floats * Float.BYTES);
    device.synchronize();
    return table;
  }

  @Override
  public String id() {
    return id;
  }

  @Override
  public String device() {
    return device.info().toString();
  }

  @Override
  public DecoderShape shape() {
    return shape;
  }

  @Override
  public ExecutorOptions options() {
    return options;
  }

  @Override
  public void prepare(int slot, long handle, int[] tokens, int count, SamplingParameters sampling) {
    slots.prepare(slot, handle, tokens, count, sampling);
  }

  @Override
  public void release(int slot) {
    slots.release(slot);
  }

  /**
   * Returns how long the device worked on the plan awaited last, moves included, by its own clock.
   *
   * @return milliseconds; 0 before the first
   */
  public double lastStepMillis() {
    return lastStepMillis;
  }

  // ---- enqueue

  @Override
  public void enqueue(BatchPlan plan, StepResult result) {
    if (!open) {
      throw new IllegalStateException("the executor is closed");
    }
    if (options.checkPlans()) {
      check.accept(plan);
    }
    result.begin(plan);
    Flight flight = idle.isEmpty() ? newFlight() : idle.remove();
    try {
      start(flight, plan, result);
    } catch (RuntimeException e) {
      // What was enqueued may still read the plan's arrays; nothing of it counts.
      device.synchronize();
      flight.closeMarks();
      idle.add(flight);
      throw e;
    }
    flying.add(flight);
    // Until the tokens are here, their places count as known: a row that feeds one of them takes it
    // on the device.
    for (int row = 0; row < plan.rows(); row++) {
      if (plan.emits(row) && plan.kind(row) != WorkKind.VERIFY) {
        slots.store(plan.slot(row), plan.start(row) + plan.count(row), 0);
      }
    }
    if (flight.sampledOnHost) {
      await(result);
    }
  }

  private void start(Flight flight, BatchPlan plan, StepResult result) {
    flight.begin(plan, result);
    flight.drafts.draft(plan, slots, options.drafter(), shape.vocabularySize());
    flight.start = device.mark();
    for (int m = 0; m < plan.moves(); m++) {
      kv.move(plan.moveKind(m), plan.moveSource(m), plan.moveTarget(m));
    }
    int wanted = 0;
    int tokens = 0;
    int tables = 0;
    int listed = 0;
    int mostContext = 0;
    boolean decodesOnly = true;
    boolean sampled = false;
    for (int row = 0; row < plan.rows(); row++) {
      int nodes = plan.kind(row) == WorkKind.VERIFY ? flight.drafts.nodes(row) : 1;
      tokens += plan.kind(row) == WorkKind.PREFILL ? plan.count(row) : nodes;
      wanted += plan.emits(row) ? nodes : 0;
      listed += plan.kind(row) == WorkKind.VERIFY ? nodes * nodes : 0;
      int end = plan.start(row) + plan.count(row);
      tables += blocksOf(end);
      mostContext = Math.max(mostContext, end);
      decodesOnly &= plan.kind(row) == WorkKind.DECODE;
      SamplingParameters sampling = slots.sampling(plan.slot(row));
      if (plan.emits(row) && sampling.temperature() > 0) {
        if (onDevice(plan.kind(row), sampling)) {
          sampled = true;
        } else {
          flight.sampledOnHost = true;
        }
      }
    }
    if (decodesOnly && device.records() && !shape.isMixture()) {
      replay(flight, plan, mostContext, sampled);
    } else {
      launch(flight, plan, tokens, wanted, tables, listed, mostContext, sampled);
    }
    if (wanted > 0) {
      device.download(
          requireNonNull(flight.chosen), 0, flight.hostChosen, (long) wanted * Integer.BYTES);
    }
    flight.end = device.mark();
    device.flush();
  }

  private static boolean onDevice(WorkKind kind, SamplingParameters sampling) {
    return kind != WorkKind.VERIFY && sampling.topK() == 0 && sampling.topP() == 1;
  }

  private Flight newFlight() {
    Flight flight = new Flight(device, shape.vocabularySize());
    flights.add(flight);
    return flight;
  }

  private int blocksOf(int tokens) {
    return (tokens + options.blockTokens() - 1) / options.blockTokens();
  }

  private void launch(
      Flight flight,
      BatchPlan plan,
      int tokens,
      int wanted,
      int tables,
      int listed,
      int mostContext,
      boolean sampled) {
    StepInput in = flight.general;
    if (in == null || in.maxTokens < tokens || in.maxTables < tables || in.maxListed < listed) {
      if (in != null) {
        device.synchronize();
        in.close();
      }
      in =
          new StepInput(
              device,
              roundUp(Math.max(tokens, in == null ? 0 : in.maxTokens)),
              roundUp(Math.max(tables, in == null ? 0 : in.maxTables)),
              roundUp(Math.max(Math.max(1, listed), in == null ? 0 : in.maxListed)));
      flight.general = in;
    }
    in.clear();
    flight.ensureWanted(roundUp(Math.max(1, wanted)));
    fill(flight, plan, in);
    int splits = splits(Math.max(1, mostContext));
    ensureActivations(tokens, wanted, in.rows * splits);
    in.upload(device);
    forward.enqueue(
        in,
        activations,
        splits,
        requireNonNull(flight.logits),
        requireNonNull(flight.chosen),
        sampled);
  }

  /** Decodes alone: fills the arrays of a recording and replays it. */
  private void replay(Flight flight, BatchPlan plan, int mostContext, boolean sampled) {
    int rows = Math.min(roundUp(plan.rows()), Math.max(plan.rows(), options.maxSequences()));
    int context =
        Math.min(roundUp(Math.max(128, mostContext)), Math.max(mostContext, shape.maxPositions()));
    int splits = splits(context);
    flight.ensureWanted(rows);
    ensureActivations(rows, rows, rows * splits);
    GraphKey key = new GraphKey(rows, context, sampled);
    DecodeGraph graph = flight.graphs.get(key);
    StepInput in =
        graph == null ? new StepInput(device, rows, rows * blocksOf(context), 1) : graph.input;
    in.clear();
    fill(flight, plan, in);
    while (in.tokens < rows) {
      int table = in.addBlock(kv.paddingBlock());
      int token = in.addToken(0, -1, 0, kv.paddingCell(), table, 1, 0, 0);
      in.addRow(token);
      in.want(token, -1, 0f, 0f);
    }
    in.upload(device);
    if (graph == null) {
      DeviceBuffer logits = requireNonNull(flight.logits);
      DeviceBuffer chosen = requireNonNull(flight.chosen);
      // Once for real, so that the product's plans are made outside the recording; then recorded.
      // Both write the same.
      forward.enqueue(in, activations, splits, logits, chosen, sampled);
      graph =
          new DecodeGraph(
              in,
              device.record(
                  () -> forward.enqueue(in, activations, splits, logits, chosen, sampled)));
      flight.graphs.put(key, graph);
      return;
    }
    graph.recording.replay();
  }

  /** Returns the most parts that a context of up to this length is cut into. */
  static int splits(int context) {
    int most = 0;
    // The rule has one step, so that the longest context below it may have more parts than a longer
    // one.
    for (int length : new int[] {Math.min(context, 4096), context}) {
      int per = Kernels.splitTokens(length);
      most = Math.max(most, (length + per - 1) / per);
    }
    return most;
  }

  private static int roundUp(int value) {
    return value <= 1 ? 1 : Integer.highestOneBit(value - 1) << 1;
  }

  private void ensureActivations(int tokens, int wanted, int partials) {
    Activations now = activations;
    if (tokens <= now.maxTokens && wanted <= now.maxWanted && partials <= now.maxPartials) {
      return;
    }
    device.synchronize();
    flights.forEach(Flight::dropGraphs);
    now.close();
    activations =
        new Activations(
            device,
            shape,
            element.bytes(),
            roundUp(Math.max(tokens, now.maxTokens)),
            roundUp(Math.max(wanted, now.maxWanted)),
            roundUp(Math.max(partials, now.maxPartials)));
  }

  private void fill(Flight flight, BatchPlan plan, StepInput in) {
    int blockTokens = options.blockTokens();
    for (int row = 0; row < plan.rows(); row++) {
      int start = plan.start(row);
      int count = plan.count(row);
      int slot = plan.slot(row);
      int table = in.tableEntries;
      for (int b = 0; b < blocksOf(start + count); b++) {
        in.addBlock(plan.block(row, b));
      }
      switch (plan.kind(row)) {
        case DECODE -> {
          int token =
              in.addToken(
                  plan.inputOnDevice(row) ? 0 : slots.token(slot, start),
                  plan.inputOnDevice(row) ? slot : -1,
                  start,
                  cell(in, table, start, blockTokens),
                  table,
                  start + 1,
                  0,
                  0);
          in.addRow(token);
          flight.firstWanted[row] = want(in, token, row, slot, plan, start + 1);
        }
        case VERIFY -> fillVerify(flight, plan, in, row, table);
        case PREFILL -> {
          for (int i = 0; i < count; i++) {
            int at = start + i;
            boolean last = i == count - 1 && plan.inputOnDevice(row);
            int token =
                in.addToken(
                    last ? 0 : slots.token(slot, at),
                    last ? slot : -1,
                    at,
                    cell(in, table, at, blockTokens),
                    table,
                    at + 1,
                    0,
                    0);
            if (i % Kernels.QUERY_TILE == 0) {
              in.addTile(token, Math.min(Kernels.QUERY_TILE, count - i));
            }
          }
          if (plan.emits(row)) {
            flight.firstWanted[row] = want(in, in.tokens - 1, row, slot, plan, start + count);
          }
        }
      }
    }
  }

  private void fillVerify(Flight flight, BatchPlan plan, StepInput in, int row, int table) {
    DraftBatch drafts = flight.drafts;
    int start = plan.start(row);
    for (int node = 0; node < drafts.nodes(row); node++) {
      int depth = drafts.depth(row, node);
      int listed = in.listedEntries;
      for (int i = 0; i <= depth; i++) {
        in.addListed(0);
      }
      int ancestor = node;
      for (int i = depth; i >= 0; i--) {
        in.listed.set(listed + i, cell(in, table, start + ancestor, options.blockTokens()));
        ancestor = drafts.parent(row, ancestor);
      }
      int token =
          in.addToken(
              drafts.token(row, node),
              -1,
              start + depth,
              cell(in, table, start + node, options.blockTokens()),
              table,
              start,
              listed,
              depth + 1);
      in.addRow(token);
      int wanted = in.want(token, -1, 0f, 0f);
      if (node == 0) {
        flight.firstWanted[row] = wanted;
      }
    }
  }

  private int want(StepInput in, int token, int row, int slot, BatchPlan plan, int position) {
    SamplingParameters sampling = slots.sampling(slot);
    if (sampling.temperature() > 0 && onDevice(plan.kind(row), sampling)) {
      float uniform = Math.min(BELOW_ONE, (float) TokenSampler.uniform(sampling.seed(), position));
      return in.want(token, slot, (float) sampling.temperature(), uniform);
    }
    return in.want(token, slot, 0f, 0f);
  }

  private static int cell(StepInput in, int table, int position, int blockTokens) {
    return in.tables.get(table + position / blockTokens) * blockTokens + position % blockTokens;
  }

  // ---- await

  @Override
  public void await(StepResult result) {
    boolean isFlying = false;
    for (Flight flight : flying) {
      isFlying |= flight.result == result;
    }
    while (isFlying) {
      Flight flight = flying.remove();
      isFlying = flight.result != result;
      finish(flight);
    }
  }

  private void finish(Flight flight) {
    Device.Mark start = requireNonNull(flight.start);
    Device.Mark end = requireNonNull(flight.end);
    end.await();
    lastStepMillis = end.millisSince(start);
    requireNonNull(flight.result).elapsed(Math.max(0, Math.round(lastStepMillis * 1e6)));
    flight.closeMarks();
    BatchPlan plan = requireNonNull(flight.plan);
    StepResult result = requireNonNull(flight.result);
    for (int row = 0; row < plan.rows(); row++) {
      if (plan.emits(row)) {
        report(flight, plan, result, row);
      }
    }
    Flight before = lastAwaited;
    if (before != null) {
      idle.add(before);
    }
    lastAwaited = flight;
    flight.plan = null;
    flight.result = null;
  }

  private void report(Flight flight, BatchPlan plan, StepResult result, int row) {
    int slot = plan.slot(row);
    if (slots.handle(slot) != plan.handle(row)) {
      throw new IllegalStateException(
          "slot "
              + slot
              + " must keep handle "
              + plan.handle(row)
              + " until the last plan with it has completed, but holds "
              + slots.handle(slot));
    }
    int first = flight.firstWanted[row];
    SamplingParameters sampling = slots.sampling(slot);
    boolean onHost = sampling.temperature() > 0 && !onDevice(plan.kind(row), sampling);
    if (plan.kind(row) == WorkKind.VERIFY) {
      reportVerify(flight, plan, result, row, onHost);
      return;
    }
    int position = plan.start(row) + plan.count(row);
    flight.reportedFrom[first] = first;
    int token = onHost ? sampleOnHost(flight, first, sampling, position) : flight.chosen(first);
    if (token < 0) {
      result.rowFailed(row, notFinite(row));
      return;
    }
    if (onHost) {
      lastTokenStaging.set(JAVA_INT, 0, token);
      device.upload(lastTokenStaging, lastTokens, (long) slot * Integer.BYTES, Integer.BYTES);
      device.synchronize();
    }
    // A plan behind this one may have taken the token on the device already and marked the next
    // place as known.
    boolean newest = slots.known(slot) <= position + 1;
    if (newest) {
      slots.store(slot, position, token);
    } else {
      slots.tokens(slot)[position] = token;
    }
    result.token(row, token);
    if (slots.stops(slot, token)) {
      result.stop(row);
    }
  }

  private void reportVerify(
      Flight flight, BatchPlan plan, StepResult result, int row, boolean onHost) {
    DraftBatch drafts = flight.drafts;
    int slot = plan.slot(row);
    int start = plan.start(row);
    int first = flight.firstWanted[row];
    SamplingParameters sampling = slots.sampling(slot);
    if (verifyTokens.length < drafts.nodes(row)) {
      verifyTokens = new int[2 * drafts.nodes(row)];
    }
    int reported = 0;
    boolean stops = false;
    int node = 0;
    while (node >= 0 && !stops) {
      int position = start + reported + 1;
      int token =
          onHost
              ? sampleOnHost(flight, first + node, sampling, position)
              : flight.chosen(first + node);
      if (token < 0) {
        result.rowFailed(row, notFinite(row));
        return;
      }
      flight.reportedFrom[first + reported] = first + node;
      verifyTokens[reported++] = token;
      slots.store(slot, position, token);
      stops = slots.stops(slot, token);
      int child = drafts.child(row, node, token);
      if (child >= 0 && !stops && child != reported) {
        kernels
            .get("hw_move_cell")
            .begin()
            .buffer(kv.blocks)
            .integer(cellOf(plan, row, start + child))
            .integer(cellOf(plan, row, start + reported))
            .integer(shape.layers())
            .integer(shape.kvHeads())
            .launch(2 * shape.layers(), 1, 1, kernels.settings().threads());
      }
      node = child;
    }
    result.tokens(row, reported - 1, verifyTokens);
    if (stops) {
      result.stop(row);
    }
  }

  private int cellOf(BatchPlan plan, int row, int position) {
    int blockTokens = options.blockTokens();
    return plan.block(row, position / blockTokens) * blockTokens + position % blockTokens;
  }

  private int sampleOnHost(Flight flight, int wanted, SamplingParameters sampling, int position) {
    download(flight, wanted, hostLogits);
    return sampler.sample(hostLogits, 0, sampling, position);
  }

  private void download(Flight flight, int wanted, double[] into) {
    long bytes = (long) shape.vocabularySize() * Float.BYTES;
    device.download(requireNonNull(flight.logits), wanted * bytes, logitsStaging, bytes);
    device.synchronize();
    for (int i = 0; i < shape.vocabularySize(); i++) {
      into[i] = logitsStaging.getAtIndex(JAVA_FLOAT, i);
    }
  }

  private static ArithmeticException notFinite(int row) {
    return new ArithmeticException("the logits of row " + row + " are not finite");
  }

  @Override
  public void logits(int row, int index, double[] into) {
    Flight flight = lastAwaited;
    if (flight == null
        || row < 0
        || row >= flight.firstWanted.length
        || flight.firstWanted[row] < 0) {
      throw new IllegalArgumentException(
          "row must be an emitting row of the last plan awaited, but was " + row);
    }
    if (into.length < shape.vocabularySize()) {
      throw new IllegalArgumentException(
          "into must have room for " + shape.vocabularySize() + " logits, but has " + into.length);
    }
    int at = flight.firstWanted[row] + index;
    if (index < 0 || at >= flight.maxWanted) {
      throw new IllegalArgumentException(
          "index must be one of the row's reported tokens, but was " + index);
    }
    download(flight, flight.reportedFrom[at], into);
  }

  // ---- blocks

  @Override
  public void readBlock(KvTier tier, int block, ByteBuffer into) {
    check.requireBlock(tier, block);
    requireRoom(into);
    MemorySegment from = blockStaging;
    if (tier == KvTier.DEVICE) {
      device.download(kv.blocks, block * kv.blockBytes, blockStaging, kv.blockBytes);
    } else {
      from = kv.hostBlock(block);
    }
    device.synchronize();
    into.put(from.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN));
  }

  @Override
  public void writeBlock(KvTier tier, int block, int filledTokens, ByteBuffer from) {
    check.requireBlock(tier, block);
    requireRoom(from);
    check.written(tier, block, filledTokens);
    device.synchronize();
    MemorySegment to = tier == KvTier.DEVICE ? blockStaging : kv.hostBlock(block);
    for (long i = 0; i < kv.blockBytes; i++) {
      to.set(JAVA_BYTE, i, from.get());
    }
    if (tier == KvTier.DEVICE) {
      device.upload(blockStaging, kv.blocks, block * kv.blockBytes, kv.blockBytes);
      device.synchronize();
    }
  }

  private void requireRoom(ByteBuffer buffer) {
    if (buffer.remaining() < kv.blockBytes) {
      throw new IllegalArgumentException(
          "the buffer must have "
              + kv.blockBytes
              + " bytes left for one block, but has "
              + buffer.remaining());
    }
  }

  @Override
  public void close() {
    if (open) {
      open = false;
      flights.forEach(Flight::dropGraphs);
      device.close();
    }
  }
}
