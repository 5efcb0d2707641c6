package io.headway.simulator.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.headway.api.Decision;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.config.PolicyRegistry;
import io.headway.simulator.cost.Gpu;
import io.headway.simulator.cost.ModelShape;
import io.headway.simulator.cost.RooflineCostModel;
import io.headway.simulator.workload.TraceFormat;
import io.headway.simulator.workload.TraceOptions;
import io.headway.simulator.workload.Workload;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Over whole real traces every request ends exactly once, tokens emitted equal tokens asked, and
 * the pools are empty at the end. Skipped where the traces are not at hand.
 */
class TraceConservationTest {
  @ParameterizedTest
  @CsvSource({
    "AzureLLMInferenceTrace_conv.csv,vllm-v1,19366",
    "AzureLLMInferenceTrace_conv.csv,static-fcfs,19366",
    "conversation_trace.jsonl,sarathi-serve,12031"
  })
  void nothingIsLost(String trace, String policy, int requests) throws IOException {
    Path file = shared().resolve("traces").resolve(trace);
    assumeThat(file).as("the trace is not beside this checkout").exists();
    Workload workload = TraceFormat.read(file, TraceOptions.DEFAULTS);
    RooflineCostModel model = new RooflineCostModel(ModelShape.LLAMA3_8B, Gpu.A100_80G, 1);
    ClusterConfig config =
        new ClusterConfig(
            4, 16, (int) (model.kvCapacityTokens(0.9, 0) / 16), 128, 1 << 20, 1024, true, model);
    BatchingPolicy<?> batching =
        PolicyRegistry.discover(getClass().getClassLoader())
            .create(Decision.BATCHING, policy, BatchingPolicy.class);
    ClusterSimulation.Outcome outcome =
        ClusterSimulation.of(workload, config, ClusterPolicies.of(FastForwardTest.UNUSED, batching))
            .run(Placements.roundRobin(4));
    assertThat(outcome.violations()).isEmpty();
    assertThat(outcome.metrics().counts().finished()).isEqualTo(requests);
  }

  private static Path shared() {
    Path directory = Path.of("").toAbsolutePath();
    while (directory != null && !Files.exists(directory.resolve("mvnw"))) {
      directory = directory.getParent();
    }
    return directory == null ? Path.of("shared") : directory.resolveSibling("shared");
  }
}
