package io.headway.executor.gpu.check;

import io.headway.api.model.DecoderShape;
import io.headway.runtime.BatchPlan;

/**
 * What a step must move and compute at least, counted from its plan: every weight that is used is
 * read once, the KV of every context once per row, the KV of every fed token is written once.
 * Activations, norms and logits are left out of the bytes; they are small beside the rest.
 *
 * @param tokens tokens fed
 * @param bytes bytes of device memory read and written
 * @param flops floating-point operations of products and attention, a multiplication and an
 *     addition counted as two
 */
record Work(long tokens, double bytes, double flops) {
  static Work of(DecoderShape shape, int elementBytes, BatchPlan plan) {
    long tokens = plan.tokens();
    long wanted = 0;
    double read = 0;
    double attended = 0;
    for (int row = 0; row < plan.rows(); row++) {
      wanted += plan.emits(row) ? 1 : 0;
      long start = plan.start(row);
      long count = plan.count(row);
      read += start + count;
      attended += count * start + count * (count + 1) / 2.0;
    }
    double head = (double) shape.vocabularySize() * shape.hiddenSize();
    double dense = shape.matrixParameters() - head - shape.expertParameters();
    double touched = 0;
    double active = 0;
    if (shape.isMixture()) {
      double share = (double) shape.expertsPerToken() / shape.experts();
      touched = shape.expertParameters() * (1 - Math.pow(1 - share, (double) tokens));
      active = shape.expertParameters() * share;
    }
    double kvBytes = (double) shape.kvElementsPerToken() * elementBytes;
    double bytes =
        (dense + touched + (wanted > 0 ? head : 0)) * elementBytes + (read + tokens) * kvBytes;
    double flops =
        2 * tokens * (dense + active)
            + 2 * wanted * head
            + 4.0 * shape.layers() * shape.queryWidth() * attended;
    return new Work(tokens, bytes, flops);
  }
}
