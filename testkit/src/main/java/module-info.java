/** Invariants, scenarios, contracts, mutants and conformance vectors for scheduling policies. */
module io.headway.testkit {
  exports io.headway.testkit.check;
  exports io.headway.testkit.contract;
  exports io.headway.testkit.drive;
  exports io.headway.testkit.executor;
  exports io.headway.testkit.mutant;
  exports io.headway.testkit.scenario;
  exports io.headway.testkit.subject;
  exports io.headway.testkit.trace;
  exports io.headway.testkit.vectors;

  requires transitive com.fasterxml.jackson.databind;
  requires transitive io.headway.simulator;
  requires io.headway.batching;
  requires transitive io.headway.memory;
  requires io.headway.predictors;
  requires io.headway.routing;
  requires static net.jqwik.api;
  requires static org.apiguardian.api;
  requires static org.opentest4j;
  requires static transitive org.jspecify;
}
