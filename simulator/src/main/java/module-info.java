/** Discrete-event simulator that runs the very policies an engine embeds. */
module io.headway.simulator {
  requires transitive io.headway.runtime;
  requires io.headway.memory;
  requires io.headway.predictors;
  requires com.fasterxml.jackson.databind;
  requires com.google.common;
  requires commons.math3;
  requires static org.jspecify;

  exports io.headway.simulator.cluster;
  exports io.headway.simulator.cost;
  exports io.headway.simulator.event;
  exports io.headway.simulator.metrics;
  exports io.headway.simulator.moe;
  exports io.headway.simulator.report;
  exports io.headway.simulator.workload;
}
