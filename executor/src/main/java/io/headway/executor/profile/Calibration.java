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
import io.headway.predictors.iteration.ProfiledIterationTime.Part;
import io.headway.predictors.iteration.ProfiledIterationTime.Step;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.EngineEvents;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import io.headway.runtime.StepResult;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * Designed steps that are measured on an executor, and a model of iteration time fitted to them.
 *
 * <p>A {@linkplain #pass pass} runs the same seeded steps each time; the time of a step is the
 * median over the passes that {@link #profile} gets, so that a disturbance of one of them does not
 * count. The first pass of a process warms up the just-in-time compiler and should be left out.
 * Passes may be taken in turn with the work to be predicted, so that both meet the machine at the
 * same speed. Every fifth step is held out of the fit and tells how good it is on steps it has not
 * seen.
 *
 * @param maxSequences most sequences decoding at once
 * @param maxPromptTokens longest prompt
 * @param maxChunkTokens largest prefill chunk
 * @param maxNewTokens longest output
 * @param maxDraftTokens most drafted tokens that a row verifies; 0 for none, and then the model
 *     says that drafts cost nothing
 * @param steps steps of one pass, at least {@link #MIN_STEPS}
 * @param seed of the steps
 */
public record Calibration(
    int maxSequences,
    int maxPromptTokens,
    int maxChunkTokens,
    int maxNewTokens,
    int maxDraftTokens,
    int steps,
    long seed) {
  /** Fewest steps of a pass: enough to determine every coefficient and to hold some out. */
  public static final int MIN_STEPS = 50;

  /** Every so manyth step is held out. */
  public static final int HELD_OUT = 5;

  /** Default of {@code maxDraftTokens} where drafts are measured. */
  public static final int DRAFT_TOKENS = 4;

  /** Checks the ranges. */
  public Calibration {
    atLeast("maxSequences", maxSequences, 1, "sequence");
    atLeast("maxPromptTokens", maxPromptTokens, 1, "token");
    atLeast("maxChunkTokens", maxChunkTokens, 1, "token");
    atLeast("maxNewTokens", maxNewTokens, 2, "tokens");
    atLeast("maxDraftTokens", maxDraftTokens, 0, "tokens");
    atLeast("steps", steps, MIN_STEPS, "steps");
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
   * Fits a model to what was measured.
   *
   * @param executor that ran the passes
   * @param passes what {@link #pass} returned, at least one
   * @param weights where the executor's parameters come from
   * @param measuredAt when, as an ISO 8601 instant
   * @return the profile
   * @throws IllegalArgumentException if there is no pass, or one is not of these steps
   */
  public IterationProfile profile(
      Executor executor, List<List<Step>> passes, String weights, String measuredAt) {
    if (passes.isEmpty()) {
      throw new IllegalArgumentException("passes must have at least 1 pass, but has none");
    }
    List<Step> fitted = new ArrayList<>();
    List<Step> heldOut = new ArrayList<>();
    long[] largest = new long[Part.values().length];
    for (int i = 0; i < steps; i++) {
      Step step = median(passes, i);
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
        executor.options().clock().id(),
        requireNonNull(measuredAt, "measuredAt"),
        passes.size(),
        Arrays.stream(largest).boxed().toList(),
        time,
        time.accuracy(fitted),
        time.accuracy(heldOut));
  }

  private Step median(List<List<Step>> passes, int i) {
    Step first = passes.get(0).get(i);
    long[] times = new long[passes.size()];
    for (int p = 0; p < times.length; p++) {
      Step step = passes.get(p).get(i);
      if (passes.get(p).size() != steps || !step.withNanos(first.nanos()).equals(first)) {
        throw new IllegalArgumentException(
            "pass " + p + " must have the " + steps + " steps of this calibration");
      }
      times[p] = step.nanos();
    }
    Arrays.sort(times);
    int middle = times.length / 2;
    return first.withNanos(
        times.length % 2 == 1 ? times[middle] : (times[middle - 1] + times[middle]) / 2);
  }

  private static void enlarge(long[] largest, Step step) {
    for (Part part : Part.values()) {
      largest[part.index()] = Math.max(largest[part.index()], step.work(part));
    }
  }

  /**
   * Runs the designed steps once.
   *
   * @param executor idle, with {@link #blocks} blocks at least and {@code maxSequences} slots; with
   *     {@link #draftAll} as its drafter if there are to be drafts
   * @param pool empty, of as many blocks as the executor has at most
   * @return the steps with what the executor says they took
   */
  public List<Step> pass(Executor executor, KvBlockPool pool) {
    RandomSource random = RandomSource.seeded(seed);
    // The clock of the scheduler stands still: no decision here depends on it.
    LongSupplier clock = () -> 0;
    Recorder recorder = new Recorder(steps);
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy(new RandomSteps(maxChunkTokens, maxDraftTokens))
            .pool(pool)
            .strict()
            .random(RandomSource.seeded(seed + 1))
            .limits(Limits.of(maxSequences, Integer.MAX_VALUE))
            .build();
    ServingLoop loop = new ServingLoop(scheduler, pool, executor, clock, recorder);
    for (int request = 0; recorder.measured.size() < steps; ) {
      while (scheduler.stats().waiting() < 2) {
        loop.submit(request(request++, random, executor), SamplingParameters.GREEDY);
      }
      loop.step();
    }
    scheduler.close();
    // Gives the slots back.
    scheduler.events(new ReleaseSlots(executor));
    return List.copyOf(recorder.measured);
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
    private final int steps;
    private final List<Step> measured = new ArrayList<>();

    Recorder(int steps) {
      this.steps = steps;
    }

    @Override
    public void executed(BatchPlan plan, StepResult result, long elapsedNanos, long nowNanos) {
      if (measured.size() < steps) {
        PlanShapes.describe(plan, shape);
        measured.add(Step.of(shape, Math.max(1, elapsedNanos)));
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
