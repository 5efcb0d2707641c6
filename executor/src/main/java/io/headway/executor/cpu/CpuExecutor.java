package io.headway.executor.cpu;

import io.headway.api.batching.WorkKind;
import io.headway.api.memory.KvTier;
import io.headway.api.model.DecoderShape;
import io.headway.executor.DraftBatch;
import io.headway.executor.Executor;
import io.headway.executor.ExecutorOptions;
import io.headway.executor.PlanCheck;
import io.headway.executor.SamplingParameters;
import io.headway.executor.SequenceSlots;
import io.headway.executor.TokenSampler;
import io.headway.executor.weights.Weights;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.StepResult;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Executes plans in the caller's thread and, if asked for, some more. A plan is finished when
 * {@link #enqueue} returns; what it took is measured by {@link ExecutorOptions#clock}.
 *
 * @param <A> {@code float[]} or {@code double[]}
 */
final class CpuExecutor<A> implements Executor {
  private static final int MOST_ROW_ENDS = 1 << 30;

  private final String device;
  private final DecoderShape shape;
  private final ExecutorOptions options;
  private final int blockTokens;
  private final KvStore<A> deviceKv;
  private final KvStore<A> hostKv;
  private final Decoder<A> decoder;
  private final SequenceSlots slots;
  private final PlanCheck check;
  private final DraftBatch drafts = new DraftBatch();
  private final Batch batch = new Batch();
  private final TokenSampler sampler;
  private final double[] row;

  // Where the logits of the last plan's reported tokens are.
  private long lastStep = -1;
  private int lastRows;
  private int[] firstWanted = new int[16];
  private int[] reportedFrom = new int[17];
  private int[] reportedWanted = new int[64];
  private int[] path = new int[16];
  private int[] output = new int[16];
  private boolean closed;

  CpuExecutor(Kernels<A> kernels, Weights weights, ExecutorOptions options, String device) {
    this.device = device;
    this.options = options;
    shape = weights.shape();
    blockTokens = options.blockTokens();
    deviceKv = new KvStore<>(kernels, shape, blockTokens, options.deviceBlocks());
    hostKv = new KvStore<>(kernels, shape, blockTokens, options.hostBlocks());
    decoder =
        new Decoder<>(
            kernels,
            new DecoderWeights<>(kernels, weights),
            shape,
            deviceKv,
            blockTokens,
            options.threads(),
            options.routerFor(Math.max(1, shape.expertsPerToken())));
    slots = new SequenceSlots(shape, options.maxSequences());
    check = new PlanCheck(slots, shape.maxPositions(), options);
    sampler = new TokenSampler(shape.vocabularySize());
    row = new double[shape.vocabularySize()];
  }

  @Override
  public String id() {
    return CpuExecutorProvider.ID;
  }

  @Override
  public String device() {
    return device;
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

  @Override
  public void enqueue(BatchPlan plan, StepResult result) {
    requireOpen();
    if (options.checkPlans()) {
      check.accept(plan);
    }
    long began = options.clock().nanos().getAsLong();
    drafts.draft(plan, slots, options.drafter(), shape.vocabularySize());
    result.begin(plan);
    for (int m = 0; m < plan.moves(); m++) {
      KvStore.move(plan.moveKind(m), plan.moveSource(m), plan.moveTarget(m), deviceKv, hostKv);
    }
    gather(plan);
    decoder.forward(batch);
    report(plan, result);
    result.elapsed(options.clock().nanos().getAsLong() - began);
  }

  @Override
  public void await(StepResult result) {
    // Complete since enqueue returned.
  }

  // ---- the batch

  private void gather(BatchPlan plan) {
    batch.clear();
    lastStep = plan.stepId();
    lastRows = plan.rows();
    if (firstWanted.length < lastRows) {
      firstWanted = new int[2 * lastRows];
      reportedFrom = new int[2 * lastRows + 1];
    }
    for (int r = 0; r < plan.rows(); r++) {
      int tableAt = batch.tableEntries;
      int end = plan.start(r) + plan.count(r);
      for (int b = 0; b * blockTokens < end; b++) {
        batch.addBlock(plan.block(r, b));
      }
      firstWanted[r] = batch.wantedCount;
      if (plan.kind(r) == WorkKind.VERIFY) {
        gatherTree(plan, r, tableAt);
      } else {
        gatherChunk(plan, r, tableAt);
      }
    }
  }

  private void gatherChunk(BatchPlan plan, int r, int tableAt) {
    int slot = plan.slot(r);
    int start = plan.start(r);
    int end = start + plan.count(r);
    for (int p = start; p < end; p++) {
      batch.addToken(
          slots.token(slot, p), p, cell(tableAt, p), tableAt, p + 1, batch.listedEntries);
    }
    if (plan.emits(r)) {
      batch.wantLogits();
    }
  }

  /** Adds the nodes of a verify row; each sees the stored context and its way from the root. */
  private void gatherTree(BatchPlan plan, int r, int tableAt) {
    int start = plan.start(r);
    for (int node = 0; node < drafts.nodes(r); node++) {
      int depth = drafts.depth(r, node);
      path = room(path, depth + 1);
      for (int at = node, d = depth; at >= 0; at = drafts.parent(r, at), d--) {
        path[d] = at;
      }
      int listedAt = batch.listedEntries;
      for (int d = 0; d <= depth; d++) {
        batch.addListed(cell(tableAt, start + path[d]));
      }
      batch.addToken(
          drafts.token(r, node),
          start + depth,
          cell(tableAt, start + node),
          tableAt,
          start,
          listedAt);
      batch.wantLogits();
    }
  }

  private int cell(int tableAt, int position) {
    return batch.table[tableAt + position / blockTokens] * blockTokens + position % blockTokens;
  }

  // ---- the result

  private void report(BatchPlan plan, StepResult result) {
    int reported = 0;
    int tableAt = 0;
    for (int r = 0; r < plan.rows(); r++) {
      reportedFrom[r] = reported;
      int end = plan.start(r) + plan.count(r);
      if (plan.kind(r) == WorkKind.VERIFY) {
        reported = verify(plan, result, r, tableAt, reported);
      } else if (plan.emits(r)) {
        int slot = plan.slot(r);
        int token = choose(firstWanted[r], slot, end);
        if (token == TokenSampler.NOT_FINITE) {
          result.rowFailed(r, notFinite(plan, r));
        } else {
          slots.store(slot, end, token);
          result.token(r, token);
          if (slots.stops(slot, token)) {
            result.stop(r);
          }
          reportedWanted = room(reportedWanted, reported + 1);
          reportedWanted[reported++] = firstWanted[r];
        }
      }
      tableAt += (end + blockTokens - 1) / blockTokens;
    }
    reportedFrom[plan.rows()] = reported;
  }

  private int verify(BatchPlan plan, StepResult result, int r, int tableAt, int reportedBefore) {
    int slot = plan.slot(r);
    int start = plan.start(r);
    int reported = reportedBefore;
    int node = 0;
    int accepted = 0;
    while (true) {
      int token = choose(firstWanted[r] + node, slot, start + accepted + 1);
      if (token == TokenSampler.NOT_FINITE) {
        result.rowFailed(r, notFinite(plan, r));
        return reportedBefore;
      }
      output = room(output, accepted + 1);
      output[accepted] = token;
      slots.store(slot, start + accepted + 1, token);
      reportedWanted = room(reportedWanted, reported + 1);
      reportedWanted[reported++] = firstWanted[r] + node;
      if (slots.stops(slot, token)) {
        result.tokens(r, accepted, output);
        result.stop(r);
        return reported;
      }
      int child = drafts.child(r, node, token);
      if (child < 0) {
        result.tokens(r, accepted, output);
        return reported;
      }
      accepted++;
      if (child != accepted) {
        deviceKv.copyCell(cell(tableAt, start + child), cell(tableAt, start + accepted));
      }
      node = child;
    }
  }

  private int choose(int wanted, int slot, int position) {
    decoder.logits(wanted, row);
    return sampler.sample(row, 0, slots.sampling(slot), position);
  }

  private ArithmeticException notFinite(BatchPlan plan, int r) {
    return new ArithmeticException(
        "row "
            + r
            + " of step "
            + plan.stepId()
            + ": a logit of "
            + shape.name()
            + " in "
            + options.precision()
            + " is NaN or infinite");
  }

  @Override
  public void logits(int r, int index, double[] into) {
    if (r < 0 || r >= lastRows) {
      throw new IllegalArgumentException(
          "row must be from 0 to "
              + (lastRows - 1)
              + " of step "
              + lastStep
              + ", the last one executed, but was "
              + r);
    }
    int count = reportedFrom[r + 1] - reportedFrom[r];
    if (index < 0 || index >= count) {
      throw new IllegalArgumentException(
          "index must be below the "
              + count
              + " tokens that row "
              + r
              + " reported, but was "
              + index);
    }
    if (into.length < shape.vocabularySize()) {
      throw new IllegalArgumentException(
          "into must have room for vocabularySize = "
              + shape.vocabularySize()
              + " logits, but has "
              + into.length);
    }
    decoder.logits(reportedWanted[reportedFrom[r] + index], into);
  }

  // ---- blocks from and to elsewhere

  @Override
  public void readBlock(KvTier tier, int block, ByteBuffer into) {
    check.requireBlock(tier, block);
    requireRoom(into);
    store(tier).write(block, into.order(ByteOrder.LITTLE_ENDIAN));
  }

  @Override
  public void writeBlock(KvTier tier, int block, int filledTokens, ByteBuffer from) {
    requireRoom(from);
    check.written(tier, block, filledTokens);
    store(tier).read(block, from.order(ByteOrder.LITTLE_ENDIAN));
  }

  private KvStore<A> store(KvTier tier) {
    return tier == KvTier.HOST ? hostKv : deviceKv;
  }

  private void requireRoom(ByteBuffer buffer) {
    if (buffer.remaining() < kvBlockBytes()) {
      throw new IllegalArgumentException(
          "a buffer for one block must have kvBlockBytes = "
              + kvBlockBytes()
              + " bytes remaining, but has "
              + buffer.remaining());
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the executor is closed");
    }
  }

  @Override
  public void close() {
    closed = true;
    decoder.close();
  }

  private static int[] room(int[] array, int length) {
    return array.length >= length
        ? array
        : Arrays.copyOf(array, Math.min(MOST_ROW_ENDS, Math.max(length, 2 * array.length)));
  }
}
