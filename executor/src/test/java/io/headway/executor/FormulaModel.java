package io.headway.executor;

import io.headway.api.model.DecoderShape;
import io.headway.executor.weights.WeightLayout;
import io.headway.executor.weights.WeightTensor;
import io.headway.executor.weights.Weights;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * The decoder written down from its formulas, one sequence at a time, without cache, pages or
 * batches: what the executor is compared with.
 */
final class FormulaModel {
  private final DecoderShape shape;
  private final Map<String, double[]> tensors = new HashMap<>();

  FormulaModel(Weights weights) {
    shape = weights.shape();
    for (WeightTensor tensor : WeightLayout.of(shape)) {
      float[] all = new float[(int) tensor.elements()];
      weights.read(tensor, 0, all, 0, all.length);
      tensors.put(tensor.name(), IntStream.range(0, all.length).mapToDouble(i -> all[i]).toArray());
    }
  }

  /** Returns the logits behind every token. */
  double[][] logits(int... tokens) {
    int n = tokens.length;
    double[][] x = new double[n][];
    for (int t = 0; t < n; t++) {
      x[t] = row(get(WeightLayout.embedding(shape)), tokens[t], shape.hiddenSize());
    }
    for (int layer = 0; layer < shape.layers(); layer++) {
      double[][] q = new double[n][];
      double[][] k = new double[n][];
      double[][] v = new double[n][];
      for (int t = 0; t < n; t++) {
        double[] normed = rmsNorm(x[t], get(WeightLayout.inputNorm(shape, layer)));
        q[t] = rope(project(layer, "q", normed), t);
        k[t] = rope(project(layer, "k", normed), t);
        v[t] = project(layer, "v", normed);
      }
      for (int t = 0; t < n; t++) {
        double[] attended = attention(q[t], k, v, t);
        x[t] = plus(x[t], times(WeightLayout.output(shape, layer), attended));
      }
      for (int t = 0; t < n; t++) {
        double[] normed = rmsNorm(x[t], get(WeightLayout.postAttentionNorm(shape, layer)));
        x[t] = plus(x[t], shape.isMixture() ? experts(layer, normed) : block(layer, 0, normed));
      }
    }
    double[][] logits = new double[n][];
    for (int t = 0; t < n; t++) {
      logits[t] =
          times(WeightLayout.head(shape), rmsNorm(x[t], get(WeightLayout.finalNorm(shape))));
    }
    return logits;
  }

  private double[] project(int layer, String which, double[] x) {
    double[] y = times(WeightLayout.projection(shape, layer, which), x);
    return shape.qkvBias() ? plus(y, get(WeightLayout.bias(shape, layer, which))) : y;
  }

  /** Complex multiplication of (x_i, x_{i+d/2}) by e^(i position theta^(-2i/d)). */
  private double[] rope(double[] heads, int position) {
    int d = shape.headDim();
    double[] turned = new double[heads.length];
    for (int i = 0; i < heads.length; i++) {
      int inHead = i % d;
      int pair = inHead % (d / 2);
      double angle = position / Math.pow(shape.ropeTheta(), 2.0 * pair / d);
      int partner = inHead < d / 2 ? i + d / 2 : i - d / 2;
      double sign = inHead < d / 2 ? -1 : 1;
      turned[i] = heads[i] * Math.cos(angle) + sign * heads[partner] * Math.sin(angle);
    }
    return turned;
  }

  private double[] attention(double[] q, double[][] k, double[][] v, int last) {
    int d = shape.headDim();
    double[] out = new double[shape.queryWidth()];
    for (int head = 0; head < shape.queryHeads(); head++) {
      int kvHead = head / (shape.queryHeads() / shape.kvHeads());
      double[] weights = new double[last + 1];
      double sum = 0;
      for (int p = 0; p <= last; p++) {
        double score = 0;
        for (int i = 0; i < d; i++) {
          score += q[head * d + i] * k[p][kvHead * d + i];
        }
        weights[p] = Math.exp(score / Math.sqrt(d));
        sum += weights[p];
      }
      for (int p = 0; p <= last; p++) {
        for (int i = 0; i < d; i++) {
          out[head * d + i] += weights[p] / sum * v[p][kvHead * d + i];
        }
      }
    }
    return out;
  }

  private double[] experts(int layer, double[] x) {
    double[] router = times(WeightLayout.router(shape, layer), x);
    List<Integer> chosen =
        IntStream.range(0, shape.experts())
            .boxed()
            .sorted(Comparator.comparingDouble(e -> -router[e]))
            .limit(shape.expertsPerToken())
            .toList();
    double sum = chosen.stream().mapToDouble(e -> Math.exp(router[e])).sum();
    double[] out = new double[x.length];
    for (int expert : chosen) {
      double gate = Math.exp(router[expert]) / sum;
      double[] y = block(layer, expert, x);
      Arrays.setAll(out, i -> out[i] + gate * y[i]);
    }
    return out;
  }

  private double[] block(int layer, int expert, double[] x) {
    double[] gate = times(WeightLayout.gate(shape, layer, expert), x);
    double[] up = times(WeightLayout.up(shape, layer, expert), x);
    double[] inner = new double[gate.length];
    Arrays.setAll(inner, i -> gate[i] * (1 / (1 + Math.exp(-gate[i]))) * up[i]);
    return times(WeightLayout.down(shape, layer, expert), inner);
  }

  private double[] rmsNorm(double[] x, double[] weight) {
    double mean = Arrays.stream(x).map(e -> e * e).average().orElseThrow();
    double[] y = new double[x.length];
    Arrays.setAll(y, i -> x[i] / Math.sqrt(mean + shape.normEpsilon()) * weight[i]);
    return y;
  }

  private double[] times(WeightTensor matrix, double[] x) {
    double[] w = get(matrix);
    double[] y = new double[matrix.rows()];
    for (int r = 0; r < y.length; r++) {
      for (int c = 0; c < x.length; c++) {
        y[r] += w[r * x.length + c] * x[c];
      }
    }
    return y;
  }

  private double[] get(WeightTensor tensor) {
    return tensors.get(tensor.name());
  }

  private static double[] row(double[] matrix, int row, int columns) {
    return Arrays.copyOfRange(matrix, row * columns, (row + 1) * columns);
  }

  private static double[] plus(double[] a, double[] b) {
    double[] sum = new double[a.length];
    Arrays.setAll(sum, i -> a[i] + b[i]);
    return sum;
  }
}
