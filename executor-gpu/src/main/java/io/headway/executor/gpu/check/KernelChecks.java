package io.headway.executor.gpu.check;

import io.headway.api.model.DecoderShape;
import io.headway.executor.gpu.device.Device;
import io.headway.executor.gpu.device.DeviceBuffer;
import io.headway.executor.gpu.device.ElementType;
import io.headway.executor.gpu.device.Kernel;
import io.headway.executor.gpu.device.KernelSettings;
import io.headway.executor.gpu.device.Kernels;
import io.headway.executor.weights.SeededWeights;
import io.headway.executor.weights.WeightLayout;
import io.headway.executor.weights.WeightTensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Tries every kernel on random inputs against the formula in double precision. Outputs are poisoned
 * first, so that what a kernel does not write shows; inputs are rounded to what the device stores,
 * so that the bound is on the kernel alone.
 */
public final class KernelChecks {
  /** Bound for results stored as floats. */
  static final double FLOAT_BOUND = 2e-5;

  /** Bound for results stored as bfloat16: two units in the last of 8 bits. */
  static final double BF16_BOUND = 1.0 / 128;

  private final Bench bench;
  private final Kernels kernels;
  private final KernelSettings settings;
  private final int threads;
  private final double elementBound;
  private final List<KernelCheck> checks = new ArrayList<>();

  private KernelChecks(Device device, KernelSettings settings, long seed) {
    bench = new Bench(device, settings.element(), seed);
    this.settings = settings;
    kernels = device.build(settings);
    threads = settings.threads();
    elementBound = settings.element() == ElementType.BF16 ? BF16_BOUND : FLOAT_BOUND;
  }

  /**
   * Tries all kernels built for some settings.
   *
   * @param device an open device
   * @param settings constants the kernels are built for
   * @param seed of the inputs
   * @return one entry or more per kernel
   */
  public static List<KernelCheck> run(Device device, KernelSettings settings, long seed) {
    KernelChecks all = new KernelChecks(device, settings, seed);
    all.inputs();
    all.embed();
    all.addRmsNorm(true);
    all.addRmsNorm(false);
    all.gatherRows();
    all.addBias();
    all.ropeAppend();
    all.attention();
    all.swiglu();
    all.gemm(true);
    all.gemm(false);
    if (device.multiplies()) {
      all.multiply(true);
      all.multiply(false);
    }
    all.moeCombine();
    all.argmax();
    all.sample();
    all.moveCell();
    all.seedWeights();
    return List.copyOf(all.checks);
  }

  private void add(String kernel, String inputs, double[] want, double[] got, double allowed) {
    double most = 0;
    double difference = 0;
    for (int i = 0; i < want.length; i++) {
      most = Math.max(most, Math.abs(want[i]));
      double apart = Math.abs(want[i] - got[i]);
      if (Double.isNaN(apart)) {
        difference = Double.NaN;
        break;
      }
      difference = Math.max(difference, apart);
    }
    checks.add(
        new KernelCheck(kernel, inputs, most == 0 ? difference : difference / most, allowed));
  }

  private void addExact(String kernel, String inputs, int[] want, int[] got) {
    checks.add(new KernelCheck(kernel, inputs, java.util.Arrays.equals(want, got) ? 0 : 1, 0));
  }

  private int parts(int elements) {
    return (elements + threads - 1) / threads;
  }

  private int[] randomInts(int count, int bound) {
    int[] values = new int[count];
    for (int i = 0; i < count; i++) {
      values[i] = bench.random.nextInt(bound);
    }
    return values;
  }

  private void inputs() {
    int n = 2 * threads + 3;
    int[] ids = randomInts(n, 1000);
    int[] slots = new int[n];
    int[] last = randomInts(16, 1000);
    int[] want = new int[n];
    for (int i = 0; i < n; i++) {
      slots[i] = bench.random.nextInt(-1, 16);
      want[i] = slots[i] < 0 ? ids[i] : last[slots[i]];
    }
    try (DeviceBuffer in = bench.putInts(ids);
        DeviceBuffer slot = bench.putInts(slots);
        DeviceBuffer lastTokens = bench.putInts(last)) {
      kernels
          .get("hw_inputs")
          .begin()
          .buffer(in)
          .buffer(slot)
          .buffer(lastTokens)
          .integer(n)
          .launch(parts(n), 1, 1, threads);
      addExact("hw_inputs", n + " tokens", want, bench.getInts(in, n));
    }
  }

  private void embed() {
    int hidden = threads + 5;
    int vocabulary = 19;
    int n = 7;
    double[] table = bench.elements(vocabulary * hidden, 1);
    int[] ids = randomInts(n, vocabulary);
    double[] want = new double[n * hidden];
    for (int t = 0; t < n; t++) {
      System.arraycopy(table, ids[t] * hidden, want, t * hidden, hidden);
    }
    try (DeviceBuffer out = bench.poisoned(n * hidden, Float.BYTES);
        DeviceBuffer in = bench.putElements(table);
        DeviceBuffer id = bench.putInts(ids)) {
      kernels
          .get("hw_embed")
          .begin()
          .buffer(out)
          .buffer(in)
          .buffer(id)
          .integer(hidden)
          .launch(n, 1, 1, threads);
      add("hw_embed", n + " x " + hidden, want, bench.getFloats(out, n * hidden), 0);
    }
  }

  private void addRmsNorm(boolean hasDelta) {
    int hidden = 2 * threads + 7;
    int n = 5;
    double epsilon = 1e-5;
    double[] residual = bench.floats(n * hidden, 3);
    double[] delta = bench.elements(n * hidden, 2);
    double[] weight = bench.elements(hidden, 2);
    double[] want = new double[n * hidden];
    double[] sums = new double[n * hidden];
    for (int t = 0; t < n; t++) {
      double squares = 0;
      for (int i = 0; i < hidden; i++) {
        double x = residual[t * hidden + i] + (hasDelta ? delta[t * hidden + i] : 0);
        sums[t * hidden + i] = x;
        squares += x * x;
      }
      double scale = 1 / Math.sqrt(squares / hidden + epsilon);
      for (int i = 0; i < hidden; i++) {
        want[t * hidden + i] = sums[t * hidden + i] * scale * weight[i];
      }
    }
    try (DeviceBuffer inOut = bench.putFloats(residual);
        DeviceBuffer add = bench.putElements(delta);
        DeviceBuffer factor = bench.putElements(weight);
        DeviceBuffer out = bench.poisonedElements(n * hidden)) {
      kernels
          .get("hw_add_rms_norm")
          .begin()
          .buffer(inOut)
          .buffer(add)
          .integer(hasDelta ? 1 : 0)
          .buffer(factor)
          .buffer(out)
          .integer(hidden)
          .real((float) epsilon)
          .launch(n, 1, 1, threads);
      String inputs = n + " x " + hidden + (hasDelta ? " with" : " without") + " delta";
      add("hw_add_rms_norm", inputs, want, bench.getElements(out, n * hidden), elementBound);
      add(
          "hw_add_rms_norm",
          inputs + ", residual",
          sums,
          bench.getFloats(inOut, n * hidden),
          FLOAT_BOUND);
    }
  }

  private void gatherRows() {
    int width = threads + 1;
    int n = 9;
    double[] in = bench.elements(n * width, 1);
    int[] tokens = randomInts(6, n);
    double[] want = new double[tokens.length * width];
    for (int r = 0; r < tokens.length; r++) {
      System.arraycopy(in, tokens[r] * width, want, r * width, width);
    }
    try (DeviceBuffer from = bench.putElements(in);
        DeviceBuffer token = bench.putInts(tokens);
        DeviceBuffer out = bench.poisonedElements(want.length)) {
      kernels
          .get("hw_gather_rows")
          .begin()
          .buffer(out)
          .buffer(from)
          .buffer(token)
          .integer(width)
          .launch(tokens.length, 1, 1, threads);
      add(
          "hw_gather_rows",
          tokens.length + " of " + n,
          want,
          bench.getElements(out, want.length),
          0);
    }
  }

  private void addBias() {
    int width = threads + 9;
    int n = 4;
    double[] values = bench.elements(n * width, 2);
    double[] bias = bench.elements(width, 1);
    double[] want = new double[n * width];
    for (int i = 0; i < want.length; i++) {
      want[i] = values[i] + bias[i % width];
    }
    try (DeviceBuffer inOut = bench.putElements(values);
        DeviceBuffer add = bench.putElements(bias)) {
      kernels
          .get("hw_add_bias")
          .begin()
          .buffer(inOut)
          .buffer(add)
          .integer(width)
          .launch(n, 1, 1, threads);
      add(
          "hw_add_bias",
          n + " x " + width,
          want,
          bench.getElements(inOut, want.length),
          elementBound);
    }
  }

  private int cellOffset(int cell, int layer, int layers, int half, int head, int kvHeads) {
    int block = cell / settings.blockTokens();
    int offset = cell % settings.blockTokens();
    return ((((block * layers + layer) * 2 + half) * settings.blockTokens() + offset) * kvHeads
            + head)
        * settings.headDim();
  }

  private void ropeAppend() {
    int dim = settings.headDim();
    int kvHeads = 2;
    int queryHeads = kvHeads * settings.groupHeads();
    int layers = 2;
    int layer = 1;
    int blocks = 5;
    int n = 6;
    int width = (queryHeads + 2 * kvHeads) * dim;
    int maxPositions = blocks * settings.blockTokens();
    double[] qkv = bench.elements(n * width, 1);
    double[] rotation = new double[maxPositions * dim];
    for (int p = 0; p < maxPositions; p++) {
      for (int i = 0; i < dim / 2; i++) {
        double angle = p * Math.pow(1e4, -2.0 * i / dim);
        rotation[p * dim + i] = (float) Math.cos(angle);
        rotation[p * dim + dim / 2 + i] = (float) Math.sin(angle);
      }
    }
    int[] positions = randomInts(n, maxPositions);
    int[] cells = bench.random.ints(0, maxPositions).distinct().limit(n).toArray();
    int kvElements = blocks * layers * 2 * settings.blockTokens() * kvHeads * dim;
    double[] before = bench.elements(kvElements, 1);
    double[] wantKv = before.clone();
    double[] wantQkv = qkv.clone();
    for (int t = 0; t < n; t++) {
      for (int head = 0; head < queryHeads + kvHeads; head++) {
        for (int i = 0; i < dim / 2; i++) {
          double cosine = rotation[positions[t] * dim + i];
          double sine = rotation[positions[t] * dim + dim / 2 + i];
          double x = qkv[t * width + head * dim + i];
          double y = qkv[t * width + head * dim + dim / 2 + i];
          double[] into = head < queryHeads ? wantQkv : wantKv;
          int at =
              head < queryHeads
                  ? t * width + head * dim + i
                  : cellOffset(cells[t], layer, layers, 0, head - queryHeads, kvHeads) + i;
          into[at] = x * cosine - y * sine;
          into[at + dim / 2] = y * cosine + x * sine;
        }
      }
      for (int i = 0; i < kvHeads * dim; i++) {
        wantKv[cellOffset(cells[t], layer, layers, 1, 0, kvHeads) + i] =
            qkv[t * width + (queryHeads + kvHeads) * dim + i];
      }
    }
    try (DeviceBuffer inOut = bench.putElements(qkv);
        DeviceBuffer kv = bench.putElements(before);
        DeviceBuffer angles = bench.putFloats(rotation);
        DeviceBuffer position = bench.putInts(positions);
        DeviceBuffer cell = bench.putInts(cells)) {
      kernels
          .get("hw_rope_append")
          .begin()
          .buffer(inOut)
          .buffer(kv)
          .buffer(angles)
          .buffer(position)
          .buffer(cell)
          .integer(layer)
          .integer(layers)
          .integer(queryHeads)
          .integer(kvHeads)
          .launch(n, 1, 1, threads);
      add(
          "hw_rope_append",
          n + " tokens, cache",
          wantKv,
          bench.getElements(kv, kvElements),
          elementBound);
      double[] got = bench.getElements(inOut, n * width);
      // Keys and values in the input are left as they were or not; only queries are read again.
      for (int t = 0; t < n; t++) {
        System.arraycopy(
            wantQkv,
            t * width + queryHeads * dim,
            got,
            t * width + queryHeads * dim,
            2 * kvHeads * dim);
      }
      add("hw_rope_append", n + " tokens, queries", wantQkv, got, elementBound);
    }
  }

  /** Decode with its combination, a tree of drafts, and prefill, all over one cache. */
  private void attention() {
    int dim = settings.headDim();
    int kvHeads = 2;
    int queryHeads = kvHeads * settings.groupHeads();
    int layers = 2;
    int layer = 1;
    int blockTokens = settings.blockTokens();
    int[] contexts = {1, blockTokens, 31, 33, 127, 129, 300};
    int longest = 300;
    int tableBlocks = (longest + blockTokens - 1) / blockTokens;
    int blocks = contexts.length * tableBlocks;
    int[] shuffled = new int[blocks];
    for (int i = 0; i < blocks; i++) {
      int j = bench.random.nextInt(i + 1);
      shuffled[i] = shuffled[j];
      shuffled[j] = i;
    }
    int width = (queryHeads + 2 * kvHeads) * dim;
    int kvElements = blocks * layers * 2 * blockTokens * kvHeads * dim;
    double[] kv = bench.elements(kvElements, 1);
    float scale = (float) (1 / Math.sqrt(dim));

    // Tokens: one decode per context, a chain of three nodes in a tree behind 40 positions, a chunk
    // of 21 at 19.
    int chunk = 21;
    int chunkStart = 19;
    int treePrefix = 40;
    int n = contexts.length + 3 + chunk;
    double[] qkv = bench.elements(n * width, 2);
    int[] tableAt = new int[n];
    int[] prefixes = new int[n];
    int[] listedAt = new int[n];
    int[] listedCounts = new int[n];
    int[] positions = new int[n];
    int[] rows = new int[contexts.length + 3];
    List<Integer> listed = new ArrayList<>();
    for (int c = 0; c < contexts.length; c++) {
      tableAt[c] = c * tableBlocks;
      prefixes[c] = contexts[c];
      positions[c] = contexts[c] - 1;
      rows[c] = c;
    }
    int tree = contexts.length;
    int treeTable = 6 * tableBlocks;
    int[] treeCells = new int[3];
    for (int i = 0; i < 3; i++) {
      int stored = treePrefix + 2 * i;
      treeCells[i] =
          shuffled[treeTable + stored / blockTokens] * blockTokens + stored % blockTokens;
    }
    for (int i = 0; i < 3; i++) {
      int t = tree + i;
      tableAt[t] = treeTable;
      prefixes[t] = treePrefix;
      listedAt[t] = listed.size();
      listedCounts[t] = i + 1;
      for (int a = 0; a <= i; a++) {
        listed.add(treeCells[a]);
      }
      rows[tree + i] = t;
    }
    int first = tree + 3;
    for (int i = 0; i < chunk; i++) {
      tableAt[first + i] = 5 * tableBlocks;
      positions[first + i] = chunkStart + i;
      prefixes[first + i] = chunkStart + i + 1;
    }
    double[] want = new double[n * queryHeads * dim];
    for (int t = 0; t < n; t++) {
      int[] seen = new int[prefixes[t] + listedCounts[t]];
      for (int p = 0; p < seen.length; p++) {
        seen[p] =
            p < prefixes[t]
                ? shuffled[tableAt[t] + p / blockTokens] * blockTokens + p % blockTokens
                : listed.get(listedAt[t] + p - prefixes[t]);
      }
      for (int head = 0; head < queryHeads; head++) {
        reference(
            qkv,
            t * width + head * dim,
            kv,
            seen,
            layer,
            layers,
            head,
            kvHeads,
            scale,
            want,
            (t * queryHeads + head) * dim);
      }
    }
    int maxSplits = 3;
    int tiles = (chunk + Kernels.QUERY_TILE - 1) / Kernels.QUERY_TILE;
    int[] tileTokens = new int[tiles];
    int[] tileCounts = new int[tiles];
    for (int i = 0; i < tiles; i++) {
      tileTokens[i] = first + i * Kernels.QUERY_TILE;
      tileCounts[i] = Math.min(Kernels.QUERY_TILE, chunk - i * Kernels.QUERY_TILE);
    }
    try (DeviceBuffer query = bench.putElements(qkv);
        DeviceBuffer cache = bench.putElements(kv);
        DeviceBuffer rowTokens = bench.putInts(rows);
        DeviceBuffer table = bench.putInts(tableAt);
        DeviceBuffer prefix = bench.putInts(prefixes);
        DeviceBuffer listAt = bench.putInts(listedAt);
        DeviceBuffer listCount = bench.putInts(listedCounts);
        DeviceBuffer tables = bench.putInts(shuffled);
        DeviceBuffer list = bench.putInts(listed.stream().mapToInt(Integer::intValue).toArray());
        DeviceBuffer position = bench.putInts(positions);
        DeviceBuffer tileToken = bench.putInts(tileTokens);
        DeviceBuffer tileCount = bench.putInts(tileCounts);
        DeviceBuffer partials =
            bench.poisoned(rows.length * queryHeads * maxSplits * (dim + 2), Float.BYTES);
        DeviceBuffer out = bench.poisonedElements(want.length)) {
      kernels
          .get("hw_attention_decode")
          .begin()
          .buffer(partials)
          .buffer(query)
          .buffer(cache)
          .buffer(rowTokens)
          .buffer(table)
          .buffer(prefix)
          .buffer(listAt)
          .buffer(listCount)
          .buffer(tables)
          .buffer(list)
          .integer(layer)
          .integer(layers)
          .integer(queryHeads)
          .integer(kvHeads)
          .integer(maxSplits)
          .real(scale)
          .launch(maxSplits, kvHeads, rows.length, threads);
      kernels
          .get("hw_attention_combine")
          .begin()
          .buffer(out)
          .buffer(partials)
          .buffer(rowTokens)
          .buffer(prefix)
          .buffer(listCount)
          .integer(queryHeads)
          .integer(maxSplits)
          .launch(queryHeads, rows.length, 1, threads);
      kernels
          .get("hw_attention_prefill")
          .begin()
          .buffer(out)
          .buffer(query)
          .buffer(cache)
          .buffer(tileToken)
          .buffer(tileCount)
          .buffer(position)
          .buffer(table)
          .buffer(tables)
          .integer(layer)
          .integer(layers)
          .integer(queryHeads)
          .integer(kvHeads)
          .real(scale)
          .launch(tiles, queryHeads, 1, threads);
      double[] got = bench.getElements(out, want.length);
      int perToken = queryHeads * dim;
      slice("hw_attention_decode", "contexts 1 to 300", want, got, 0, tree * perToken);
      slice(
          "hw_attention_combine",
          "a chain of 3 drafts behind 40",
          want,
          got,
          tree * perToken,
          first * perToken);
      slice(
          "hw_attention_prefill", "21 tokens behind 19", want, got, first * perToken, n * perToken);
    }
  }

  private void slice(String kernel, String inputs, double[] want, double[] got, int from, int to) {
    add(
        kernel,
        inputs,
        java.util.Arrays.copyOfRange(want, from, to),
        java.util.Arrays.copyOfRange(got, from, to),
        elementBound);
  }

  private void reference(
      double[] qkv,
      int query,
      double[] kv,
      int[] seen,
      int layer,
      int layers,
      int head,
      int kvHeads,
      double scale,
      double[] out,
      int at) {
    int dim = settings.headDim();
    int kvHead = head / settings.groupHeads();
    double[] scores = new double[seen.length];
    double top = Double.NEGATIVE_INFINITY;
    for (int p = 0; p < seen.length; p++) {
      int key = cellOffset(seen[p], layer, layers, 0, kvHead, kvHeads);
      double score = 0;
      for (int d = 0; d < dim; d++) {
        score += qkv[query + d] * kv[key + d];
      }
      scores[p] = score * scale;
      top = Math.max(top, scores[p]);
    }
    double sum = 0;
    double[] value = new double[dim];
    for (int p = 0; p < seen.length; p++) {
      double weight = Math.exp(scores[p] - top);
      sum += weight;
      int from = cellOffset(seen[p], layer, layers, 1, kvHead, kvHeads);
      for (int d = 0; d < dim; d++) {
        value[d] += weight * kv[from + d];
      }
    }
    for (int d = 0; d < dim; d++) {
      out[at + d] = value[d] / sum;
    }
  }

  private void swiglu() {
    int width = threads + 3;
    int n = 4;
    int firstRow = 2;
    double[] gateUp = bench.elements((n + firstRow) * 2 * width, 4);
    double[] want = new double[n * width];
    for (int t = 0; t < n; t++) {
      for (int i = 0; i < width; i++) {
        double gate = gateUp[(firstRow + t) * 2 * width + i];
        want[t * width + i] =
            gate / (1 + Math.exp(-gate)) * gateUp[(firstRow + t) * 2 * width + width + i];
      }
    }
    try (DeviceBuffer in = bench.putElements(gateUp);
        DeviceBuffer out = bench.poisonedElements((n + firstRow) * width)) {
      kernels
          .get("hw_swiglu")
          .begin()
          .buffer(out)
          .buffer(in)
          .integer(width)
          .integer(firstRow)
          .launch(parts(width), n, 1, threads);
      double[] got = bench.getElements(out, (n + firstRow) * width);
      add(
          "hw_swiglu",
          n + " x " + width,
          want,
          java.util.Arrays.copyOfRange(got, firstRow * width, got.length),
          elementBound);
    }
  }

  private double[] product(double[] left, int leftRow, double[] right, int m, int n, int k) {
    double[] want = new double[m * n];
    for (int i = 0; i < m; i++) {
      for (int j = 0; j < n; j++) {
        double sum = 0;
        for (int d = 0; d < k; d++) {
          sum += left[(leftRow + i) * k + d] * right[j * k + d];
        }
        want[i * n + j] = sum;
      }
    }
    return want;
  }

  private void gemm(boolean toFloat) {
    int m = 19;
    int n = 37;
    int k = 53;
    int leftRow = 2;
    int outRow = 1;
    double[] left = bench.elements((m + leftRow) * k, 1);
    double[] right = bench.elements(n * k, 1);
    double[] want = product(left, leftRow, right, m, n, k);
    int tile = Kernels.GEMM_TILE;
    try (DeviceBuffer a = bench.putElements(left);
        DeviceBuffer b = bench.putElements(right);
        DeviceBuffer out =
            bench.poisoned((m + outRow) * n, toFloat ? Float.BYTES : bench.element.bytes())) {
      Kernel gemm = kernels.get("hw_gemm");
      gemm.begin()
          .buffer(out)
          .buffer(out)
          .integer(toFloat ? 1 : 0)
          .buffer(a)
          .buffer(b)
          .integer(m)
          .integer(n)
          .integer(k)
          .integer(leftRow)
          .integer(outRow)
          .launch((n + tile - 1) / tile, (m + tile - 1) / tile, 1, tile * tile);
      double[] all =
          toFloat
              ? bench.getFloats(out, (m + outRow) * n)
              : bench.getElements(out, (m + outRow) * n);
      double[] got = java.util.Arrays.copyOfRange(all, outRow * n, all.length);
      add(
          "hw_gemm",
          m + " x " + n + " x " + k + (toFloat ? " to float" : ""),
          want,
          got,
          toFloat ? FLOAT_BOUND : elementBound);
    }
  }

  private void multiply(boolean toFloat) {
    int m = 24;
    int n = 64;
    int k = 128;
    double[] left = bench.elements(m * k, 1);
    double[] right = bench.elements(n * k, 1);
    double[] want = product(left, 0, right, m, n, k);
    try (DeviceBuffer a = bench.putElements(left);
        DeviceBuffer b = bench.putElements(right);
        DeviceBuffer out = bench.poisoned(m * n, toFloat ? Float.BYTES : bench.element.bytes())) {
      bench.device.multiply(out, 0, toFloat, a, 0, b, bench.element, m, n, k);
      add(
          "vendor product",
          m + " x " + n + " x " + k + (toFloat ? " to float" : ""),
          want,
          toFloat ? bench.getFloats(out, m * n) : bench.getElements(out, m * n),
          // A vendor's float product may use shorter multiplications.
          toFloat && bench.element == ElementType.BF16
              ? FLOAT_BOUND
              : Math.max(elementBound, 1e-3));
    }
  }

  private void moeCombine() {
    int width = threads + 3;
    int[] starts = {0, 2, 2, 3};
    int[] rows = {4, 0, 2};
    double[] gates = bench.floats(3, 1);
    double[] in = bench.elements(5 * width, 1);
    double[] shared = bench.elements(3 * width, 1);
    double[] want = shared.clone();
    for (int t = 0; t < 3; t++) {
      for (int entry = starts[t]; entry < starts[t + 1]; entry++) {
        for (int i = 0; i < width; i++) {
          want[t * width + i] += gates[entry] * in[rows[entry] * width + i];
        }
      }
    }
    try (DeviceBuffer out = bench.poisonedElements(3 * width);
        DeviceBuffer from = bench.putElements(in);
        DeviceBuffer start = bench.putInts(starts);
        DeviceBuffer row = bench.putInts(rows);
        DeviceBuffer gate = bench.putFloats(gates);
        DeviceBuffer base = bench.putElements(shared)) {
      kernels
          .get("hw_moe_combine")
          .begin()
          .buffer(out)
          .buffer(from)
          .buffer(start)
          .buffer(row)
          .buffer(gate)
          .buffer(base)
          .integer(1)
          .integer(width)
          .launch(3, 1, 1, threads);
      add(
          "hw_moe_combine",
          "3 tokens, one unrouted",
          want,
          bench.getElements(out, 3 * width),
          elementBound);
    }
  }

  private void argmax() {
    int vocabulary = 3 * threads + 11;
    int n = 4;
    double[] logits = bench.floats(n * vocabulary, 5);
    // Row 1: the largest value twice, the lower id wins. Row 2: a NaN. Row 3: an infinity.
    logits[vocabulary + 17] = 9;
    logits[vocabulary + 3 * threads + 2] = 9;
    logits[2 * vocabulary + 5] = Double.NaN;
    logits[3 * vocabulary + 2 * threads] = Double.POSITIVE_INFINITY;
    int[] want = {0, 17, -1, -1};
    for (int i = 0; i < vocabulary; i++) {
      if (logits[i] > logits[want[0]]) {
        want[0] = i;
      }
    }
    int[] slots = {2, -1, 0, 1};
    try (DeviceBuffer out = bench.poisoned(n, Integer.BYTES);
        DeviceBuffer last = bench.putInts(7, 7, 7);
        DeviceBuffer slot = bench.putInts(slots);
        DeviceBuffer in = bench.putFloats(logits)) {
      kernels
          .get("hw_argmax")
          .begin()
          .buffer(out)
          .buffer(last)
          .buffer(slot)
          .buffer(in)
          .integer(vocabulary)
          .launch(n, 1, 1, threads);
      addExact("hw_argmax", "ties, NaN and infinity", want, bench.getInts(out, n));
      addExact(
          "hw_argmax", "last tokens by slot", new int[] {0, 0, want[0]}, bench.getInts(last, 3));
    }
  }

  private void sample() {
    int vocabulary = 2 * threads + 7;
    int n = 40;
    double temperature = 0.7;
    double[] logits = bench.floats(n * vocabulary, 2);
    double[] temperatures = new double[n];
    double[] uniforms = bench.floats(n, 1);
    int[] slots = new int[n];
    int[] greedy = randomInts(n, vocabulary);
    greedy[5] = -1;
    int wrong = 0;
    try (DeviceBuffer out = bench.putInts(greedy);
        DeviceBuffer last = bench.putInts(new int[n]);
        DeviceBuffer in = bench.putFloats(logits)) {
      for (int r = 0; r < n; r++) {
        temperatures[r] = r % 10 == 3 ? 0 : (float) temperature;
        uniforms[r] = Math.min(Math.abs(uniforms[r]), Math.nextDown(1f));
        slots[r] = r;
      }
      try (DeviceBuffer slot = bench.putInts(slots);
          DeviceBuffer heat = bench.putFloats(temperatures);
          DeviceBuffer uniform = bench.putFloats(uniforms)) {
        kernels
            .get("hw_sample")
            .begin()
            .buffer(out)
            .buffer(last)
            .buffer(slot)
            .buffer(in)
            .buffer(heat)
            .buffer(uniform)
            .integer(vocabulary)
            .launch(n, 1, 1, threads);
      }
      int[] got = bench.getInts(out, n);
      for (int r = 0; r < n; r++) {
        boolean left = temperatures[r] == 0 || greedy[r] < 0;
        wrong +=
            left
                ? (got[r] == greedy[r] ? 0 : 1)
                : drawn(logits, r * vocabulary, vocabulary, temperatures[r], uniforms[r], got[r])
                    ? 0
                    : 1;
      }
    }
    checks.add(new KernelCheck("hw_sample", n + " rows", wrong, 0));
  }

  /**
   * Whether a token's share of the distribution holds the uniform number, up to the rounding of a
   * float sum.
   */
  private static boolean drawn(
      double[] logits, int base, int vocabulary, double temperature, double uniform, int token) {
    if (token < 0 || token >= vocabulary) {
      return false;
    }
    double total = 0;
    double before = 0;
    double after = 0;
    for (int i = 0; i < vocabulary; i++) {
      if (i == token) {
        before = total;
      }
      total += Math.exp(logits[base + i] / temperature);
      if (i == token) {
        after = total;
      }
    }
    double slack = 1e-5 * total;
    return uniform * total >= before - slack && uniform * total <= after + slack;
  }

  private void moveCell() {
    int kvHeads = 3;
    int layers = 2;
    int elements = 4 * layers * 2 * settings.blockTokens() * kvHeads * settings.headDim();
    double[] kv = bench.elements(elements, 1);
    double[] want = kv.clone();
    int source = 3 * settings.blockTokens();
    int target = 1;
    for (int layer = 0; layer < layers; layer++) {
      for (int half = 0; half < 2; half++) {
        System.arraycopy(
            kv,
            cellOffset(source, layer, layers, half, 0, kvHeads),
            want,
            cellOffset(target, layer, layers, half, 0, kvHeads),
            kvHeads * settings.headDim());
      }
    }
    try (DeviceBuffer inOut = bench.putElements(kv)) {
      kernels
          .get("hw_move_cell")
          .begin()
          .buffer(inOut)
          .integer(source)
          .integer(target)
          .integer(layers)
          .integer(kvHeads)
          .launch(2 * layers, 1, 1, threads);
      add("hw_move_cell", "one cell", want, bench.getElements(inOut, elements), 0);
    }
  }

  private void seedWeights() {
    SeededWeights weights = new SeededWeights(DecoderShape.TINY_BIAS, bench.random.nextLong());
    for (WeightTensor tensor :
        List.of(
            WeightLayout.embedding(weights.shape()),
            WeightLayout.finalNorm(weights.shape()),
            WeightLayout.bias(weights.shape(), 1, "k"),
            WeightLayout.down(weights.shape(), 0, 0))) {
      int count = (int) tensor.elements();
      float[] made = new float[count];
      weights.read(tensor, 0, made, 0, count);
      double[] want = new double[count];
      for (int i = 0; i < count; i++) {
        want[i] = bench.element.round(made[i]);
      }
      long key = weights.key(tensor.name());
      try (DeviceBuffer out = bench.poisonedElements(count)) {
        kernels
            .get("hw_seed_weights")
            .begin()
            .buffer(out)
            .integer(0)
            .integer(count)
            .integer((int) key)
            .integer((int) (key >>> 32))
            .real(SeededWeights.offset(tensor))
            .real(SeededWeights.scale(tensor))
            .launch(parts(count), 1, 1, threads);
        add("hw_seed_weights", tensor.name(), want, bench.getElements(out, count), 0);
      }
    }
  }
}
