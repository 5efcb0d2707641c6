package io.headway.api;

/**
 * The decisions a policy can take. Each has one interface; a policy id is unique within its
 * decision.
 */
public enum Decision {
  /** Token to expert, every MoE layer: {@code ExpertRouter}. */
  EXPERT_ROUTING,
  /** Expert to device, minutes: {@code ExpertPlacementPlanner}. */
  EXPERT_PLACEMENT,
  /** Request to instance, every arrival: {@code RoutingPolicy}. */
  ROUTING,
  /** Which candidates a composed routing policy goes on with: {@code InstanceFilter}. */
  INSTANCE_FILTER,
  /** How well a candidate suits a request: {@code InstanceScorer}. */
  INSTANCE_SCORER,
  /** Scored candidates to one choice: {@code InstancePicker}. */
  INSTANCE_PICKER,
  /** Moving running work and flipping roles: {@code RebalancingPolicy}. */
  REBALANCING,
  /** Size and shape of the fleet: {@code ScalingPolicy}. */
  SCALING,
  /** Which model answers: {@code ModelSelector}. */
  MODEL_SELECTION,
  /** The whole batch of one iteration: {@code BatchingPolicy}. */
  BATCHING,
  /** Order of the waiting queue: {@code QueueOrder}. */
  QUEUE_ORDER,
  /** Whether a waiting sequence may start: {@code AdmissionTest}. */
  ADMISSION,
  /** Which tokens run in the next iteration: {@code BatchComposer}. */
  COMPOSITION,
  /** Who yields on shortage, and how: {@code VictimSelector}. */
  VICTIM_SELECTION,
  /** Service received per tenant: {@code FairnessLedger}. */
  FAIRNESS,
  /** Slow plans over a window: {@code BatchPlanner}. */
  BATCH_PLANNING,
  /** Draft lengths and trees: {@code SpeculationPolicy}. */
  SPECULATION,
  /** Which cached KV block dies: {@code EvictionPolicy}. */
  EVICTION,
  /** Which memory tier: {@code TierPolicy}. */
  TIERING,
  /** Which positions stay: {@code RetentionPolicy}. */
  RETENTION,
  /** How many bytes a length needs: {@code KvFormat}. */
  KV_FORMAT,
  /** Output length: {@code LengthPredictor}. */
  LENGTH_PREDICTION,
  /** Service time: {@code ServiceTimePredictor}. */
  SERVICE_TIME_PREDICTION,
  /** Time of one iteration: {@code IterationTimeModel}. */
  ITERATION_TIME,
  /** Arrivals to come: {@code ArrivalForecaster}. */
  ARRIVAL_FORECAST,
  /** Correction of a predictor by its own errors: {@code Calibrator}. */
  CALIBRATION,
  /** Whether a distribution has changed: {@code DriftDetector}. */
  DRIFT_DETECTION
}
