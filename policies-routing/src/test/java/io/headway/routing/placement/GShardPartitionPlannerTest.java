package io.headway.routing.placement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headway.api.moe.MoeInputException;
import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class GShardPartitionPlannerTest {
  /** The feed-forward part of a mixture-of-experts layer, annotated as the paper does. */
  private static GShardPartitionPlanner layer(int devices, int experts) {
    return new GShardPartitionPlanner(devices, 4)
        .dimension("G", 8)
        .dimension("S", 64)
        .dimension("M", 16)
        .dimension("E", experts)
        .dimension("C", 16)
        .dimension("H", 64)
        .tensor("inputs", List.of("G", "S", "M"))
        .tensor("dispatch", List.of("G", "S", "E", "C"))
        .tensor("expertIn", List.of("E", "G", "C", "M"))
        .tensor("wi", List.of("E", "M", "H"))
        .tensor("h", List.of("E", "G", "C", "H"))
        .tensor("wo", List.of("E", "H", "M"))
        .tensor("expertOut", List.of("E", "G", "C", "M"))
        .tensor("outputs", List.of("G", "S", "M"))
        .einsum("dispatch", "inputs", "expertIn")
        .einsum("expertIn", "wi", "h")
        .einsum("h", "wo", "expertOut")
        .einsum("dispatch", "expertOut", "outputs")
        .split("inputs", "G")
        .split("dispatch", "G")
        .split("expertIn", "E")
        .split("wi", "E")
        .split("wo", "E")
        .split("expertOut", "G");
  }

  @Test
  void theCanonicalLayerTakesTwoAllToAlls() {
    GShardPartitionPlanner.Plan plan = layer(4, 8).plan();
    assertThat(plan.collectiveCounts())
        .containsEntry(Collective.ALL_TO_ALL, 2)
        .containsEntry(Collective.ALL_GATHER, 0)
        .containsEntry(Collective.ALL_REDUCE, 0);
    assertThat(plan.bytesSentPerDevice()).isEqualTo(2 * 12_288);
    assertThat(plan.splits().get("h")).contains("E");
    assertThat(plan.splits().get("outputs")).contains("G");
  }

  @Property(tries = 100, seed = "20261122")
  void planningIsRepeatableAndFreeOnOneDevice(@ForAll @IntRange(min = 1, max = 8) int devices) {
    GShardPartitionPlanner planner = layer(devices, 8);
    assertThat(planner.plan()).isEqualTo(planner.plan());
    if (devices == 1) {
      assertThat(planner.plan().bytesSentPerDevice()).isZero();
    }
  }

  @Test
  void allToAllBytesStayFlatAsDevicesAndExpertsGrow() {
    // Tokens per device fixed: capacity per group and expert halves as experts double.
    double previous = 0;
    for (int devices = 2; devices <= 64; devices *= 2) {
      double shard = 1 << 20;
      double bytes = Collective.ALL_TO_ALL.bytesSentPerDevice(shard * devices, devices);
      assertThat(bytes).isBetween(previous, shard);
      assertThat(Collective.ALL_REDUCE.bytesSentPerDevice(shard * devices, devices))
          .isGreaterThan(bytes * devices);
      previous = bytes;
    }
  }

  @Property(tries = 300, seed = "20261122")
  void shardsHoldEverythingAndNothingTwice(
      @ForAll @IntRange(max = 1000) int size, @ForAll @IntRange(min = 1, max = 70) int partitions) {
    DimensionSplit split = new DimensionSplit(size, partitions);
    assertThat(IntStream.range(0, partitions).map(split::validSize).sum()).isEqualTo(size);
    assertThat(split.paddedSize()).isBetween((long) size, (long) size + partitions - 1);
    assertThat(split.paddedSize()).isEqualTo((long) split.shardSize() * partitions);
  }

  @Test
  void contradictoryAnnotationsAreRefusedNamingBoth() {
    assertThatThrownBy(() -> layer(4, 8).split("wi", "M"))
        .isInstanceOf(MoeInputException.class)
        .hasMessage("tensor 'wi' must have one annotation, but had split on 'E' and split on 'M'");
    assertThatThrownBy(() -> layer(4, 8).replicate("wi"))
        .hasMessage("tensor 'wi' must have one annotation, but had split on 'E' and replicated");
    assertThat(layer(4, 8).split("wi", "E").plan()).isEqualTo(layer(4, 8).plan());
  }

  @Test
  void unknownNamesAreRefused() {
    assertThatThrownBy(() -> layer(4, 8).split("wx", "M"))
        .hasMessageStartingWith("tensor must be among [inputs, dispatch,")
        .hasMessageEndingWith("but was 'wx'");
    assertThatThrownBy(() -> layer(4, 8).split("wi", "G"))
        .hasMessage("split of tensor 'wi' must be one of [E, M, H], but was 'G'");
    assertThatThrownBy(() -> layer(4, 8).tensor("t", List.of("Z")))
        .hasMessageContaining("but one was 'Z'");
    assertThatThrownBy(() -> layer(4, 8).einsum("inputs", "wi", "h"))
        .hasMessage("output must be produced once, but 'h' is produced already");
    assertThatThrownBy(() -> layer(4, 8).dimension("G", 3))
        .hasMessage("dimension must be new, but 'G' is there");
    assertThatThrownBy(() -> Collective.ALL_GATHER.bytesSentPerDevice(-1, 2))
        .hasMessage("fullBytes must be finite and at least 0 bytes, but was -1.0");
  }
}
