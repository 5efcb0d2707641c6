/** Invariants, scenarios, contracts, mutants and conformance vectors for scheduling policies. */
module io.headway.testkit {
  requires transitive io.headway.simulator;
  requires io.headway.batching;
  requires io.headway.memory;
  requires io.headway.predictors;
  requires io.headway.routing;
  requires com.fasterxml.jackson.databind;
  requires static net.jqwik.api;
  requires static org.junit.jupiter.api;
  requires static org.jspecify;
}
