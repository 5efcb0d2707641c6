package io.headway.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Request;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.SequenceState;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Decodes scheduled at once are those that would be scheduled one after another: two schedulers
 * with the same work, one asked in each way, make the same plans and stop at the same places.
 */
class DecodesAtOnceTest {
  private static final int WORLDS = 400;
  private static final int ROUNDS = 60;
  private static final int STRANGER = 1_000;

  /** What keeps a sequence from being added. */
  private enum Stop {
    NOBODY,
    STATE,
    NOT_DECODING,
    IN_BATCH,
    REFUSED
  }

  private final Map<Stop, Integer> stops = new EnumMap<>(Stop.class);

  @Test
  void decodesAtOnceAreDecodesInTurn() {
    for (int world = 0; world < WORLDS; world++) {
      serve(world);
    }
    assertThat(stops).containsOnlyKeys(Stop.values());
  }

  private void serve(int world) {
    int[] atOnce = new int[ROUNDS];
    int[] inTurn = new int[ROUNDS];
    EngineScheduler one =
        scheduler(world, (view, draft, ids, to) -> draft.scheduleDecodes(ids, 0, to), atOnce);
    EngineScheduler other = scheduler(world, this::inTurn, inTurn);
    Random random = new Random(world);
    for (int round = 0; round < ROUNDS; round++) {
      if (round < 30 && random.nextBoolean()) {
        Request request =
            Request.builder("r" + round, 1 + random.nextInt(9), 1 + random.nextInt(8))
                .arrivalNanos(round)
                .build();
        one.submit(request, round);
        other.submit(request, round);
      }
      String plan = step(one, round);
      assertThat(plan).isEqualTo(step(other, round));
      assertThat(atOnce[round]).isEqualTo(inTurn[round]);
    }
  }

  /** One way of scheduling decodes; returns where it stopped. */
  private interface Way {
    int schedule(BatchView view, BatchDraft draft, int[] ids, int to);
  }

  private EngineScheduler scheduler(int world, Way way, int[] positions) {
    Random random = new Random(world * 31L + 7);
    int depth = 1 + random.nextInt(2);
    Scripted policy = Scripted.greedy();
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy(policy)
            .strict()
            .depth(depth)
            .limits(Limits.of(1 + random.nextInt(6), 6 + random.nextInt(6)))
            .pool(
                PagedKvBlockPool.of(
                    PagedKvConfig.of(1 + random.nextInt(4), 8 + random.nextInt(10))))
            .build();
    GuardPolicy greedy = new GuardPolicy();
    policy.always(
        (view, draft) -> {
          int[] ids = ids(view, random);
          int to = random.nextInt(ids.length + 1);
          if (ids.length > 0 && random.nextInt(4) == 0 && view.needTokens(ids[0]) > 0) {
            draft.schedule(ids[0], 1);
            ids[0] = ids[ids.length - 1];
            ids[ids.length - 1] = view.running(random.nextInt(ids.length));
          }
          if (ids.length > 0 && random.nextInt(8) == 0) {
            int waiting = view.firstWaiting();
            ids[random.nextInt(ids.length)] = waiting == BatchView.NONE ? STRANGER : waiting;
          }
          int round = (int) view.nowNanos();
          positions[round] = 100 * positions[round] + way.schedule(view, draft, ids, to);
          if (draft.batchSequences() == 0) {
            greedy.plan(greedy.newState(), view, draft);
          } else if (draft.slotsLeft() > 0 && draft.tokensLeft() > 0 && view.waitingCount() > 0) {
            draft.admit(view.firstWaiting(), draft.tokensLeft(), 0, 0);
          }
        });
    return scheduler;
  }

  /** The running sequences in some order. */
  private static int[] ids(BatchView view, Random random) {
    int[] ids = new int[view.runningCount()];
    for (int i = 0; i < ids.length; i++) {
      int j = random.nextInt(i + 1);
      ids[i] = ids[j];
      ids[j] = view.running(i);
    }
    return ids;
  }

  private int inTurn(BatchView view, BatchDraft draft, int[] ids, int to) {
    for (int i = 0; i < to; i++) {
      Stop stop = add(view, draft, ids[i]);
      if (stop != Stop.NOBODY) {
        stops.merge(stop, 1, Integer::sum);
        return i;
      }
    }
    stops.merge(Stop.NOBODY, 1, Integer::sum);
    return to;
  }

  private static Stop add(BatchView view, BatchDraft draft, int s) {
    if (s == STRANGER || view.state(s) != SequenceState.RUNNING) {
      return Stop.STATE;
    }
    if (draft.scheduledTokens(s) > 0) {
      return Stop.IN_BATCH;
    }
    if (!view.decoding(s)) {
      return Stop.NOT_DECODING;
    }
    return draft.schedule(s, 1).done() ? Stop.NOBODY : Stop.REFUSED;
  }

  /** Plans as far ahead as may be, and completes it all. */
  private static String step(EngineScheduler scheduler, int round) {
    List<BatchPlan> plans = new ArrayList<>();
    BatchPlan next = scheduler.next(round);
    while (!next.isEmpty()) {
      plans.add(next);
      if (!scheduler.canPlan()) {
        break;
      }
      next = scheduler.next(round);
    }
    String text = plans.toString();
    StepResult result = new StepResult();
    for (BatchPlan plan : plans) {
      result.begin(plan);
      for (int row = 0; row < plan.rows(); row++) {
        if (plan.emits(row)) {
          result.token(row, 1);
        }
      }
      scheduler.complete(result, round);
    }
    return text;
  }
}
