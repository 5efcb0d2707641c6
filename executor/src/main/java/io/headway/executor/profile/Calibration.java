package io.headway.executor.profile;

import static java.util.Objects.requireNonNull;

import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.memory.KvBlockPool;
import io.headway.api.prediction.IterationShape;
import io.headway.executor.Executor;
import io.headway.executor.PlanShapes;
import io.headway.executor.SamplingParameters;
import io.headway.executor.ServingLoop;
import io.headway.predictors.iteration.ProfiledIterationTime;
import io.headway.predictors.iteration.ProfiledIterationTime.Step;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.EngineEvents;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import io.headway.runtime.StepResult;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Measures designed steps on an executor and fits a model of iteration time to them.
 *
 * <p>The same seeded steps are run {@code warmUps + repetitions} times; the time of a step is the
 * median over the repetitions, so that a disturbance of one of them does not count. Every fifth
 * step is held out of the fit and tells how good it is on steps it has not seen.
 *
 * @param maxSequences most sequences decoding at once
 * @param maxPromptTokens longest prompt
 * @param maxChunkTokens largest prefill chunk
 * @param maxNewTokens longest output
 * @param steps steps of one pass, at least {@link #MIN_STEPS}
 * @param warmUps passes that are not measured
 * @param repetitions passes that are
 * @param seed of the steps
 */
public record Calibration(
    int maxSequences,
    int maxPromptTokens,
    int maxChunkTokens,
    int maxNewTokens,
    int steps,
    int warmUps,
    int repetitions,
    long seed) {
  /** Fewest steps of a pass: enough to determine every coefficient and to hold some out. */
  public static final int MIN_STEPS = 50;

  /** Every so manyth step is held out. */
  public static final int HELD_OUT = 5;

  /** Checks the ranges. */
  public Calibration {
    atLeast("maxSequences", maxSequences, 1, "sequence");
    atLeast("maxPromptTokens", maxPromptTokens, 1, "token");
    atLeast("maxChunkTokens", maxChunkTokens, 1, "token");
    atLeast("maxNewTokens", maxNewTokens, 2, "tokens");
    atLeast("steps", steps, MIN_STEPS, "steps");
    atLeast("warmUps", warmUps, 0, "passes");
    atLeast("repetitions", repetitions, 1, "pass");
  }

  /**
   * Returns a drafter for the executor to be measured: it drafts as many tokens as it may, so that
   * a verify row costs what its plan says.
   *
   * @param tokens the sequence's tokens
   * @param length how many there are
   * @param room most nodes
   * @param nodeTokens receives the tokens
   * @param nodeParents receives the parents
   * @return {@code room}
   */
  public static int draftAll(
      int[] tokens, int length, int room, int[] nodeTokens, int[] nodeParents) {
    for (int i = 1; i <= room; i++) {
      nodeTokens[i] = tokens[length - 1];
      nodeParents[i] = i - 1;
    }
    return room;
  }

  /**
   * Returns the KV blocks that the steps need.
   *
   * @param blockTokens tokens a block
   * @return blocks of pool and executor
   */
  public int blocks(int blockTokens) {
    long most = (long) maxPromptTokens + maxNewTokens;
    return Math.toIntExact((most + blockTokens - 1) / blockTokens * maxSequences + 1);
  }

  /**
   * Measures.
   *
   * @param executor opened with {@link #draftAll} as its drafter and {@link #blocks} blocks
   * @param pools makes an empty pool of these blocks for each pass
   * @param weights where the executor's parameters come from
   * @param measuredAt when, as an ISO 8601 instant
   * @param progress told after every pass how many are done
   * @return the profile
   */
  public IterationProfile measure(
      Executor executor,
      Supplier<KvBlockPool> pools,
      String weights,
      String measuredAt,
      IntConsumer progress) {
    long[][] nanos = new long[repetitions][];
    List<Step> shapes = new ArrayList<>();
    for (int pass = 0; pass < warmUps + repetitions; pass++) {
      shapes.clear();
      long[] measured = pass(executor, pools.get(), shapes);
      if (pass >= warmUps) {
        nanos[pass - warmUps] = measured;
      }
      progress.accept(pass + 1);
    }
    List<Step> fitted = new ArrayList<>();
    List<Step> heldOut = new ArrayList<>();
    long[] largest = new long[ProfiledIterationTime.Part.values().length];
    for (int i = 0; i < steps; i++) {
      long[] times = new long[repetitions];
      for (int r = 0; r < repetitions; r++) {
        times[r] = nanos[r][i];
      }
      Arrays.sort(times);
      Step shape = shapes.get(i);
      Step step =
          new Step(
              shape.prefillTokens(),
              shape.prefillAttentionPairs(),
              shape.chunks(),
              shape.decodes(),
              shape.decodeContextTokens(),
              shape.draftTokens(),
              Math.max(1, times[(repetitions - 1) / 2]));
      (i % HELD_OUT == HELD_OUT - 1 ? heldOut : fitted).add(step);
      enlarge(largest, step);
    }
    ProfiledIterationTime time = ProfiledIterationTime.fit(fitted);
    return new IterationProfile(
        executor.id(),
        executor.device(),
        executor.shape(),
        weights,
        executor.options().precision(),
        executor.options().blockTokens(),
        executor.options().threads(),
        requireNonNull(measuredAt, "measuredAt"),
        repetitions,
        Arrays.stream(largest).boxed().toList(),
        time,
        time.accuracy(fitted),
        time.accuracy(heldOut));
  }

  private static void enlarge(long[] largest, Step step) {
    long[] work = {
      1,
      step.prefillTokens(),
      step.prefillAttentionPairs(),
      step.chunks(),
      step.decodes(),
      step.decodeContextTokens(),
      step.draftTokens()
    };
    for (int part = 0; part < work.length; part++) {
      largest[part] = Math.max(largest[part], work[part]);
    }
  }

  /** Runs the designed steps once. */
  private long[] pass(Executor executor, KvBlockPool pool, List<Step> shapes) {
    RandomSource random = RandomSource.seeded(seed);
    long[] nanos = new long[steps];
    // The clock of the scheduler stands still: no decision here depends on it.
    LongSupplier clock = () -> 0;
    Recorder recorder = new Recorder(nanos, shapes);
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy(new RandomSteps(maxChunkTokens))
            .pool(pool)
            .strict()
            .random(RandomSource.seeded(seed + 1))
            .limits(Limits.of(maxSequences, Integer.MAX_VALUE))
            .build();
    ServingLoop loop = new ServingLoop(scheduler, pool, executor, clock, recorder);
    for (int request = 0; recorder.done < steps; ) {
      while (scheduler.stats().waiting() < 2) {
        loop.submit(request(request++, random, executor), SamplingParameters.GREEDY);
      }
      loop.step();
    }
    scheduler.close();
    // Gives the slots back.
    scheduler.events(new ReleaseSlots(executor));
    return nanos;
  }

  private Request request(int number, RandomSource random, Executor executor) {
    int prompt = 1 + random.nextInt(maxPromptTokens);
    int[] tokens = new int[prompt];
    for (int i = 0; i < prompt; i++) {
      tokens[i] = random.nextInt(executor.shape().vocabularySize());
    }
    return Request.builder("c" + number, prompt, 2 + random.nextInt(maxNewTokens - 1))
        .tokenIds(tokens)
        .build();
  }

  /** Releases what the last pass left in the slots. */
  private record ReleaseSlots(Executor executor) implements EngineEvents {
    @Override
    public void released(int slot, long handle) {
      executor.release(slot);
    }
  }

  private static final class Recorder implements ServingLoop.Sink {
    private final IterationShape shape = new IterationShape();
    private final long[] nanos;
    private final List<Step> shapes;
    private int done;

    Recorder(long[] nanos, List<Step> shapes) {
      this.nanos = nanos;
      this.shapes = shapes;
    }

    @Override
    public void executed(BatchPlan plan, StepResult result, long elapsedNanos, long nowNanos) {
      if (done < nanos.length) {
        PlanShapes.describe(plan, shape);
        nanos[done++] = elapsedNanos;
        shapes.add(Step.of(shape, 1));
      }
    }
  }

  private static void atLeast(String name, int value, int least, String unit) {
    if (value < least) {
      throw new IllegalArgumentException(
          name + " must be at least " + least + " " + unit + ", but was " + value);
    }
  }
}
