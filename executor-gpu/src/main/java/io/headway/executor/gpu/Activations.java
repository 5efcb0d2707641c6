package io.headway.executor.gpu;

import io.headway.api.model.DecoderShape;
import io.headway.executor.gpu.device.Device;
import io.headway.executor.gpu.device.DeviceBuffer;

/**
 * Intermediate values of one step, for up to {@code maxTokens} tokens; shared by steps in flight,
 * which run in order.
 */
final class Activations {
  final int maxTokens;
  final int maxWanted;
  final int maxPartials;

  /** Residual stream in floats. */
  final DeviceBuffer residual;

  final DeviceBuffer normed;
  final DeviceBuffer qkv;
  final DeviceBuffer attended;
  final DeviceBuffer delta;
  final DeviceBuffer gateUp;
  final DeviceBuffer activated;
  final DeviceBuffer wantedNormed;

  /** One part per row, head and split of the decode attention. */
  final DeviceBuffer partials;

  // A mixture only; otherwise one byte each.
  final DeviceBuffer routerLogits;
  final DeviceBuffer expertIn;
  final DeviceBuffer expertOut;

  Activations(
      Device device,
      DecoderShape shape,
      int elementBytes,
      int maxTokens,
      int maxWanted,
      int maxPartials) {
    this.maxTokens = maxTokens;
    this.maxWanted = maxWanted;
    this.maxPartials = maxPartials;
    long n = maxTokens;
    long pairs = shape.isMixture() ? n * shape.expertsPerToken() : n;
    long hidden = shape.hiddenSize();
    residual = device.allocate(n * hidden * Float.BYTES);
    normed = device.allocate(n * hidden * elementBytes);
    qkv = device.allocate(n * (shape.queryWidth() + 2L * shape.kvWidth()) * elementBytes);
    attended = device.allocate(n * shape.queryWidth() * elementBytes);
    delta = device.allocate(n * hidden * elementBytes);
    gateUp = device.allocate(pairs * 2 * shape.intermediateSize() * elementBytes);
    activated = device.allocate(pairs * shape.intermediateSize() * elementBytes);
    wantedNormed = device.allocate(Math.max(1, maxWanted) * hidden * elementBytes);
    partials =
        device.allocate(
            Math.max(1, (long) maxPartials)
                * shape.queryHeads()
                * (shape.headDim() + 2L)
                * Float.BYTES);
    routerLogits = device.allocate(shape.isMixture() ? n * shape.experts() * Float.BYTES : 1);
    expertIn = device.allocate(shape.isMixture() ? pairs * hidden * elementBytes : 1);
    expertOut = device.allocate(shape.isMixture() ? pairs * hidden * elementBytes : 1);
  }

  void close() {
    residual.close();
    normed.close();
    qkv.close();
    attended.close();
    delta.close();
    gateUp.close();
    activated.close();
    wantedNormed.close();
    partials.close();
    routerLogits.close();
    expertIn.close();
    expertOut.close();
  }
}
