/** The {@code headway} command. */
module io.headway.cli {
  requires io.headway.batching;
  requires io.headway.executor;
  requires io.headway.memory;
  requires io.headway.predictors;
  requires io.headway.routing;
  requires io.headway.simulator;
  requires io.headway.testkit;
  requires com.fasterxml.jackson.databind;
  requires info.picocli;
  requires static org.jspecify;

  opens io.headway.cli to
      info.picocli;
}
