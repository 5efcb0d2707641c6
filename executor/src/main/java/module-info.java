/** Runs batch plans for real, on the CPU and behind one SPI on other devices. */
module io.headway.executor {
  requires transitive io.headway.runtime;
  requires transitive io.headway.predictors;
  requires io.headway.routing;
  requires java.management;
  requires com.fasterxml.jackson.databind;
  requires static org.jspecify;

  exports io.headway.executor;
  exports io.headway.executor.cpu;
  exports io.headway.executor.profile;
  exports io.headway.executor.weights;

  uses io.headway.executor.ExecutorProvider;

  provides io.headway.executor.ExecutorProvider with
      io.headway.executor.cpu.CpuExecutorProvider;
}
