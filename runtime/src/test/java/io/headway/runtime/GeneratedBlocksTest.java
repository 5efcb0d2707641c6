package io.headway.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Request;
import io.headway.api.memory.BlockKeyChain;
import io.headway.api.memory.KvProbe;
import io.headway.api.memory.PrefixAttributes;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** What sequences generate is matchable block by block, as soon as it is computed. */
class GeneratedBlocksTest {
  @Property(seed = "1", tries = 200)
  void afterEveryStepTheWholeBlocksComputedAreMatchableAndNoOthers(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 9) int blockTokens,
      @ForAll @IntRange(min = 1, max = 6) int count) {
    Random random = new Random(seed);
    PagedKvBlockPool pool =
        PagedKvBlockPool.of(PagedKvConfig.of(blockTokens, 40 + 60 * count / blockTokens));
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy(new GuardPolicy())
            .strict()
            .limits(Limits.of(3, 64))
            .pool(pool)
            .build();
    int[][] content = new int[count][64];
    int[] known = new int[count];
    for (int r = 0; r < count; r++) {
      known[r] = 1 + random.nextInt(20);
      for (int i = 0; i < content[r].length; i++) {
        content[r][i] = random.nextInt();
      }
      scheduler.submit(
          Request.builder("r" + r, known[r], 1 + random.nextInt(30))
              .tokenIds(Arrays.copyOf(content[r], known[r]))
              .build(),
          r);
    }
    StepResult result = new StepResult();
    KvProbe probe = new KvProbe();
    for (int step = 0; scheduler.stats().ended() < count; step++) {
      BatchPlan plan = scheduler.next(step);
      int[] computed = new int[count];
      result.begin(plan);
      for (int row = 0; row < plan.rows(); row++) {
        int r = scheduler.request(plan.handle(row)).id().charAt(1) - '0';
        computed[r] = plan.start(row) + plan.count(row);
        if (plan.emits(row)) {
          result.token(row, content[r][known[r]++]);
        }
      }
      scheduler.complete(result, step);
      for (int r = 0; r < count; r++) {
        if (computed[r] > 0) {
          BlockKeyChain chain = pool.newKeys(PrefixAttributes.NONE);
          chain.append(content[r], 0, content[r].length);
          pool.probe(chain, content[r].length, probe);
          assertThat(probe.deviceTokens()).isEqualTo(computed[r] - computed[r] % blockTokens);
        }
      }
    }
  }
}
