package io.headway.executor.gpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.headway.api.model.DecoderShape;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.SignalLevel;
import io.headway.executor.gpu.device.Device;
import io.headway.executor.gpu.device.DeviceBuffer;
import io.headway.executor.gpu.device.ElementType;
import io.headway.executor.gpu.device.Kernel;
import io.headway.executor.gpu.device.Kernels;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The launches of one pass through the decoder, from token ids to chosen tokens. */
final class Forward {
  private final Device device;
  private final DecoderShape shape;
  private final GpuWeights weights;
  private final KvMemory kv;
  private final DeviceBuffer rotation;
  private final DeviceBuffer lastTokens;
  private final ElementType element;
  private final int threads;
  private final float scale;
  private final int qkvWidth;

  private final Kernel inputs;
  private final Kernel embed;
  private final Kernel addRmsNorm;
  private final Kernel gatherRows;
  private final Kernel addBias;
  private final Kernel ropeAppend;
  private final Kernel attentionDecode;
  private final Kernel attentionCombine;
  private final Kernel attentionPrefill;
  private final Kernel swiglu;
  private final Kernel gemm;
  private final Kernel moeCombine;
  private final Kernel argmax;
  private final Kernel sample;

  private final List<ExpertLayer<?>> expertLayers = new ArrayList<>();
  private final RouterInput routerInput = new RouterInput();
  private float[] routerLogits = new float[0];
  private int[] pairRows = new int[0];
  private @Nullable ExpertIndex expertIndex;

  /** Router and state of one layer. */
  private static final class ExpertLayer<S> {
    private final ExpertRouter<S> router;
    private final S state;
    final ExpertAssignments assignments = new ExpertAssignments().signalLevel(SignalLevel.NONE);

    ExpertLayer(ExpertRouter<S> router) {
      this.router = router;
      state = router.newState();
    }

    void route(RouterInput input) {
      router.route(input, state, assignments);
      assignments.indexByExpert();
    }
  }

  /** Who goes to which expert, on host and device. */
  private static final class ExpertIndex {
    final int maxTokens;
    final int maxPairs;
    final MemorySegment hostLogits;
    final MemorySegment hostOrder;
    final MemorySegment hostStarts;
    final MemorySegment hostRows;
    final MemorySegment hostGates;
    final DeviceBuffer order;
    final DeviceBuffer starts;
    final DeviceBuffer rows;
    final DeviceBuffer gates;

    ExpertIndex(Device device, int maxTokens, int maxPairs, int experts) {
      this.maxTokens = maxTokens;
      this.maxPairs = maxPairs;
      hostLogits = device.allocateHost((long) maxTokens * experts * Float.BYTES);
      hostOrder = device.allocateHost((long) maxPairs * Integer.BYTES);
      hostStarts = device.allocateHost((maxTokens + 1L) * Integer.BYTES);
      hostRows = device.allocateHost((long) maxPairs * Integer.BYTES);
      hostGates = device.allocateHost((long) maxPairs * Float.BYTES);
      order = device.allocate((long) maxPairs * Integer.BYTES);
      starts = device.allocate((maxTokens + 1L) * Integer.BYTES);
      rows = device.allocate((long) maxPairs * Integer.BYTES);
      gates = device.allocate((long) maxPairs * Float.BYTES);
    }

    void close() {
      order.close();
      starts.close();
      rows.close();
      gates.close();
    }
  }

  Forward(
      Device device,
      Kernels kernels,
      GpuWeights weights,
      DecoderShape shape,
      KvMemory kv,
      DeviceBuffer rotation,
      DeviceBuffer lastTokens,
      @Nullable ExpertRouter<?> router) {
    this.device = device;
    this.weights = weights;
    this.shape = shape;
    this.kv = kv;
    this.rotation = rotation;
    this.lastTokens = lastTokens;
    element = kernels.settings().element();
    threads = kernels.settings().threads();
    scale = (float) (1.0 / Math.sqrt(shape.headDim()));
    qkvWidth = shape.queryWidth() + 2 * shape.kvWidth();
    inputs = kernels.get("hw_inputs");
    embed = kernels.get("hw_embed");
    addRmsNorm = kernels.get("hw_add_rms_norm");
    gatherRows = kernels.get("hw_gather_rows");
    addBias = kernels.get("hw_add_bias");
    ropeAppend = kernels.get("hw_rope_append");
    attentionDecode = kernels.get("hw_attention_decode");
    attentionCombine = kernels.get("hw_attention_combine");
    attentionPrefill = kernels.get("hw_attention_prefill");
    swiglu = kernels.get("hw_swiglu");
    gemm = kernels.get("hw_gemm");
    moeCombine = kernels.get("hw_moe_combine");
    argmax = kernels.get("hw_argmax");
    sample = kernels.get("hw_sample");
    if (router != null) {
      for (int l = 0; l < shape.layers(); l++) {
        expertLayers.add(new ExpertLayer<>(router));
      }
    }
  }

  /**
   * Enqueues everything between the uploaded input and the chosen tokens.
   *
   * @param in the plan's arrays, uploaded
   * @param maxSplits parts that the longest context is cut into, or more
   * @param logits receives one row of floats per wanted token
   * @param chosen receives one id per wanted token, -1 where logits are not finite
   * @param sampled whether any wanted token is drawn on the device
   */
  void enqueue(
      StepInput in,
      Activations a,
      int maxSplits,
      DeviceBuffer logits,
      DeviceBuffer chosen,
      boolean sampled) {
    int n = in.tokens;
    inputs
        .begin()
        .buffer(in.ids.buffer)
        .buffer(in.inputSlots.buffer)
        .buffer(lastTokens)
        .integer(n)
        .launch(parts(n), 1, 1, threads);
    embed
        .begin()
        .buffer(a.residual)
        .buffer(weights.embedding)
        .buffer(in.ids.buffer)
        .integer(shape.hiddenSize())
        .launch(n, 1, 1, threads);
    boolean hasDelta = false;
    for (int l = 0; l < shape.layers(); l++) {
      GpuWeights.Layer layer = weights.layers.get(l);
      norm(a, hasDelta, layer.inputNorm(), n);
      multiply(a.qkv, 0, false, a.normed, 0, layer.qkv(), n, qkvWidth, shape.hiddenSize());
      DeviceBuffer bias = layer.qkvBias();
      if (bias != null) {
        addBias.begin().buffer(a.qkv).buffer(bias).integer(qkvWidth).launch(n, 1, 1, threads);
      }
      attend(in, a, l, maxSplits);
      multiply(
          a.delta,
          0,
          false,
          a.attended,
          0,
          layer.output(),
          n,
          shape.hiddenSize(),
          shape.queryWidth());
      norm(a, true, layer.postNorm(), n);
      DeviceBuffer router = layer.router();
      if (router == null) {
        feedForward(a, layer.blocks().get(0), a.normed, 0, a.delta, 0, n, 0);
      } else {
        mixture(a, layer, router, expertLayers.get(l), n);
      }
      hasDelta = true;
    }
    norm(a, true, weights.finalNorm, n);
    gatherRows
        .begin()
        .buffer(a.wantedNormed)
        .buffer(a.normed)
        .buffer(in.wantedTokens.buffer)
        .integer(shape.hiddenSize())
        .launch(in.wanted, 1, 1, threads);
    multiply(
        logits,
        0,
        true,
        a.wantedNormed,
        0,
        weights.head,
        in.wanted,
        shape.vocabularySize(),
        shape.hiddenSize());
    argmax
        .begin()
        .buffer(chosen)
        .buffer(lastTokens)
        .buffer(in.wantedSlots.buffer)
        .buffer(logits)
        .integer(shape.vocabularySize())
        .launch(in.wanted, 1, 1, threads);
    if (sampled) {
      sample
          .begin()
          .buffer(chosen)
          .buffer(lastTokens)
          .buffer(in.wantedSlots.buffer)
          .buffer(logits)
          .buffer(in.temperatures.buffer)
          .buffer(in.uniforms.buffer)
          .integer(shape.vocabularySize())
          .launch(in.wanted, 1, 1, threads);
    }
  }

  private int parts(int elements) {
    return (elements + threads - 1) / threads;
  }

  private void norm(Activations a, boolean hasDelta, DeviceBuffer weight, int n) {
    addRmsNorm
        .begin()
        .buffer(a.residual)
        .buffer(a.delta)
        .integer(hasDelta ? 1 : 0)
        .buffer(weight)
        .buffer(a.normed)
        .integer(shape.hiddenSize())
        .real((float) shape.normEpsilon())
        .launch(n, 1, 1, threads);
  }

  private void attend(StepInput in, Activations a, int layer, int maxSplits) {
    ropeAppend
        .begin()
        .buffer(a.qkv)
        .buffer(kv.blocks)
        .buffer(rotation)
        .buffer(in.positions.buffer)
        .buffer(in.cells.buffer)
        .integer(layer)
        .integer(shape.layers())
        .integer(shape.queryHeads())
        .integer(shape.kvHeads())
        .launch(in.tokens, 1, 1, threads);
    if (in.rows > 0) {
      attentionDecode
          .begin()
          .buffer(a.partials)
          .buffer(a.qkv)
          .buffer(kv.blocks)
          .buffer(in.rowTokens.buffer)
          .buffer(in.tableAt.buffer)
          .buffer(in.prefixes.buffer)
          .buffer(in.listedAt.buffer)
          .buffer(in.listedCounts.buffer)
          .buffer(in.tables.buffer)
          .buffer(in.listed.buffer)
          .integer(layer)
          .integer(shape.layers())
          .integer(shape.queryHeads())
          .integer(shape.kvHeads())
          .integer(maxSplits)
          .real(scale)
          .launch(maxSplits, shape.kvHeads(), in.rows, threads);
      attentionCombine
          .begin()
          .buffer(a.attended)
          .buffer(a.partials)
          .buffer(in.rowTokens.buffer)
          .buffer(in.prefixes.buffer)
          .buffer(in.listedCounts.buffer)
          .integer(shape.queryHeads())
          .integer(maxSplits)
          .launch(shape.queryHeads(), in.rows, 1, threads);
    }
    attentionPrefill
        .begin()
        .buffer(a.attended)
        .buffer(a.qkv)
        .buffer(kv.blocks)
        .buffer(in.tileTokens.buffer)
        .buffer(in.tileCounts.buffer)
        .buffer(in.positions.buffer)
        .buffer(in.tableAt.buffer)
        .buffer(in.tables.buffer)
        .integer(layer)
        .integer(shape.layers())
        .integer(shape.queryHeads())
        .integer(shape.kvHeads())
        .real(scale)
        .launch(in.tiles, shape.queryHeads(), 1, threads);
  }

  /**
   * Enqueues one feed-forward block over {@code n} rows; gate and up rows stand from {@code
   * pairRow} on.
   */
  private void feedForward(
      Activations a,
      GpuWeights.FeedForward block,
      DeviceBuffer in,
      int inRow,
      DeviceBuffer out,
      int outRow,
      int n,
      int pairRow) {
    int width = shape.intermediateSize();
    multiply(a.gateUp, pairRow, false, in, inRow, block.gateUp(), n, 2 * width, shape.hiddenSize());
    activate(a, n, pairRow);
    multiply(out, outRow, false, a.activated, pairRow, block.down(), n, shape.hiddenSize(), width);
  }

  private void activate(Activations a, int n, int firstRow) {
    swiglu
        .begin()
        .buffer(a.activated)
        .buffer(a.gateUp)
        .integer(shape.intermediateSize())
        .integer(firstRow)
        .launch(parts(shape.intermediateSize()), n, 1, threads);
  }

  /** The router decides on the host, between the layer's logits and its experts. */
  private void mixture(
      Activations a, GpuWeights.Layer layer, DeviceBuffer router, ExpertLayer<?> experts, int n) {
    multiply(a.routerLogits, 0, true, a.normed, 0, router, n, shape.experts(), shape.hiddenSize());
    ExpertIndex index = expertIndex(n);
    device.download(a.routerLogits, 0, index.hostLogits, (long) n * shape.experts() * Float.BYTES);
    device.synchronize();
    MemorySegment.copy(index.hostLogits, JAVA_FLOAT, 0, routerLogits, 0, n * shape.experts());
    experts.route(routerInput.logits(routerLogits, 0, shape.experts(), n, shape.experts()));
    ExpertAssignments chosen = experts.assignments;
    int pairs = chosen.pairCount();
    if (pairs > index.maxPairs) {
      throw new IllegalStateException(
          "a router of "
              + shape.name()
              + " must choose at most "
              + shape.expertsPerToken()
              + " experts per token, but chose "
              + pairs
              + " for "
              + n
              + " tokens");
    }
    for (int at = 0; at < pairs; at++) {
      int pair = chosen.pairByExpert(at);
      pairRows[pair] = at;
      index.hostOrder.setAtIndex(JAVA_INT, at, chosen.token(pair));
    }
    for (int pair = 0; pair < pairs; pair++) {
      index.hostRows.setAtIndex(JAVA_INT, pair, pairRows[pair]);
      index.hostGates.setAtIndex(JAVA_FLOAT, pair, (float) chosen.gate(pair));
    }
    for (int token = 0; token <= n; token++) {
      index.hostStarts.setAtIndex(JAVA_INT, token, token == n ? pairs : chosen.tokenOffset(token));
    }
    device.upload(index.hostOrder, index.order, 0, (long) pairs * Integer.BYTES);
    device.upload(index.hostRows, index.rows, 0, (long) pairs * Integer.BYTES);
    device.upload(index.hostGates, index.gates, 0, (long) pairs * Float.BYTES);
    device.upload(index.hostStarts, index.starts, 0, (n + 1L) * Integer.BYTES);
    gatherRows
        .begin()
        .buffer(a.expertIn)
        .buffer(a.normed)
        .buffer(index.order)
        .integer(shape.hiddenSize())
        .launch(pairs, 1, 1, threads);
    for (int e = 0; e < shape.experts(); e++) {
      int from = chosen.expertOffset(e);
      int count = chosen.expertOffset(e + 1) - from;
      if (count > 0) {
        feedForward(a, layer.blocks().get(e), a.expertIn, from, a.expertOut, from, count, from);
      }
    }
    moeCombine
        .begin()
        .buffer(a.delta)
        .buffer(a.expertOut)
        .buffer(index.starts)
        .buffer(index.rows)
        .buffer(index.gates)
        .buffer(a.expertOut)
        .integer(0)
        .integer(shape.hiddenSize())
        .launch(n, 1, 1, threads);
  }

  private ExpertIndex expertIndex(int n) {
    ExpertIndex index = expertIndex;
    if (index == null || index.maxTokens < n) {
      if (index != null) {
        device.synchronize();
        index.close();
      }
      int room = Math.max(n, index == null ? 0 : 2 * index.maxTokens);
      index = new ExpertIndex(device, room, room * shape.expertsPerToken(), shape.experts());
      expertIndex = index;
      routerLogits = new float[room * shape.experts()];
      pairRows = new int[room * shape.expertsPerToken()];
    }
    return index;
  }

  /**
   * Enqueues {@code out[outRow..][n] = left[leftRow..][k] * transpose(right[n][k])} over m rows.
   */
  private void multiply(
      DeviceBuffer out,
      int outRow,
      boolean floatOut,
      DeviceBuffer left,
      int leftRow,
      DeviceBuffer right,
      int m,
      int n,
      int k) {
    if (device.multiplies()) {
      device.multiply(
          out,
          (long) outRow * n * (floatOut ? Float.BYTES : element.bytes()),
          floatOut,
          left,
          (long) leftRow * k * element.bytes(),
          right,
          element,
          m,
          n,
          k);
      return;
    }
    int tile = Kernels.GEMM_TILE;
    gemm.begin()
        .buffer(out)
        .buffer(out)
        .integer(floatOut ? 1 : 0)
        .buffer(left)
        .buffer(right)
        .integer(m)
        .integer(n)
        .integer(k)
        .integer(leftRow)
        .integer(outRow)
        .launch((n + tile - 1) / tile, (m + tile - 1) / tile, 1, tile * tile);
  }
}
