package io.headway.memory.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headway.api.memory.BlockState;
import io.headway.api.memory.KvTier;
import io.headway.memory.pool.SequenceGroups.Preemption;
import io.headway.memory.pool.SequenceGroups.Recovery;
import io.headway.memory.pool.SequenceGroups.Result;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class SequenceGroupsTest {
  record Step(int op, int a, int b) {}

  @Provide
  Arbitrary<List<Step>> steps() {
    Arbitrary<Integer> number = Arbitraries.integers().between(0, 1000);
    return Combinators.combine(Arbitraries.integers().between(0, 9), number, number)
        .as(Step::new)
        .list()
        .ofMinSize(20)
        .ofMaxSize(120);
  }

  /**
   * First come first served: whoever gives way arrived after everyone who keeps blocks on the
   * device, nothing is lost, and the host never holds more than the device has.
   */
  @Property(tries = 400, seed = "20261122")
  void latestArrivalsGiveWayAndNothingIsLost(
      @ForAll("steps") List<Step> steps, @ForAll Recovery recovery) {
    int blocks = 6;
    PagedKvBlockPool pool =
        PagedKvBlockPool.of(PagedKvConfig.of(2, blocks).withHostBlocks(4).withPrefixCaching(false));
    SequenceGroups<Integer> groups = new SequenceGroups<>(pool, recovery);
    int next = 0;
    for (Step step : steps) {
      List<Integer> known = groups.sequences();
      int name = known.isEmpty() ? -1 : known.get(step.a() % known.size());
      boolean onDevice = name >= 0 && pool.tier(groups.owner(name)) == KvTier.DEVICE;
      switch (step.op()) {
        case 0, 1, 2 -> {
          Result result = groups.admit(next, next, 1 + step.b() % 6);
          if (result == Result.OK) {
            assertThat(groups.swapped()).isEmpty();
          }
          next++;
        }
        case 3 -> {
          if (onDevice) {
            assertThat(groups.fork(name, 10_000 + next++)).isEqualTo(Result.OK);
          }
        }
        case 4 -> {
          if (name >= 0) {
            groups.free(name);
          }
        }
        case 5 -> {
          if (groups.swapped().isEmpty()) {
            assertThatThrownBy(groups::swapIn)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("swapIn needs a swapped group, but none is swapped out");
          } else {
            int first = groups.swapped().get(0);
            if (groups.swapIn() == Result.OK) {
              assertThat(groups.swapped()).doesNotContain(first);
            }
          }
        }
        default -> {
          if (name >= 0) {
            Result result = groups.appendPreempting(name);
            for (Preemption<Integer> each : groups.preempted()) {
              // Groups are named in order of arrival here.
              for (int sequence : groups.sequences()) {
                if (sequence < 10_000 && pool.tier(groups.owner(sequence)) == KvTier.DEVICE) {
                  assertThat(sequence).isLessThan(each.group());
                }
              }
            }
            if (result == Result.FAILED) {
              assertThat(groups.contains(name)).isFalse();
            }
          }
        }
      }
      assertThat(pool.count(KvTier.HOST, BlockState.ACTIVE)).isLessThanOrEqualTo(blocks);
      assertThat(groups.waiting()).doesNotHaveDuplicates().noneMatch(groups.swapped()::contains);
    }
    for (int name : new ArrayList<>(groups.sequences())) {
      groups.free(name);
    }
    assertThat(pool.availableBlocks()).isEqualTo(blocks);
    assertThat(pool.count(KvTier.HOST, BlockState.ACTIVE)).isZero();
    assertThat(groups.swapped()).isEmpty();
  }

  @Test
  void unknownAndKnownNamesAreRefused() {
    SequenceGroups<String> groups =
        new SequenceGroups<>(PagedKvBlockPool.of(PagedKvConfig.of(4, 2)), Recovery.AUTO);
    assertThat(groups.admit("a", "a", 3)).isEqualTo(Result.OK);
    assertThatThrownBy(() -> groups.admit("a", "a", 3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("name must be new, but a is known already");
    assertThatThrownBy(() -> groups.append("b"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("name must be a known sequence, but was b");
    assertThatThrownBy(() -> groups.admit("b", "b", 0))
        .hasMessage("lengthTokens must be at least 1 token, but was 0");
    assertThat(groups.admit("b", "b", 9)).isEqualTo(Result.NEVER);
  }
}
