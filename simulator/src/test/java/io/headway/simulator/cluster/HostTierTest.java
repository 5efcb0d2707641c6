package io.headway.simulator.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.Decision;
import io.headway.api.RandomSource;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.config.PolicyRegistry;
import io.headway.simulator.cost.Gpu;
import io.headway.simulator.cost.ModelShape;
import io.headway.simulator.cost.RooflineCostModel;
import io.headway.simulator.cost.SwapTransferModel;
import io.headway.simulator.workload.Workload;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.lifecycle.AfterContainer;
import org.junit.jupiter.api.Test;

/** What moves to the host and back costs exactly what the model says, and nothing else does. */
class HostTierTest {
  /** Swaps on shortage, and decides without looking at the clock. */
  private static final String SWAPPING =
      "compose:order=fcfs,admission=first-chunk,composition=vllm-v1,preemption=(youngest:mode=swap)";

  private static final Pattern MOVED = Pattern.compile("\"TIER\".*\"blocks\":(\\d+)");
  private static final PolicyRegistry POLICIES =
      PolicyRegistry.discover(HostTierTest.class.getClassLoader());
  private static long movedInAll;

  private record Run(long durationNanos, long blocksMoved, long preemptions) {}

  private static Run run(Workload workload, ClusterConfig config) {
    long[] moved = new long[1];
    ClusterSimulation.Outcome outcome =
        ClusterSimulation.of(
                workload,
                config,
                ClusterPolicies.of(
                    FastForwardTest.UNUSED,
                    POLICIES.create(Decision.BATCHING, SWAPPING, BatchingPolicy.class)))
            .log(
                line -> {
                  Matcher matcher = MOVED.matcher(line);
                  moved[0] += matcher.find() ? Long.parseLong(matcher.group(1)) : 0;
                })
            .run(Placements.roundRobin(1));
    assertThat(outcome.violations()).isEmpty();
    return new Run(
        outcome.metrics().durationNanos(), moved[0], outcome.metrics().counts().preemptions());
  }

  private static Workload backlog(long seed) {
    RandomSource random = RandomSource.seeded(seed);
    Workload.Builder builder = Workload.builder("backlog");
    int rows = 4 + random.nextInt(12);
    for (int i = 0; i < rows; i++) {
      builder.add(0, 1 + random.nextInt(40), 1 + random.nextInt(40));
    }
    return builder.build();
  }

  private static ClusterConfig cluster() {
    RooflineCostModel model = new RooflineCostModel(ModelShape.LLAMA3_8B, Gpu.A100_80G, 1);
    return new ClusterConfig(1, 4, 24, 6, Integer.MAX_VALUE, 40, false, model);
  }

  private static HostTier host(int blocks, double secondsPerCopy) {
    return new HostTier(blocks, new SwapTransferModel(1_000, 1e9, 1, secondsPerCopy));
  }

  @Property(tries = 60, seed = "20260102")
  void everyBlockMovedCostsItsTime(@ForAll @LongRange(min = 0, max = 1L << 40) long seed) {
    Workload workload = backlog(seed);
    Run fast = run(workload, cluster().withHost(host(24, 0)));
    Run slow = run(workload, cluster().withHost(host(24, 1e-3)));
    assertThat(slow.blocksMoved).isEqualTo(fast.blocksMoved);
    assertThat(slow.durationNanos - fast.durationNanos).isEqualTo(slow.blocksMoved * 1_000_000);
    movedInAll += slow.blocksMoved;
    // Without host memory the same shortage is met by recomputation.
    Run none = run(workload, cluster());
    assertThat(none.blocksMoved).isZero();
    assertThat(none.preemptions > 0).isEqualTo(fast.preemptions > 0);
  }

  @AfterContainer
  static void somethingWasMoved() {
    assertThat(movedInAll).isGreaterThan(1_000);
  }

  /** The worked example of "swap versus recompute": out and in, so twice the blocks. */
  @Test
  void theWorkedExampleOfLlama3() {
    SwapTransferModel transfers = new SwapTransferModel(16 * 131_072, 25e9, 64, 1e-6);
    assertThat(transfers.seconds(2 * 1_024 / 16)).isCloseTo(18.9294e-3, within(5e-8));
    assertThat(transfers.seconds(2 * 16_384 / 16)).isCloseTo(302.8707e-3, within(5e-8));
    assertThat(transfers.nanos(0)).isZero();
  }

  @Test
  void devicesMoveTheirSharesAtOnce() {
    SwapTransferModel one =
        new RooflineCostModel(ModelShape.LLAMA3_8B, Gpu.H100, 1).swapTransfers(16, 0);
    SwapTransferModel two =
        new RooflineCostModel(ModelShape.LLAMA3_8B, Gpu.H100, 2).swapTransfers(16, 0);
    assertThat(one.blockBytes()).isEqualTo(16.0 * 131_072);
    assertThat(one.copiesPerBlock()).isEqualTo(64);
    assertThat(two.seconds(100)).isCloseTo(one.seconds(100) / 2, within(1e-12));
  }

  @Test
  void compressedBlocksMoveFasterByTheirBytesOnly() {
    SwapTransferModel plain = new SwapTransferModel(1_000, 1e6, 2, 1e-3);
    assertThat(plain.compressed(2).seconds(10)).isCloseTo(10 * (2e-3 + 0.5e-3), within(1e-12));
    assertThat(plain.compressed(1)).isEqualTo(plain);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> plain.compressed(0.5))
        .withMessage("ratio must be at least 1 and finite, but was 0.5");
  }

  @Test
  void wrongFiguresAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> host(0, 0))
        .withMessage("blocks of a host tier must be at least 1, but was 0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new SwapTransferModel(1, 1, 0, 0))
        .withMessage("copiesPerBlock must be at least 1 copy, but was 0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new SwapTransferModel(1, 1, 1, 0).seconds(-1))
        .withMessage("blocks must be at least 0 blocks, but was -1");
  }
}
