/** Queue order, admission, batch composition, preemption, fairness, planning and speculation. */
module io.headway.batching {
  requires transitive io.headway.api;
  requires static transitive org.jspecify;

  exports io.headway.batching.admission;
  exports io.headway.batching.composition;
  exports io.headway.batching.fairness;
  exports io.headway.batching.order;
  exports io.headway.batching.planning;
  exports io.headway.batching.preemption;
  exports io.headway.batching.speculation;
  exports io.headway.batching.speculation.verification;
  exports io.headway.batching.systems;

  provides io.headway.api.config.PolicyCatalog with
      io.headway.batching.systems.BatchingPolicies,
      io.headway.batching.speculation.SpeculationCatalog;
}
