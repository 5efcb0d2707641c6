package io.headway.benchmarks;

import io.headway.api.Decision;
import io.headway.api.RandomSource;
import io.headway.api.config.PolicyRegistry;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.RouterInput;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What routing a token to experts costs, per token of a batch of 4,096. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class MoeRoutingBenchmark {
  private static final int TOKENS = 4096;

  /** A router by name, {@code @} and the number of experts. */
  @Param({
    "switch@64",
    "top-k:topK=8@256",
    "top-k:topK=8,dropless=false,demand=choices,capacityFactor=1.25@256",
    "gshard-top2@64",
    "expert-choice@64"
  })
  public String router;

  private Bound<?> bound;

  /** Makes the router and one batch of uniform logits. */
  @Setup
  public void prepare() {
    int at = router.indexOf('@');
    int experts = Integer.parseInt(router.substring(at + 1));
    float[] logits = new float[TOKENS * experts];
    RandomSource random = RandomSource.seeded(1);
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) (4 * random.nextDouble() - 2);
    }
    ExpertRouter<?> policy =
        PolicyRegistry.discover(getClass().getClassLoader())
            .create(Decision.EXPERT_ROUTING, router.substring(0, at), ExpertRouter.class);
    bound = bind(policy, logits, experts);
  }

  private static <S> Bound<S> bind(ExpertRouter<S> policy, float[] logits, int experts) {
    return new Bound<>(policy, policy.newState(), logits, experts);
  }

  /**
   * Routes the batch.
   *
   * @return the assignments
   */
  @Benchmark
  @OperationsPerInvocation(TOKENS)
  public ExpertAssignments route() {
    return bound.route();
  }

  private static final class Bound<S> {
    private final ExpertRouter<S> policy;
    private final S state;
    private final RouterInput input = new RouterInput();
    private final ExpertAssignments out = new ExpertAssignments();

    Bound(ExpertRouter<S> policy, S state, float[] logits, int experts) {
      this.policy = policy;
      this.state = state;
      input.logits(logits, TOKENS, experts);
      input.random(RandomSource.seeded(2));
    }

    ExpertAssignments route() {
      policy.route(input, state, out);
      return out;
    }
  }
}
