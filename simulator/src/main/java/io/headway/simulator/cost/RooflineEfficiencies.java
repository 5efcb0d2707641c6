package io.headway.simulator.cost;

/**
 * How much of a device's peak the kernels reach, and the constant costs of an iteration: the
 * calibration of {@link RooflineCostModel}.
 *
 * <p>The defaults are this project's own choice. The attention and KV efficiencies were fitted so
 * that OPT-13B on one A100 agrees with the decode fit published with DistServe (OSDI 2024) within 4
 * %; the fixed cost stands for a modern engine, stacks of 2023 needed 20 to 35 ms. Replace them by
 * a fit to the engine at hand before comparing with it.
 *
 * @param computeEfficiency share of peak arithmetic in the matrix products; in (0, 1]
 * @param attentionEfficiency share of peak arithmetic in prefill attention; in (0, 1]
 * @param weightBandwidthEfficiency share of memory bandwidth when weights stream; in (0, 1]
 * @param kvBandwidthEfficiency share of memory bandwidth when decode reads KV; in (0, 1]
 * @param fixedSeconds cost of any non-empty iteration, seconds; at least 0
 * @param perSequenceSeconds cost of each chunk or decode in the batch, seconds; at least 0
 * @param allReduceLatencySeconds latency of one all-reduce, seconds; at least 0
 * @param bytesPerWeight bytes of one weight; above 0
 * @param bytesPerKvElement bytes of one stored KV element; above 0
 */
public record RooflineEfficiencies(
    double computeEfficiency,
    double attentionEfficiency,
    double weightBandwidthEfficiency,
    double kvBandwidthEfficiency,
    double fixedSeconds,
    double perSequenceSeconds,
    double allReduceLatencySeconds,
    double bytesPerWeight,
    double bytesPerKvElement) {

  /** The documented defaults: 0.55, 0.20, 0.80, 0.65, 4 ms, 0.02 ms, 0.01 ms, 2 and 2 bytes. */
  public static final RooflineEfficiencies DEFAULTS =
      new RooflineEfficiencies(0.55, 0.20, 0.80, 0.65, 4e-3, 2e-5, 1e-5, 2, 2);

  /** Checks the ranges. */
  public RooflineEfficiencies {
    CostChecks.fraction(computeEfficiency, "computeEfficiency");
    CostChecks.fraction(attentionEfficiency, "attentionEfficiency");
    CostChecks.fraction(weightBandwidthEfficiency, "weightBandwidthEfficiency");
    CostChecks.fraction(kvBandwidthEfficiency, "kvBandwidthEfficiency");
    CostChecks.notNegative(fixedSeconds, "fixedSeconds", "seconds");
    CostChecks.notNegative(perSequenceSeconds, "perSequenceSeconds", "seconds");
    CostChecks.notNegative(allReduceLatencySeconds, "allReduceLatencySeconds", "seconds");
    CostChecks.positive(bytesPerWeight, "bytesPerWeight", "bytes");
    CostChecks.positive(bytesPerKvElement, "bytesPerKvElement", "bytes");
  }
}
