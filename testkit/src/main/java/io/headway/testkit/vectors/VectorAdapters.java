package io.headway.testkit.vectors;

import java.util.List;

/** Lists the adapters of this library, one per suite and family. */
public final class VectorAdapters {
  private VectorAdapters() {}

  /**
   * Returns every adapter.
   *
   * @return the adapters; the first one that supports a vector runs it
   */
  public static List<VectorAdapter> all() {
    return List.of( // one per line
        new MemoryVectors(),
        new MemoryFormulaVectors(),
        new MoeVectors(),
        new MoePlacementVectors(),
        new CostVectors(),
        new TraceVectors(),
        new RoutingVectors(),
        new ModelVectors(),
        new GapsVectors(),
        new BatchingVectors(),
        new BatchPlanVectors(),
        new BatchPlanRuns(),
        new ReorderingVectors(),
        new TargetVectors(),
        new PredictorVectors(),
        new SpeculationVectors(),
        new GapsPredictionVectors());
  }
}
