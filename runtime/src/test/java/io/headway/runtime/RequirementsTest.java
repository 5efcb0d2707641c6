package io.headway.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.sun.management.ThreadMXBean;
import io.headway.api.Invariant;
import io.headway.api.PolicyViolationException;
import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.End;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.api.batching.SequenceState;
import io.headway.api.batching.WorkKind;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import java.lang.management.ManagementFactory;
import java.lang.reflect.Method;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the design asks of the scheduler of one instance, requirement by requirement. */
class RequirementsTest {
  private static final int BLOCK_TOKENS = 4;

  private final Scripted policy = Scripted.greedy();
  private final Ledger ledger = new Ledger();
  private PagedKvBlockPool pool = PagedKvBlockPool.of(PagedKvConfig.of(BLOCK_TOKENS, 64));
  private long nowNanos;

  /** What the engine was told, in order. */
  private static class Ledger implements EngineEvents {
    final List<String> told = new ArrayList<>();
    final Map<Long, End> ends = new HashMap<>();
    final Map<Long, Integer> endings = new HashMap<>();
    final Map<Integer, Long> slots = new HashMap<>();
    final List<Long> handOvers = new ArrayList<>();
    int grants;
    int releases;

    @Override
    public void granted(int slot, long handle) {
      told.add("granted " + slot);
      assertThat(slots.put(slot, handle)).as("slot %s granted while held", slot).isNull();
      grants++;
    }

    @Override
    public void released(int slot, long handle) {
      told.add("released " + slot);
      assertThat(slots.remove(slot)).as("slot %s released", slot).isEqualTo(handle);
      releases++;
    }

    @Override
    public void ended(long handle, End end, String detail) {
      told.add("ended " + end);
      ends.put(handle, end);
      endings.merge(handle, 1, Integer::sum);
    }

    @Override
    public void handOver(long handle, int slot) {
      told.add("handOver " + slot);
      handOvers.add(handle);
    }
  }

  private EngineScheduler.Builder builder() {
    return EngineScheduler.builder().policy(policy).pool(pool).limits(Limits.of(8, 64));
  }

  private long submit(EngineScheduler scheduler, String id, int promptTokens, int maxNewTokens) {
    return submit(scheduler, Request.of(id, promptTokens, maxNewTokens));
  }

  private long submit(EngineScheduler scheduler, Request request) {
    SubmitResult result = scheduler.submit(request, nowNanos);
    assertThat(result.accepted()).as("%s", result).isTrue();
    return result.handle();
  }

  private static StepResult executed(BatchPlan plan) {
    StepResult result = new StepResult().begin(plan);
    for (int row = 0; row < plan.rows(); row++) {
      if (plan.emits(row)) {
        result.token(row, 7);
      }
    }
    return result;
  }

  /** Plans and completes once; returns false if there was nothing to do. */
  private boolean step(EngineScheduler scheduler) {
    nowNanos += 1_000;
    BatchPlan plan = scheduler.next(nowNanos);
    if (plan.isEmpty()) {
      return false;
    }
    scheduler.complete(executed(plan), nowNanos);
    scheduler.events(ledger);
    return true;
  }

  private int finish(EngineScheduler scheduler, int mostSteps) {
    int steps = 0;
    while (!scheduler.isIdle()) {
      assertThat(steps).as("steps to come to rest").isLessThan(mostSteps);
      assertThat(step(scheduler)).as("something to do").isTrue();
      steps++;
    }
    scheduler.events(ledger);
    return steps;
  }

  private void assertAtRest(EngineScheduler scheduler) {
    scheduler.events(ledger);
    Audit.quiet(scheduler, pool);
    assertThat(ledger.slots).isEmpty();
    assertThat(ledger.releases).isEqualTo(ledger.grants);
    assertThat(ledger.endings.values()).allMatch(count -> count == 1);
    assertThat((long) ledger.endings.size()).isEqualTo(scheduler.stats().accepted());
  }

  /** Everything that can be seen, but the count of violations. */
  private String facts(EngineScheduler scheduler) {
    BatchView view = scheduler.view();
    StringBuilder facts = new StringBuilder();
    for (int i = 0; i < view.runningCount(); i++) {
      fact(facts, view, view.running(i));
    }
    for (int s = view.firstWaiting(); s != BatchView.NONE; s = view.nextWaiting(s)) {
      fact(facts, view, s);
    }
    return facts
        .append(pool.availableBlocks())
        .append(scheduler.stats().toString().replaceAll("violations=\\d+", ""))
        .toString();
  }

  private static void fact(StringBuilder facts, BatchView view, int s) {
    facts
        .append(view.request(s).id())
        .append(' ')
        .append(view.state(s))
        .append(' ')
        .append(view.computedTokens(s))
        .append(' ')
        .append(view.generatedTokens(s))
        .append(' ')
        .append(view.heldBlocks(s))
        .append(' ')
        .append(view.preemptions(s))
        .append('\n');
  }

  // ---- R1, R5

  @Test
  void r01AnOverlappingCallNamesBothThreads() throws InterruptedException {
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch leave = new CountDownLatch(1);
    Scripted guard = Scripted.greedy();
    policy.then(
        (view, draft) -> {
          inside.countDown();
          await(leave);
          guard.plan(Stateless.STATE, view, draft);
        });
    EngineScheduler scheduler = builder().strict().build();
    submit(scheduler, "a", 4, 1);
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread engine =
        new Thread(
            () -> {
              try {
                scheduler.complete(executed(scheduler.next(1)), 2);
              } catch (Throwable e) {
                failure.set(e);
              }
            },
            "engine-loop");
    engine.start();
    await(inside);
    String me = Thread.currentThread().getName();
    assertThatIllegalStateException()
        .isThrownBy(() -> scheduler.submit(Request.of("b", 4, 1), 1))
        .withMessageContaining("one thread at a time")
        .withMessageContaining("'" + me + "'")
        .withMessageContaining("'engine-loop'");
    assertThatIllegalStateException().isThrownBy(scheduler::stats);
    leave.countDown();
    engine.join();
    assertThat(failure.get()).isNull();
    // One after the other they may.
    assertThat(scheduler.stats().ended()).isEqualTo(1);
    assertThat(scheduler.handleOf("b")).isEqualTo(-1);
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void r05InsideEventsOnlySubmitAndCancelAreLegal() {
    EngineScheduler scheduler = builder().strict().build();
    submit(scheduler, "a", 4, 1);
    long doomed = submit(scheduler, "doomed", 4, 9);
    BatchPlan plan = scheduler.next(1);
    int[] calls = new int[1];
    scheduler.events(
        new EngineEvents() {
          @Override
          public void granted(int slot, long handle) {
            ledger.granted(slot, handle);
            if (calls[0]++ > 0) {
              return;
            }
            assertThat(scheduler.submit(Request.of("inside", 4, 1), 1).accepted()).isTrue();
            assertThat(scheduler.cancel(doomed, 1)).isTrue();
            assertThatIllegalStateException()
                .isThrownBy(() -> scheduler.next(1))
                .withMessage("next must not be called from within events");
            assertThatIllegalStateException()
                .isThrownBy(() -> scheduler.complete(executed(plan), 1))
                .withMessage("complete must not be called from within events");
            assertThatIllegalStateException()
                .isThrownBy(() -> scheduler.fail(plan.stepId(), new IllegalStateException(), 1))
                .withMessage("fail must not be called from within events");
            assertThatIllegalStateException()
                .isThrownBy(() -> scheduler.events(ledger))
                .withMessage("events must not be called from within events");
          }

          @Override
          public void released(int slot, long handle) {
            ledger.released(slot, handle);
          }
        });
    assertThat(calls[0]).isEqualTo(2);
    scheduler.complete(executed(plan), 2);
    finish(scheduler, 10);
    assertThat(scheduler.stats().accepted()).isEqualTo(3);
    assertThat(scheduler.stats().ended()).isEqualTo(3);
  }

  // ---- R6

  @Test
  void r06AThrowingPolicyIsReplacedAndStaysOffAfterThreeFaultsUntilEnabled() {
    List<String> guarded = new ArrayList<>();
    EngineScheduler scheduler =
        builder()
            .listener(
                new RuntimeListener() {
                  @Override
                  public void guarded(long violations, boolean disabled) {
                    guarded.add(violations + " " + disabled);
                  }
                })
            .build();
    long a = submit(scheduler, "a", 4, 20);
    int[] asked = new int[1];
    policy.always(
        (view, draft) -> {
          asked[0]++;
          throw new IllegalArgumentException("broken");
        });
    for (int i = 1; i <= 3; i++) {
      assertThat(scheduler.explain(a).policyId()).isEqualTo("scripted");
      assertThat(step(scheduler)).isTrue();
      assertThat(scheduler.stats().violations()).isEqualTo(i);
    }
    assertThat(guarded).containsExactly("1 false", "2 false", "3 true");
    assertThat(scheduler.explain(a).policyId()).isEqualTo("guard");
    assertThat(step(scheduler)).isTrue();
    assertThat(step(scheduler)).isTrue();
    assertThat(asked[0]).isEqualTo(3);
    assertThat(scheduler.stats().outputTokens()).isEqualTo(5);

    scheduler.enablePolicy(nowNanos);
    assertThat(scheduler.explain(a).policyId()).isEqualTo("scripted");
    assertThat(step(scheduler)).isTrue();
    assertThat(asked[0]).isEqualTo(4);
    assertThat(guarded).hasSize(4).endsWith("4 false");
    finish(scheduler, 30);
    assertThat(ledger.ends).containsEntry(a, End.LENGTH);
    assertAtRest(scheduler);
  }

  @Test
  void r06ABrokenRuleIsAFaultOfTheOneDecision() {
    EngineScheduler scheduler = builder().maxFaults(2).build();
    submit(scheduler, "a", 4, 4);
    submit(scheduler, "b", 4, 4);
    policy.then(
        (view, draft) -> {
          draft.admit(view.firstWaiting(), 4, 0, 0);
          draft.schedule(view.firstWaiting(), 1);
        });
    BatchPlan plan = scheduler.next(1);
    // The built-in policy admits both; what the policy had admitted was taken back.
    assertThat(plan.rows()).isEqualTo(2);
    assertThat(scheduler.stats().violations()).isEqualTo(1);
    scheduler.complete(executed(plan), 2);
    finish(scheduler, 10);
    assertThat(scheduler.stats().violations()).isEqualTo(1);
    assertAtRest(scheduler);
  }

  @Test
  void r06StrictModeThrows() {
    EngineScheduler scheduler = builder().strict().build();
    submit(scheduler, "a", 4, 4);
    IllegalArgumentException broken = new IllegalArgumentException("broken");
    policy.then(
        (view, draft) -> {
          throw broken;
        });
    PolicyViolationException thrown =
        catchThrowableOfType(PolicyViolationException.class, () -> scheduler.next(1));
    assertThat(thrown.policyId()).isEqualTo("scripted");
    assertThat(thrown).hasCause(broken).hasMessageContaining("the policy threw");
    policy.then((view, draft) -> draft.schedule(view.firstWaiting(), 1));
    thrown = catchThrowableOfType(PolicyViolationException.class, () -> scheduler.next(2));
    assertThat(thrown.rule()).isEqualTo(Invariant.INV_03);
    assertThat(thrown.requestId()).isEqualTo("a");
    assertThat(scheduler.stats().violations()).isEqualTo(2);
    finish(scheduler, 10);
  }

  // ---- R7

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void r07OneEndPerAcceptedRequestAndOneReleasePerGrant(long seed) {
    Random random = new Random(seed);
    boolean[] calm = new boolean[1];
    ChaosPolicy chaos = new ChaosPolicy(seed);
    policy.always(
        (view, draft) -> {
          chaos.plan(Stateless.STATE, view, draft);
          if (!calm[0] && random.nextInt(10) == 0) {
            throw new IllegalStateException("policy");
          }
        });
    pool = PagedKvBlockPool.of(PagedKvConfig.of(BLOCK_TOKENS, 12).withHostBlocks(8));
    EngineScheduler scheduler =
        builder().limits(Limits.of(4, 16)).depth(2).maxFaults(Integer.MAX_VALUE).build();
    EngineEvents throwing =
        new Ledger() {
          @Override
          public void ended(long handle, End end, String detail) {
            ledger.ended(handle, end, detail);
            if (random.nextInt(5) == 0) {
              throw new IllegalArgumentException("sink");
            }
          }

          @Override
          public void granted(int slot, long handle) {
            ledger.granted(slot, handle);
          }

          @Override
          public void released(int slot, long handle) {
            ledger.released(slot, handle);
          }
        };
    Deque<BatchPlan> flying = new ArrayDeque<>();
    List<Long> handles = new ArrayList<>();
    int sinkFailures = 0;
    for (int i = 0; i < 2_000; i++) {
      nowNanos += 1_000;
      switch (random.nextInt(8)) {
        case 0, 1 -> {
          Request.Builder request =
              Request.builder("r" + i, 1 + random.nextInt(12), 1 + random.nextInt(8))
                  .arrivalNanos(nowNanos);
          if (random.nextInt(4) == 0) {
            request.deadlineNanos(nowNanos + random.nextInt(40_000));
          }
          SubmitResult result = scheduler.submit(request.build(), nowNanos);
          if (result.accepted()) {
            handles.add(result.handle());
          }
        }
        case 2 -> {
          if (!handles.isEmpty() && random.nextInt(3) == 0) {
            scheduler.cancel(handles.get(random.nextInt(handles.size())), nowNanos);
          }
        }
        case 3, 4, 5 -> {
          if (scheduler.canPlan()) {
            BatchPlan plan = scheduler.next(nowNanos);
            if (!plan.isEmpty()) {
              flying.add(plan);
            }
          }
        }
        default -> {
          if (!flying.isEmpty()) {
            land(scheduler, flying.remove(), random);
          }
        }
      }
      try {
        scheduler.events(throwing);
      } catch (IllegalArgumentException e) {
        sinkFailures++;
      }
    }
    assertThat(sinkFailures).isPositive();
    calm[0] = true;
    chaos.calm();
    for (int i = 0; !scheduler.isIdle(); i++) {
      assertThat(i).isLessThan(20_000);
      nowNanos += 1_000;
      if (scheduler.canPlan()) {
        BatchPlan plan = scheduler.next(nowNanos);
        if (!plan.isEmpty()) {
          flying.add(plan);
        }
      }
      if (!flying.isEmpty()) {
        BatchPlan plan = flying.remove();
        scheduler.complete(executed(plan), nowNanos);
      }
    }
    scheduler.events(ledger);
    assertThat(ledger.endings.keySet()).containsExactlyInAnyOrderElementsOf(handles);
    assertThat(scheduler.stats().violations()).isPositive();
    assertThat(ledger.ends.values())
        .contains(End.LENGTH, End.STOPPED, End.CANCELLED, End.EXPIRED, End.FAILED);
    assertAtRest(scheduler);
  }

  private void land(EngineScheduler scheduler, BatchPlan plan, Random random) {
    if (random.nextInt(12) == 0) {
      scheduler.fail(plan.stepId(), new IllegalStateException("device"), nowNanos);
      return;
    }
    StepResult result = executed(plan);
    for (int row = 0; row < plan.rows(); row++) {
      int dice = random.nextInt(12);
      if (dice == 0) {
        result.rowFailed(row, new IllegalStateException("kernel"));
      } else if (dice == 1 && plan.emits(row)) {
        result.stop(row);
      }
    }
    scheduler.complete(result, nowNanos);
  }

  // ---- R8, R9, R10

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void r08TheQueueIsOrderedByArrivalAndIdWhateverTheOrderOfSubmission(long seed) {
    List<Request> requests = new ArrayList<>();
    List<String> expected = new ArrayList<>();
    for (int arrival = 0; arrival < 4; arrival++) {
      for (String id : new String[] {"a", "b", "c"}) {
        expected.add(arrival + id);
        requests.add(Request.builder(arrival + id, 4, 1).arrivalNanos(arrival).build());
      }
    }
    Collections.shuffle(requests, new Random(seed));
    List<Long> starts = new ArrayList<>();
    EngineScheduler scheduler =
        builder()
            .limits(Limits.of(1, 64))
            .listener(
                new RuntimeListener() {
                  @Override
                  public void started(long handle, long waitedNanos, int cachedTokens) {
                    starts.add(handle);
                  }
                })
            .build();
    Map<Long, String> ids = new HashMap<>();
    for (Request request : requests) {
      ids.put(submit(scheduler, request), request.id());
    }
    finish(scheduler, 20);
    assertThat(starts.stream().map(ids::get)).containsExactlyElementsOf(expected);
  }

  @Test
  void r09NeverMoreWaitThanTheLimitAndARefusalChangesNothing() {
    EngineScheduler scheduler = builder().limits(Limits.of(1, 64).maxWaiting(3)).build();
    for (int i = 0; i < 3; i++) {
      submit(scheduler, "r" + i, 4, 2);
    }
    String before = facts(scheduler);
    for (int i = 3; i < 6; i++) {
      SubmitResult refused = scheduler.submit(Request.of("r" + i, 4, 2), nowNanos);
      assertThat(refused.kind()).isEqualTo(SubmitResult.Kind.QUEUE_FULL);
      assertThat(refused.handle()).isEqualTo(-1);
    }
    assertThat(facts(scheduler)).isEqualTo(before);
    assertThat(scheduler.handleOf("r3")).isEqualTo(-1);
    assertThat(step(scheduler)).isTrue();
    assertThat(scheduler.stats().waiting()).isEqualTo(2);
    submit(scheduler, "r3", 4, 2);
    assertThat(scheduler.submit(Request.of("r4", 4, 2), nowNanos).kind())
        .isEqualTo(SubmitResult.Kind.QUEUE_FULL);
    finish(scheduler, 20);
    assertAtRest(scheduler);
  }

  @Test
  void r10CancelAtEveryStateIsObeyedOnce() {
    EngineScheduler scheduler = builder().limits(Limits.of(2, 64)).build();
    long running = submit(scheduler, "running", 4, 9);
    long flying = submit(scheduler, "flying", 4, 9);
    long waiting = submit(scheduler, "waiting", 4, 9);
    assertThat(step(scheduler)).isTrue();

    assertThat(scheduler.cancel(waiting, nowNanos)).isTrue();
    assertThat(scheduler.cancel(waiting, nowNanos)).isFalse();
    assertThat(scheduler.cancel(running, nowNanos)).isTrue();
    assertThat(scheduler.cancel(running, nowNanos)).isFalse();
    scheduler.events(ledger);
    assertThat(ledger.slots).hasSize(1).containsValue(flying);

    BatchPlan plan = scheduler.next(nowNanos);
    assertThat(plan.rows()).isEqualTo(1);
    assertThat(scheduler.cancel(flying, nowNanos)).isTrue();
    assertThat(scheduler.cancel(flying, nowNanos)).isFalse();
    scheduler.events(ledger);
    assertThat(ledger.ends).containsEntry(flying, End.CANCELLED);
    assertThat(ledger.slots).containsValue(flying);
    StepResult result = executed(plan);
    scheduler.complete(result, nowNanos);
    assertThat(result.deliver(0)).isFalse();
    assertThat(scheduler.stats().outputTokens()).isEqualTo(2);
    assertThat(scheduler.cancel(flying, nowNanos)).isFalse();
    assertThat(scheduler.cancel(-1, nowNanos)).isFalse();
    assertThat(scheduler.cancel(12_345_678_901L, nowNanos)).isFalse();
    assertAtRest(scheduler);

    // A handle of old is not that of the request which took its place.
    long successor = submit(scheduler, "successor", 4, 1);
    assertThat(scheduler.cancel(running, nowNanos)).isFalse();
    assertThat(scheduler.cancel(waiting, nowNanos)).isFalse();
    finish(scheduler, 5);
    assertThat(ledger.ends).containsEntry(successor, End.LENGTH);
    assertThat(scheduler.cancel(successor, nowNanos)).isFalse();
  }

  // ---- R11, R12

  @Test
  void r11APrefixHitEndsWithItsLastBlock() {
    pool = PagedKvBlockPool.of(PagedKvConfig.of(BLOCK_TOKENS, 8));
    List<Integer> hits = new ArrayList<>();
    EngineScheduler scheduler =
        builder()
            .limits(Limits.of(1, 64))
            .listener(
                new RuntimeListener() {
                  @Override
                  public void started(long handle, long waitedNanos, int cachedTokens) {
                    hits.add(cachedTokens);
                  }
                })
            .build();
    int[] prompt = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    submit(scheduler, Request.builder("a", 9, 1).tokenIds(prompt).build());
    finish(scheduler, 3);
    submit(scheduler, Request.builder("b", 9, 1).tokenIds(prompt).build());
    assertThat(scheduler.view().cachedTokens(scheduler.view().firstWaiting())).isEqualTo(8);
    finish(scheduler, 3);
    assertThat(hits).containsExactly(0, 8);
    assertThat(scheduler.stats().prefixHitTokens()).isEqualTo(8);
    assertThat(scheduler.stats().cachedBlocks()).isEqualTo(2);

    int whole = pool.usableBlocks() * BLOCK_TOKENS - 1;
    submit(scheduler, Request.builder("c", 9, 1).tokenIds(prompt).arrivalNanos(2).build());
    submit(scheduler, Request.builder("large", whole, 1).arrivalNanos(1).build());
    BatchPlan plan = scheduler.next(nowNanos);
    assertThat(plan.rows()).isEqualTo(1);
    assertThat(plan.tokens()).isEqualTo(whole);
    assertThat(scheduler.stats().cachedBlocks()).isZero();
    assertThat(scheduler.view().cachedTokens(scheduler.view().firstWaiting())).isZero();
    scheduler.complete(executed(plan), nowNanos);
    finish(scheduler, 3);
    assertThat(hits).containsExactly(0, 8, 0, 0);
    assertAtRest(scheduler);
  }

  @ParameterizedTest
  @ValueSource(strings = {"FINISH_ALL", "FINISH_RUNNING", "ABORT"})
  void r12ADrainComesToRestWithinItsBoundAndFreesAllBlocks(String name) {
    DrainMode mode = DrainMode.valueOf(name);
    EngineScheduler scheduler = builder().limits(Limits.of(2, 8)).build();
    for (int i = 0; i < 6; i++) {
      submit(scheduler, "r" + i, 8, 3);
    }
    assertThat(step(scheduler)).isTrue();
    BatchPlan plan = scheduler.next(nowNanos);
    scheduler.beginDrain(mode, nowNanos);
    assertThat(scheduler.submit(Request.of("late", 4, 1), nowNanos).kind())
        .isEqualTo(SubmitResult.Kind.DRAINING);
    assertThat(scheduler.isIdle()).isFalse();
    scheduler.complete(executed(plan), nowNanos);
    // One at a time, each request takes at most its prompt in chunks and its output tokens.
    finish(scheduler, 6 * (8 + 3));
    List<End> ends = new ArrayList<>(ledger.ends.values());
    int lengths = (int) ends.stream().filter(end -> end == End.LENGTH).count();
    switch (mode) {
      case FINISH_ALL -> assertThat(lengths).isEqualTo(6);
      case FINISH_RUNNING -> assertThat(lengths).isEqualTo(2);
      case ABORT -> assertThat(lengths).isZero();
    }
    assertThat(ends.stream().filter(end -> end == End.DRAINED)).hasSize(6 - lengths);
    assertThat(pool.availableBlocks()).isEqualTo(pool.usableBlocks());
    assertAtRest(scheduler);
  }

  // ---- R13, R15

  @Test
  void r13SteadyDecodeOf256SequencesAllocatesNothing() {
    int sequences = 256;
    int window = 10_000;
    pool = PagedKvBlockPool.of(PagedKvConfig.of(1_024, sequences * 130));
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy(new GuardPolicy())
            .pool(pool)
            .limits(Limits.of(sequences, Integer.MAX_VALUE))
            .build();
    for (int i = 0; i < sequences; i++) {
      submit(scheduler, "r" + i, 1, 130_000);
    }
    StepResult result = new StepResult();
    decode(scheduler, result, 2 * window);
    assertThat(scheduler.stats().running()).isEqualTo(sequences);
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long least = Long.MAX_VALUE;
    // Compiled code may allocate once when it is replaced, but not in window after window.
    for (int i = 0; i < 40 && least > 0; i++) {
      long before = threads.getCurrentThreadAllocatedBytes();
      decode(scheduler, result, window);
      least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
    }
    assertThat(least).as("bytes in the best window of %s iterations", window).isZero();
  }

  private void decode(EngineScheduler scheduler, StepResult result, int iterations) {
    for (int i = 0; i < iterations; i++) {
      nowNanos += 1_000;
      BatchPlan plan = scheduler.next(nowNanos);
      result.begin(plan);
      for (int row = 0; row < plan.rows(); row++) {
        result.token(row, row);
      }
      scheduler.complete(result, nowNanos);
    }
  }

  @Test
  void r15AHundredThousandRequestsLeaveNothingBehind() {
    int[] faults = new int[1];
    EngineScheduler scheduler =
        builder()
            .rememberedTenants(100)
            .listener(
                new RuntimeListener() {
                  @Override
                  public void guarded(long violations, boolean disabled) {
                    faults[0]++;
                  }
                })
            .build();
    int[] ended = new int[1];
    EngineEvents count =
        new EngineEvents() {
          @Override
          public void ended(long handle, End end, String detail) {
            ended[0]++;
          }
        };
    int largestIndex = 0;
    int largestTenant = 0;
    for (int i = 0; i < 100_000; i += 10) {
      for (int j = i; j < i + 10; j++) {
        Request request =
            Request.builder("r" + j, 3, 2)
                .arrivalNanos(nowNanos)
                .tenant("t" + j)
                .tokenIds(new int[] {j, j + 1, j + 2})
                .build();
        largestIndex = Math.max(largestIndex, (int) submit(scheduler, request));
      }
      BatchView view = scheduler.view();
      for (int s = view.firstWaiting(); s != BatchView.NONE; s = view.nextWaiting(s)) {
        largestTenant = Math.max(largestTenant, view.tenant(s));
      }
      while (!scheduler.isIdle()) {
        nowNanos += 1_000;
        scheduler.complete(executed(scheduler.next(nowNanos)), nowNanos);
        scheduler.events(count);
      }
    }
    assertThat(ended[0]).isEqualTo(100_000);
    // Places and tenant numbers are used again.
    assertThat(largestIndex).isLessThan(10);
    assertThat(largestTenant).isLessThan(100);
    Audit.quiet(scheduler, pool);
    EngineStats stats = scheduler.stats();
    assertThat(stats.accepted()).isEqualTo(100_000);
    assertThat(stats.outputTokens()).isEqualTo(200_000);
    assertThat(stats.cachedBlocks()).isLessThanOrEqualTo(64);
    // Nothing that would have been warned about.
    assertThat(faults[0]).isZero();
    assertThat(stats.violations()).isZero();
    assertThat(stats.observerFaults()).isZero();
  }

  // ---- R18, R20

  @Test
  void r18TwoInterleavedSchedulersBehaveAsAlone() {
    for (long seed = 0; seed < 20; seed++) {
      List<String> first = alone(seed);
      List<String> second = alone(seed + 1_000);
      ChaosPolicy p = new ChaosPolicy(seed);
      ChaosPolicy q = new ChaosPolicy(seed + 1_000);
      World a = new World(WorldConfig.draw(seed), p);
      World b = new World(WorldConfig.draw(seed + 1_000), q);
      for (int i = 0; i < 150; i++) {
        a.act();
        b.act();
      }
      assertThat(a.trace).isEqualTo(first).isNotEmpty();
      assertThat(b.trace).isEqualTo(second).isNotEmpty();
    }
  }

  private static List<String> alone(long seed) {
    World world = new World(WorldConfig.draw(seed), new ChaosPolicy(seed));
    for (int i = 0; i < 150; i++) {
      world.act();
    }
    return world.trace;
  }

  @Test
  void r20CloseIsIdempotentAndWaitsForPlansInFlight() {
    EngineScheduler scheduler = builder().build();
    submit(scheduler, "a", 4, 9);
    BatchPlan plan = scheduler.next(nowNanos);
    submit(scheduler, "b", 4, 9);
    scheduler.close();
    String closed = facts(scheduler);
    scheduler.close();
    assertThat(facts(scheduler)).isEqualTo(closed);
    assertThat(scheduler.canPlan()).isFalse();
    assertThat(scheduler.isIdle()).isFalse();
    assertThatIllegalStateException()
        .isThrownBy(() -> scheduler.next(nowNanos))
        .withMessage("next needs a scheduler that is not closed");
    assertThat(scheduler.submit(Request.of("c", 4, 1), nowNanos).kind())
        .isEqualTo(SubmitResult.Kind.DRAINING);
    StepResult result = executed(plan);
    scheduler.complete(result, nowNanos);
    assertThat(result.deliver(0)).isFalse();
    scheduler.close();
    scheduler.events(ledger);
    assertThat(ledger.ends.values()).containsExactly(End.DRAINED, End.DRAINED);
    assertAtRest(scheduler);
  }

  // ---- R25, R26, R27

  @Test
  @SuppressWarnings("NullAway")
  void r25NullArgumentsFailNamingTheParameterAndChangeNothing() {
    EngineScheduler scheduler = builder().build();
    submit(scheduler, "a", 4, 4);
    BatchPlan plan = scheduler.next(1);
    String before = facts(scheduler);
    refusesNull("request", () -> scheduler.submit(null, 1));
    refusesNull("request", () -> scheduler.submitPrefill(null, 1));
    refusesNull("request", () -> scheduler.reserveIncoming(null, 1));
    refusesNull("reservation", () -> scheduler.incomingDone(null, 1, 1));
    refusesNull("reservation", () -> scheduler.incomingFailed(null, 1, 1));
    refusesNull("requestId", () -> scheduler.handleOf(null));
    refusesNull("result", () -> scheduler.complete(null, 1));
    refusesNull("cause", () -> scheduler.fail(plan.stepId(), null, 1));
    refusesNull("sink", () -> scheduler.events(null));
    refusesNull("mode", () -> scheduler.beginDrain(null, 1));
    refusesNull("plan", () -> scheduler.repeatable(null, 1));
    EngineScheduler.Builder builder = EngineScheduler.builder();
    refusesNull("policy", () -> builder.policy((BatchingPolicy<?>) null));
    refusesNull("policy", () -> builder.policy((String) null));
    refusesNull("limits", () -> builder.limits(null));
    refusesNull("pool", () -> builder.pool(null));
    refusesNull("random", () -> builder.random(null));
    refusesNull("listener", () -> builder.listener(null));
    refusesNull("log", () -> builder.log(null));
    refusesNull("kvEvents", () -> builder.kvEvents(null));
    assertThat(facts(scheduler)).isEqualTo(before);
  }

  private static void refusesNull(String parameter, ThrowingCallable call) {
    assertThatNullPointerException().isThrownBy(call).withMessage(parameter);
  }

  @Test
  void r26NoCheckedExceptionsButThatOfAwaitUntil() {
    List<String> checked = new ArrayList<>();
    for (Class<?> type :
        new Class<?>[] {
          BatchingPolicy.class,
          BatchView.class,
          BatchDraft.class,
          RuntimeListener.class,
          EngineEvents.class,
          DecisionLog.class,
          EngineScheduler.class,
          EngineScheduler.Builder.class,
          ClusterScheduler.class,
          EngineInbox.class
        }) {
      for (Method method : type.getMethods()) {
        if (method.getDeclaringClass() == Object.class) {
          continue;
        }
        for (Class<?> exception : method.getExceptionTypes()) {
          if (!RuntimeException.class.isAssignableFrom(exception)) {
            checked.add(
                type.getSimpleName() + "." + method.getName() + " " + exception.getSimpleName());
          }
        }
      }
    }
    assertThat(checked).containsExactly("EngineInbox.awaitUntil InterruptedException");
  }

  @Test
  void r27ADecisionThatThrowsHasChangedNothing() {
    pool = PagedKvBlockPool.of(PagedKvConfig.of(BLOCK_TOKENS, 16).withHostBlocks(16));
    EngineScheduler scheduler = builder().strict().build();
    for (int i = 0; i < 3; i++) {
      submit(scheduler, "running" + i, 4, 9);
    }
    assertThat(step(scheduler)).isTrue();
    for (int i = 0; i < 3; i++) {
      submit(scheduler, Request.builder("waiting" + i, 4, 9).arrivalNanos(1).build());
    }
    String before = facts(scheduler);
    int toldBefore = ledger.told.size();
    for (int steps = 0; steps <= 5; steps++) {
      int most = steps;
      policy.then(
          (view, draft) -> {
            actUntil(view, draft, most);
            throw new IllegalStateException("after " + most);
          });
      assertThatThrownBy(() -> scheduler.next(nowNanos))
          .isInstanceOf(PolicyViolationException.class)
          .hasMessageContaining("after " + most);
      assertThat(facts(scheduler)).as("after %s steps", most).isEqualTo(before);
      Audit.check(scheduler, pool, List.of());
      scheduler.events(ledger);
      assertThat(ledger.told).hasSize(toldBefore);
    }
    finish(scheduler, 100);
    assertAtRest(scheduler);
  }

  /** Schedules, grows, preempts both ways, admits and refuses. */
  private static void actUntil(BatchView view, BatchDraft draft, int steps) {
    int first = view.running(0);
    if (steps > 0) {
      assertThat(draft.schedule(first, 1).done()).isTrue();
    }
    if (steps > 1) {
      assertThat(
              draft.preempt(view.running(1), first, PreemptionMode.RECOMPUTE, QueueEnd.HEAD).done())
          .isTrue();
    }
    if (steps > 2) {
      assertThat(draft.preempt(view.running(2), first, PreemptionMode.SWAP, QueueEnd.TAIL).done())
          .isTrue();
    }
    int fresh = view.firstWaiting();
    while (!view.request(fresh).id().startsWith("waiting")) {
      fresh = view.nextWaiting(fresh);
    }
    int behind = view.nextWaiting(fresh);
    if (steps > 3) {
      assertThat(draft.admit(fresh, 4, 8, 0).done()).isTrue();
    }
    if (steps > 4) {
      draft.refuse(behind);
    }
  }

  @Test
  void r27ASubmitThatThrowsHasChangedNothing() {
    EngineScheduler scheduler = builder().strict().build();
    submit(scheduler, "a", 4, 4);
    String before = facts(scheduler);
    policy.canServe =
        request -> {
          throw new IllegalStateException("cannot say");
        };
    assertThatThrownBy(() -> scheduler.submit(Request.of("b", 4, 4), nowNanos))
        .isInstanceOf(PolicyViolationException.class)
        .hasMessageContaining("cannot say");
    assertThat(facts(scheduler)).isEqualTo(before);
    assertThat(scheduler.handleOf("b")).isEqualTo(-1);
    policy.canServe = request -> true;
    submit(scheduler, "b", 4, 4);
    finish(scheduler, 10);
    assertAtRest(scheduler);
  }

  // ---- R28, R31

  @Test
  void r28EveryGaugeMovesAndReturnsToZeroAndEveryListenerCallIsMade() {
    List<String> heard = new ArrayList<>();
    RuntimeListener listener =
        new RuntimeListener() {
          @Override
          public void accepted(long handle, long now) {
            heard.add("accepted");
          }

          @Override
          public void started(long handle, long waitedNanos, int cachedTokens) {
            heard.add("started");
          }

          @Override
          public void preempted(long handle, int preemptions) {
            heard.add("preempted " + preemptions);
          }

          @Override
          public void planned(long stepId, int rows, int tokens) {
            heard.add("planned " + rows + " " + tokens);
          }

          @Override
          public void completed(long stepId, long elapsedNanos, int outputTokens) {
            heard.add("completed " + outputTokens);
          }

          @Override
          public void failed(long stepId) {
            heard.add("failed");
          }

          @Override
          public void ended(long handle, End end, int outputTokens) {
            heard.add("ended " + end + " " + outputTokens);
          }
        };
    pool = PagedKvBlockPool.of(PagedKvConfig.of(BLOCK_TOKENS, 16).withHostBlocks(16));
    EngineScheduler scheduler = builder().listener(listener).build();
    submit(scheduler, Request.builder("a", 4, 3).adapter("lora").build());
    EngineStats stats = scheduler.stats();
    assertThat(stats.waiting()).isEqualTo(1);
    assertThat(stats.waitingPromptTokens()).isEqualTo(4);

    BatchPlan plan = scheduler.next(nowNanos);
    stats = scheduler.stats();
    assertThat(stats.waiting()).isZero();
    assertThat(stats.waitingPromptTokens()).isZero();
    assertThat(stats.running()).isEqualTo(1);
    assertThat(stats.plansInFlight()).isEqualTo(1);
    assertThat(stats.adapters()).isEqualTo(1);
    assertThat(stats.usedBlocks()).isEqualTo(1);
    assertThat(stats.runningContextTokens()).isEqualTo(4);
    scheduler.complete(executed(plan), nowNanos);

    submit(scheduler, Request.of("b", 4, 1));
    policy.then(
        (view, draft) -> {
          int b = view.firstWaiting();
          draft.preempt(view.running(0), b, PreemptionMode.SWAP, QueueEnd.TAIL);
          draft.admit(b, 4, 0, 0);
        });
    plan = scheduler.next(nowNanos);
    stats = scheduler.stats();
    assertThat(stats.swapped()).isEqualTo(1);
    assertThat(stats.preemptions()).isEqualTo(1);
    scheduler.fail(plan.stepId(), new IllegalStateException("device"), nowNanos);
    Reservation reservation = scheduler.reserveIncoming(Request.of("c", 4, 2), nowNanos);
    assertThat(reservation.granted()).isTrue();
    assertThat(scheduler.stats().transferring()).isEqualTo(1);
    assertThat(scheduler.incomingDone(reservation, 7, nowNanos)).isTrue();
    finish(scheduler, 20);
    stats = scheduler.stats();
    assertThat(stats.accepted()).isEqualTo(3);
    assertThat(stats.prefillTokens()).isPositive();
    assertThat(stats.outputTokens()).isEqualTo(3 + 1 + 1);
    assertThat(heard)
        .startsWith("accepted", "started", "planned 1 4", "completed 1", "accepted")
        .contains("preempted 1", "failed", "ended LENGTH 3", "ended LENGTH 1", "ended LENGTH 2");
    assertThat(heard.stream().filter(call -> call.startsWith("ended"))).hasSize(3);
    assertAtRest(scheduler);
  }

  @Test
  void r31ExplainTellsWhereARequestStandsAndChangesNothing() {
    EngineScheduler scheduler = builder().limits(Limits.of(1, 64)).build();
    long a = submit(scheduler, Request.builder("a", 4, 9).arrivalNanos(1).build());
    long b = submit(scheduler, Request.builder("b", 9, 9).arrivalNanos(2).build());
    long c = submit(scheduler, Request.builder("c", 4, 9).arrivalNanos(3).build());
    assertThat(step(scheduler)).isTrue();
    String before = facts(scheduler);
    Explanation running = scheduler.explain(a);
    assertThat(running.state()).isEqualTo(SequenceState.RUNNING);
    assertThat(running.policyId()).isEqualTo("scripted");
    assertThat(running.needTokens()).isEqualTo(1);
    Explanation next = scheduler.explain(b);
    assertThat(next.requestId()).isEqualTo("b");
    assertThat(next.state()).isEqualTo(SequenceState.WAITING);
    assertThat(next.ahead()).isZero();
    assertThat(next.neededBlocks()).isEqualTo(3);
    assertThat(next.heldBlocks()).isZero();
    assertThat(next.freeSlots()).isZero();
    assertThat(next.lastAnswer()).isEqualTo(DraftOutcome.NO_SLOT);
    assertThat(scheduler.explain(c).ahead()).isEqualTo(1);
    assertThat(facts(scheduler)).isEqualTo(before);
    finish(scheduler, 100);
    assertThatThrownBy(() -> scheduler.explain(a))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("handle " + a + " is unknown or over");
  }

  // ---- P1 to P7

  @Test
  void p1p2TheNextPlanAssumesContinuationAndItsPhantomIsNotDelivered() {
    EngineScheduler scheduler = builder().depth(2).build();
    long a = submit(scheduler, "a", 4, 9);
    BatchPlan first = scheduler.next(1);
    BatchPlan second = scheduler.next(2);
    assertThat(first.inputOnDevice(0)).isFalse();
    assertThat(second.kind(0)).isEqualTo(WorkKind.DECODE);
    assertThat(second.start(0)).isEqualTo(4);
    assertThat(second.inputOnDevice(0)).isTrue();
    StepResult stopped = executed(first);
    stopped.stop(0);
    scheduler.complete(stopped, 3);
    assertThat(stopped.deliver(0)).isTrue();
    scheduler.events(ledger);
    assertThat(ledger.ends).containsEntry(a, End.STOPPED);
    // P3: the slot is free only when the phantom has landed.
    assertThat(ledger.slots).containsValue(a);
    assertThat(scheduler.stats().usedBlocks()).isPositive();
    StepResult phantom = executed(second);
    scheduler.complete(phantom, 4);
    assertThat(phantom.deliver(0)).isFalse();
    // P4: it counts for nothing.
    assertThat(scheduler.stats().outputTokens()).isEqualTo(1);
    assertAtRest(scheduler);
  }

  @Test
  void p3ACancelledSequenceIsReleasedWithTheLastPlanThatMentionsIt() {
    EngineScheduler scheduler = builder().depth(3).build();
    long a = submit(scheduler, "a", 4, 9);
    List<BatchPlan> plans = List.of(scheduler.next(1), scheduler.next(2), scheduler.next(3));
    assertThat(scheduler.cancel(a, 4)).isTrue();
    for (BatchPlan plan : plans) {
      scheduler.events(ledger);
      assertThat(ledger.releases).isZero();
      scheduler.complete(executed(plan), 5);
    }
    scheduler.events(ledger);
    assertThat(ledger.told).containsExactly("granted 0", "ended CANCELLED", "released 0");
    assertAtRest(scheduler);
  }

  @Test
  void p4NoRowIsPlannedBeyondTheOutputCap() {
    EngineScheduler scheduler = builder().depth(4).build();
    submit(scheduler, "a", 4, 2);
    BatchPlan first = scheduler.next(1);
    BatchPlan second = scheduler.next(2);
    assertThat(first.rows()).isEqualTo(1);
    assertThat(second.rows()).isEqualTo(1);
    assertThat(scheduler.next(3).isEmpty()).isTrue();
    scheduler.complete(executed(first), 4);
    assertThat(scheduler.next(5).isEmpty()).isTrue();
    scheduler.complete(executed(second), 6);
    assertThat(scheduler.stats().outputTokens()).isEqualTo(2);
    assertAtRest(scheduler);
  }

  @Test
  void p5p6ASequenceInFlightIsNeitherPreemptedNorVerified() {
    EngineScheduler scheduler = builder().depth(2).strict().build();
    submit(scheduler, "a", 4, 9);
    BatchPlan first = scheduler.next(1);
    List<DraftOutcome> answers = new ArrayList<>();
    policy.then(
        (view, draft) -> {
          int a = view.running(0);
          answers.add(draft.preempt(a, a, PreemptionMode.RECOMPUTE, QueueEnd.HEAD));
          answers.add(draft.verify(a, 2));
        });
    assertThat(scheduler.next(2).isEmpty()).isTrue();
    assertThat(answers).containsExactly(DraftOutcome.IN_FLIGHT, DraftOutcome.IN_FLIGHT);
    scheduler.complete(executed(first), 3);

    policy.then((view, draft) -> draft.verify(view.running(0), 2));
    BatchPlan verify = scheduler.next(4);
    assertThat(verify.kind(0)).isEqualTo(WorkKind.VERIFY);
    assertThat(scheduler.view().needTokens(scheduler.view().running(0))).isZero();
    assertThat(scheduler.next(5).isEmpty()).isTrue();
    StepResult result = new StepResult().begin(verify);
    result.tokens(0, 1, new int[] {8, 9});
    scheduler.complete(result, 6);
    BatchPlan after = scheduler.next(7);
    assertThat(after.start(0)).isEqualTo(4 + 2);
    scheduler.complete(executed(after), 8);
    finish(scheduler, 20);
    assertThat(scheduler.stats().outputTokens()).isEqualTo(9);
    assertAtRest(scheduler);
  }

  @Test
  void p7ResultsOutOfOrderTwiceOrForeignAreRefusedAndChangeNothing() {
    EngineScheduler scheduler = builder().depth(2).build();
    EngineScheduler other =
        EngineScheduler.builder()
            .policy(new GuardPolicy())
            .pool(PagedKvBlockPool.of(PagedKvConfig.of(BLOCK_TOKENS, 16)))
            .build();
    submit(scheduler, "a", 4, 2);
    submit(other, "a", 4, 2);
    BatchPlan first = scheduler.next(1);
    BatchPlan second = scheduler.next(2);
    StepResult foreign = executed(other.next(1));
    StepResult early = executed(second);
    StepResult due = executed(first);
    String before = facts(scheduler);
    assertThatIllegalStateException()
        .isThrownBy(() -> scheduler.complete(early, 3))
        .withMessageContaining("plans complete in order");
    assertThatIllegalStateException()
        .isThrownBy(() -> scheduler.complete(foreign, 3))
        .withMessageContaining("a plan of this scheduler");
    assertThatIllegalStateException()
        .isThrownBy(() -> scheduler.complete(new StepResult().begin(first), 3))
        .withMessageContaining("none was reported");
    assertThat(facts(scheduler)).isEqualTo(before);
    scheduler.complete(due, 3);
    before = facts(scheduler);
    assertThatIllegalStateException().isThrownBy(() -> scheduler.complete(due, 4));
    assertThat(facts(scheduler)).isEqualTo(before);
    scheduler.complete(early, 5);
    assertThatIllegalStateException()
        .isThrownBy(() -> scheduler.complete(early, 6))
        .withMessageContaining("no plan is in flight");
    assertAtRest(scheduler);
  }

  // ---- D1 to D5

  @Test
  void d1AnArrivedSequenceDecodesBehindItsPromptWithOneTokenGenerated() {
    EngineScheduler scheduler = builder().build();
    Reservation reservation = scheduler.reserveIncoming(Request.of("a", 6, 3), 1);
    assertThat(reservation.granted()).isTrue();
    assertThat(reservation.blocks()).isEqualTo(2);
    assertThat(scheduler.incomingDone(reservation, 7, 2)).isTrue();
    BatchPlan plan = scheduler.next(3);
    assertThat(plan.kind(0)).isEqualTo(WorkKind.DECODE);
    assertThat(plan.start(0)).isEqualTo(6);
    scheduler.complete(executed(plan), 4);
    finish(scheduler, 5);
    assertThat(scheduler.stats().outputTokens()).isEqualTo(2);
    assertThat(scheduler.stats().prefillTokens()).isZero();
    assertAtRest(scheduler);
  }

  @Test
  void d2WhatArrivedInPartIsKeptByBlocksOrGivenBack() {
    EngineScheduler giving = builder().build();
    Reservation given = giving.reserveIncoming(Request.of("a", 10, 2), 1);
    assertThat(giving.incomingFailed(given, 6, 2)).isTrue();
    giving.events(ledger);
    assertThat(ledger.ends).containsEntry(given.handle(), End.FAILED);
    assertAtRest(giving);

    pool = PagedKvBlockPool.of(PagedKvConfig.of(BLOCK_TOKENS, 64));
    EngineScheduler keeping = builder().recomputeIncoming().build();
    Reservation kept = keeping.reserveIncoming(Request.of("a", 10, 2), 1);
    assertThat(keeping.incomingFailed(kept, 6, 2)).isTrue();
    BatchPlan plan = keeping.next(3);
    assertThat(plan.kind(0)).isEqualTo(WorkKind.PREFILL);
    assertThat(plan.start(0)).isEqualTo(4);
    assertThat(plan.count(0)).isEqualTo(6);
    StepResult again = executed(plan);
    keeping.complete(again, 4);
    // The gateway has shown the first token already.
    assertThat(again.deliver(0)).isFalse();
    while (!keeping.isIdle()) {
      keeping.complete(executed(keeping.next(5)), 5);
    }
    assertThat(keeping.stats().outputTokens()).isEqualTo(1);
  }

  @Test
  void d3ALeaseThatExpiresFailsTheTransferAndLateReportsAreDropped() {
    EngineScheduler scheduler = builder().leaseNanos(1_000).build();
    Reservation reservation = scheduler.reserveIncoming(Request.of("in", 4, 2), 1);
    assertThat(reservation.leaseUntilNanos()).isEqualTo(1_001);
    assertThat(scheduler.submitPrefill(Request.of("out", 4, 2), 2).accepted()).isTrue();
    scheduler.complete(executed(scheduler.next(3)), 4);
    scheduler.events(ledger);
    assertThat(ledger.handOvers).hasSize(1);
    long out = ledger.handOvers.get(0);
    assertThat(scheduler.next(5).wakeAtNanos()).isEqualTo(1_001);
    assertThat(scheduler.next(2_000).isEmpty()).isTrue();
    scheduler.events(ledger);
    assertThat(ledger.ends)
        .containsEntry(reservation.handle(), End.FAILED)
        .containsEntry(out, End.FAILED);
    assertThat(scheduler.incomingDone(reservation, 7, 2_001)).isFalse();
    assertThat(scheduler.handOverDone(out, 2_001)).isFalse();
    assertAtRest(scheduler);
  }

  @Test
  void d4ACancelDuringATransferGivesBackWhenTheTransportIsDone() {
    EngineScheduler scheduler = builder().build();
    Reservation in = scheduler.reserveIncoming(Request.of("in", 4, 2), 1);
    assertThat(scheduler.submitPrefill(Request.of("out", 4, 2), 1).accepted()).isTrue();
    scheduler.complete(executed(scheduler.next(2)), 3);
    scheduler.events(ledger);
    long out = ledger.handOvers.get(0);
    assertThat(scheduler.cancel(in.handle(), 4)).isTrue();
    assertThat(scheduler.cancel(out, 4)).isTrue();
    assertThat(scheduler.cancel(out, 4)).isFalse();
    scheduler.events(ledger);
    assertThat(ledger.ends.values()).containsExactly(End.CANCELLED, End.CANCELLED);
    assertThat(ledger.releases).isZero();
    assertThat(scheduler.stats().usedBlocks()).isEqualTo(3);
    assertThat(scheduler.incomingDone(in, 7, 5)).isFalse();
    assertThat(scheduler.handOverDone(out, 5)).isFalse();
    assertAtRest(scheduler);
  }

  @Test
  void d5PinnedBlocksBoundThePrefillSide() {
    EngineScheduler scheduler = builder().maxPinnedBlocks(2).build();
    assertThat(scheduler.submitPrefill(Request.of("a", 8, 2), 1).accepted()).isTrue();
    scheduler.complete(executed(scheduler.next(2)), 3);
    scheduler.events(ledger);
    assertThat(scheduler.submitPrefill(Request.of("b", 8, 2), 4).accepted()).isTrue();
    assertThat(scheduler.next(5).isEmpty()).isTrue();
    assertThat(scheduler.explain(scheduler.handleOf("b")).state()).isEqualTo(SequenceState.WAITING);
    assertThat(scheduler.handOverDone(ledger.handOvers.get(0), 6)).isTrue();
    assertThat(scheduler.next(7).rows()).isEqualTo(1);
  }
}
