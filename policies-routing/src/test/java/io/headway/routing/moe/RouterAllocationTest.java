package io.headway.routing.moe;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.headway.api.RandomSource;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.RouterInput;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Once its result has grown, a router allocates nothing; counted by the JVM, not timed. */
class RouterAllocationTest {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  @ParameterizedTest
  @ValueSource(
      strings = {
        "switch",
        "switch:order=priority-max",
        "switch-no-token-left-behind",
        "gshard-top2",
        "glam",
        "gshard-top2-mesh-tf",
        "deepspeed-top2",
        "deepspeed-topk",
        "expert-choice",
        "expert-choice:axis=tokens",
        "expert-choice-capped:lambda=0.1,iterations=3",
        "vmoe",
        "deepseek-moe",
        "deepseek-v2",
        "deepseek-v2:deviceBudgetFactor=0.5",
        "deepseek-v3",
        "qwen-moe",
        "hunyuan-recycle",
        "expert-race",
        "expert-race:mode=threshold",
        "base",
        "sinkhorn",
        "hash-random",
        "top-k",
        "top-k:dropless=false,gates=kept",
        "tutel",
        "tutel:capacityFactor=-1,batchPrioritized=true"
      })
  void steadyStateAllocatesNothing(String spec) {
    ExpertRouter<?> router = ExpertRouterLawsTest.router(spec);
    assertThat(allocatedBytes(router, false)).isZero();
    assertThat(allocatedBytes(router, true)).isZero();
  }

  private static <S> long allocatedBytes(ExpertRouter<S> router, boolean single) {
    int tokens = 64;
    int experts = 16;
    RouterInput input = new RouterInput();
    double[] logits = Batches.logits(7, tokens, experts);
    float[] singleLogits = new float[logits.length];
    for (int i = 0; i < logits.length; i++) {
      singleLogits[i] = (float) logits[i];
    }
    long[] ids = new long[tokens];
    RandomSource random = RandomSource.seeded(3);
    ExpertAssignments out = new ExpertAssignments();
    S state = router.newState();
    long least = Long.MAX_VALUE;
    // Results grow first, and compiled code may allocate once when it is replaced.
    for (int i = 0; i < 40 && least > 0; i++) {
      long before = THREADS.getCurrentThreadAllocatedBytes();
      if (single) {
        input.logits(singleLogits, tokens, experts);
      } else {
        input.logits(logits, tokens, experts);
      }
      input.tokenIds(ids).random(random);
      router.route(input, state, out);
      out.indexByExpert();
      long bytes = THREADS.getCurrentThreadAllocatedBytes() - before;
      least = Math.min(least, bytes);
    }
    return least;
  }
}
