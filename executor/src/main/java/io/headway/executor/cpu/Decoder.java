package io.headway.executor.cpu;

import io.headway.api.model.DecoderShape;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.RouterInput;
import io.headway.executor.cpu.DecoderWeights.FeedForward;
import io.headway.executor.cpu.DecoderWeights.Layer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The forward pass of {@link DecoderShape} over a {@link Batch}. What is computed for a token
 * depends on the token, its position and the KV it sees, and on nothing else of the batch, to the
 * last bit; with experts this holds for routers that decide token by token.
 *
 * <p>Allocates only when a batch is larger than any before.
 *
 * @param <A> {@code float[]} or {@code double[]}
 */
final class Decoder<A> implements Team.Work, AutoCloseable {
  private static final int MULTIPLY = 0;
  private static final int ATTEND = 1;
  private static final int SWIGLU = 2;

  /** Operations below which a task is not worth dividing. */
  private static final long WORTH_DIVIDING = 1 << 16;

  private final Kernels<A> kernels;
  private final DecoderShape shape;
  private final DecoderWeights<A> weights;
  private final KvStore<A> kv;
  private final int blockTokens;
  private final Team team;
  private final List<ExpertLayer<?>> routers = new ArrayList<>();
  private final RouterInput routerInput = new RouterInput();

  /** Where the parts of a task collect the sums of a tile. */
  private final List<A> firstSums = new ArrayList<>();

  private final List<A> secondSums = new ArrayList<>();

  private A cosines;
  private A sines;
  private int anglesKnown;

  private int tokenRoom;
  private A stream;
  private A normed;
  private A query;
  private A key;
  private A value;
  private A attended;
  private A gate;
  private A up;
  private A partial;
  private A scores;
  private int scoreRoom;
  private A logits;
  private int logitRoom;
  private A gathered;
  private A expertOut;
  private int pairRoom;
  private A routerLogits;
  private double[] routerDoubles = new double[0];
  private long[] routerTokens = new long[0];

  // What the parts of the task at hand work on.
  private Batch batch = new Batch();
  private int layerIndex;
  private @Nullable PackedMatrix<A> matrix;
  private A input;
  private A output;
  private int rows;

  Decoder(
      Kernels<A> kernels,
      DecoderWeights<A> weights,
      DecoderShape shape,
      KvStore<A> kv,
      int blockTokens,
      int threads,
      ExpertRouter<?> router) {
    this.kernels = kernels;
    this.weights = weights;
    this.shape = shape;
    this.kv = kv;
    this.blockTokens = blockTokens;
    if (shape.isMixture()) {
      for (int layer = 0; layer < shape.layers(); layer++) {
        routers.add(new ExpertLayer<>(router));
      }
    }
    for (int part = 0; part < threads; part++) {
      firstSums.add(kernels.array(PackedMatrix.TILE));
      secondSums.add(kernels.array(PackedMatrix.TILE));
    }
    A none = kernels.array(0);
    cosines = none;
    sines = none;
    stream = none;
    normed = none;
    query = none;
    key = none;
    value = none;
    attended = none;
    gate = none;
    up = none;
    partial = none;
    scores = none;
    logits = none;
    gathered = none;
    expertOut = none;
    routerLogits = none;
    input = none;
    output = none;
    team = new Team(this, threads);
  }

  /** Computes all layers for all tokens, and the logits of the wanted ones. */
  void forward(Batch tokens) {
    batch = tokens;
    int n = tokens.tokens;
    reserve(n, tokens.mostVisible, tokens.wantedCount);
    int hidden = shape.hiddenSize();
    for (int t = 0; t < n; t++) {
      copy(weights.embedding, tokens.token[t] * hidden, stream, t * hidden, hidden);
      prepareAngles(tokens.position[t]);
    }
    for (int l = 0; l < shape.layers(); l++) {
      Layer<A> layer = weights.layers.get(l);
      layerIndex = l;
      attention(layer, n);
      norm(layer.postAttentionNorm(), n);
      if (layer.router() == null) {
        feedForward(layer.experts().get(0), normed, partial, n);
        kernels.add(stream, 0, partial, 0, n * hidden);
      } else {
        experts(layer, layer.router(), n);
      }
    }
    for (int i = 0; i < tokens.wantedCount; i++) {
      kernels.rmsNorm(
          stream,
          tokens.wanted[i] * hidden,
          weights.finalNorm,
          normed,
          i * hidden,
          hidden,
          shape.normEpsilon());
    }
    multiply(weights.head, normed, logits, tokens.wantedCount);
  }

  /** Copies the logits of a wanted token. */
  void logits(int wanted, double[] into) {
    kernels.toDoubles(logits, wanted * shape.vocabularySize(), into, 0, shape.vocabularySize());
  }

  private void attention(Layer<A> layer, int n) {
    norm(layer.inputNorm(), n);
    multiply(layer.query(), normed, query, n);
    multiply(layer.key(), normed, key, n);
    multiply(layer.value(), normed, value, n);
    addBias(layer.queryBias(), query, n, shape.queryWidth());
    addBias(layer.keyBias(), key, n, shape.kvWidth());
    addBias(layer.valueBias(), value, n, shape.kvWidth());
    int half = shape.headDim() / 2;
    int kvWidth = shape.kvWidth();
    A keys = kv.keys(layerIndex);
    A values = kv.values(layerIndex);
    for (int t = 0; t < n; t++) {
      int angles = batch.position[t] * half;
      kernels.rotate(
          query,
          t * shape.queryWidth(),
          shape.queryHeads(),
          shape.headDim(),
          cosines,
          sines,
          angles);
      kernels.rotate(key, t * kvWidth, shape.kvHeads(), shape.headDim(), cosines, sines, angles);
      copy(key, t * kvWidth, keys, batch.cell[t] * kvWidth, kvWidth);
      copy(value, t * kvWidth, values, batch.cell[t] * kvWidth, kvWidth);
    }
    rows = n;
    team.run(ATTEND);
    multiply(layer.output(), attended, partial, n);
    kernels.add(stream, 0, partial, 0, n * shape.hiddenSize());
  }

  private void feedForward(FeedForward<A> block, A from, A to, int n) {
    multiply(block.gate(), from, gate, n);
    multiply(block.up(), from, up, n);
    rows = n;
    team.run(SWIGLU);
    multiply(block.down(), gate, to, n);
  }

  /** The gated sum of each token's experts, in the order of their ranks. */
  private void experts(Layer<A> layer, PackedMatrix<A> router, int n) {
    int experts = shape.experts();
    int hidden = shape.hiddenSize();
    multiply(router, normed, routerLogits, n);
    kernels.toDoubles(routerLogits, 0, routerDoubles, 0, n * experts);
    if (routerTokens.length != n) {
      routerTokens = new long[n];
    }
    for (int t = 0; t < n; t++) {
      routerTokens[t] = batch.token[t];
    }
    ExpertLayer<?> routing = routers.get(layerIndex);
    routing.route(routerInput.logits(routerDoubles, n, experts).tokenIds(routerTokens));
    ExpertAssignments chosen = routing.assignments;
    reservePairs(chosen.pairCount());
    for (int expert = 0; expert < experts; expert++) {
      int from = chosen.expertOffset(expert);
      int count = chosen.expertOffset(expert + 1) - from;
      if (count == 0) {
        continue;
      }
      for (int i = 0; i < count; i++) {
        int token = chosen.token(chosen.pairByExpert(from + i));
        copy(normed, token * hidden, gathered, i * hidden, hidden);
      }
      feedForward(layer.experts().get(expert), gathered, partial, count);
      for (int i = 0; i < count; i++) {
        int pair = chosen.pairByExpert(from + i);
        copy(partial, i * hidden, expertOut, pair * hidden, hidden);
      }
    }
    for (int t = 0; t < n; t++) {
      for (int pair = chosen.tokenOffset(t); pair < chosen.tokenOffset(t + 1); pair++) {
        kernels.addScaled(stream, t * hidden, chosen.gate(pair), expertOut, pair * hidden, hidden);
      }
    }
  }

  private void norm(A weight, int n) {
    int hidden = shape.hiddenSize();
    for (int t = 0; t < n; t++) {
      kernels.rmsNorm(stream, t * hidden, weight, normed, t * hidden, hidden, shape.normEpsilon());
    }
  }

  private void addBias(@Nullable A bias, A to, int n, int width) {
    if (bias != null) {
      for (int t = 0; t < n; t++) {
        kernels.add(to, t * width, bias, 0, width);
      }
    }
  }

  private void multiply(PackedMatrix<A> by, A from, A to, int n) {
    if ((long) by.outputs() * by.inputs() * n < WORTH_DIVIDING) {
      kernels.multiply(by, from, 0, to, 0, n, 0, by.tiles(), firstSums.get(0), secondSums.get(0));
      return;
    }
    matrix = by;
    input = from;
    output = to;
    rows = n;
    team.run(MULTIPLY);
  }

  @Override
  public void part(int operation, int part, int parts) {
    switch (operation) {
      case MULTIPLY -> {
        PackedMatrix<A> by = matrix;
        if (by != null) {
          int tiles = by.tiles();
          kernels.multiply(
              by,
              input,
              0,
              output,
              0,
              rows,
              share(tiles, part, parts),
              share(tiles, part + 1, parts),
              firstSums.get(part),
              secondSums.get(part));
        }
      }
      case ATTEND -> {
        int heads = rows * shape.queryHeads();
        attend(share(heads, part, parts), share(heads, part + 1, parts), part * scoreRoom);
      }
      case SWIGLU -> {
        int elements = rows * shape.intermediateSize();
        int from = share(elements, part, parts);
        kernels.swiGlu(gate, from, up, from, share(elements, part + 1, parts) - from);
      }
      default -> throw new IllegalArgumentException("no such operation: " + operation);
    }
  }

  private void attend(int from, int to, int scoresAt) {
    int heads = shape.queryHeads();
    int group = heads / shape.kvHeads();
    A keys = kv.keys(layerIndex);
    A values = kv.values(layerIndex);
    for (int i = from; i < to; i++) {
      int t = i / heads;
      int head = i % heads;
      int at = t * shape.queryWidth() + head * shape.headDim();
      kernels.attend(
          query,
          at,
          keys,
          values,
          batch.table,
          batch.tableAt[t],
          blockTokens,
          batch.prefix[t],
          batch.listed,
          batch.listedAt[t],
          batch.listedCount[t],
          shape.kvWidth(),
          head / group * shape.headDim(),
          shape.headDim(),
          scores,
          scoresAt,
          attended,
          at);
    }
  }

  private static int share(int total, int part, int parts) {
    return (int) ((long) total * part / parts);
  }

  // ---- memory

  private void reserve(int n, int visible, int wanted) {
    int hidden = shape.hiddenSize();
    int needed = Math.max(n, wanted);
    if (needed > tokenRoom) {
      tokenRoom = Math.max(needed, Math.min(2 * tokenRoom, needed + 256));
      stream = array(tokenRoom, hidden);
      normed = array(tokenRoom, hidden);
      query = array(tokenRoom, shape.queryWidth());
      key = array(tokenRoom, shape.kvWidth());
      value = array(tokenRoom, shape.kvWidth());
      attended = array(tokenRoom, shape.queryWidth());
      gate = array(tokenRoom, shape.intermediateSize());
      up = array(tokenRoom, shape.intermediateSize());
      partial = array(tokenRoom, hidden);
      gathered = shape.isMixture() ? array(tokenRoom, hidden) : gathered;
      routerLogits = array(tokenRoom, shape.experts());
      routerDoubles = new double[tokenRoom * shape.experts()];
    }
    if (visible > scoreRoom) {
      scoreRoom = Math.max(visible, 2 * scoreRoom);
      scores = array(scoreRoom, team.parts());
    }
    if (wanted > logitRoom) {
      logitRoom = Math.max(wanted, 2 * logitRoom);
      logits = array(logitRoom, shape.vocabularySize());
    }
  }

  private void reservePairs(int pairs) {
    if (pairs > pairRoom) {
      pairRoom = Math.max(pairs, 2 * pairRoom);
      expertOut = array(pairRoom, shape.hiddenSize());
    }
  }

  private A array(int count, int width) {
    long elements = (long) count * width;
    if (elements > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(
          "a batch of "
              + count
              + " tokens is too large for "
              + shape.name()
              + " on the CPU: "
              + elements
              + " elements of one activation; limit the tokens of an iteration");
    }
    return kernels.array((int) elements);
  }

  private void prepareAngles(int position) {
    if (position < anglesKnown) {
      return;
    }
    int half = shape.headDim() / 2;
    int length = Math.min(shape.maxPositions(), Math.max(256, 2 * (position + 1)));
    A moreCosines = kernels.array(length * half);
    A moreSines = kernels.array(length * half);
    copy(cosines, 0, moreCosines, 0, anglesKnown * half);
    copy(sines, 0, moreSines, 0, anglesKnown * half);
    for (int p = anglesKnown; p < length; p++) {
      kernels.angles(moreCosines, moreSines, p * half, p, shape.headDim(), shape.ropeTheta());
    }
    cosines = moreCosines;
    sines = moreSines;
    anglesKnown = length;
  }

  @SuppressWarnings("SuspiciousSystemArraycopy") // A is float[] or double[]
  private void copy(A from, int at, A to, int toAt, int count) {
    System.arraycopy(from, at, to, toAt, count);
  }

  @Override
  public void close() {
    team.close();
  }
}
