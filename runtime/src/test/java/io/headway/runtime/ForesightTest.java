package io.headway.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Request;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
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
 * What a draft foresees is what happens: in random worlds with shared prefixes, swapping, adapters,
 * reservations and short memory, the answer foreseen is compared with the answer after the
 * preemptions, and asking changes nothing.
 */
class ForesightTest {
  private static final int WORLDS = 600;

  private final Map<DraftOutcome, Integer> answers = new EnumMap<>(DraftOutcome.class);
  private Random random = new Random(0);
  private PagedKvBlockPool pool = PagedKvBlockPool.of(PagedKvConfig.of(1, 1));

  @Test
  void anAnswerForeseenIsTheAnswerGiven() {
    for (int world = 0; world < WORLDS; world++) {
      serve(world);
    }
    assertThat(answers)
        .containsKeys(
            DraftOutcome.DONE,
            DraftOutcome.NO_BLOCKS,
            DraftOutcome.NO_SLOT,
            DraftOutcome.NO_ADAPTER,
            DraftOutcome.OVER_TOKENS,
            DraftOutcome.NEVER_FITS);
    assertThat(answers.get(DraftOutcome.DONE)).isGreaterThan(1_000);
    assertThat(answers.get(DraftOutcome.NO_BLOCKS)).isGreaterThan(100);
  }

  private void serve(int world) {
    random = new Random(world * 41L + 3);
    int blockTokens = 1 + random.nextInt(4);
    pool =
        PagedKvBlockPool.of(
            PagedKvConfig.of(blockTokens, 6 + random.nextInt(12))
                .withHostBlocks(random.nextInt(12))
                .withPrefixCaching(random.nextInt(4) > 0));
    Scripted policy = Scripted.greedy();
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy(policy)
            .strict()
            .limits(Limits.of(1 + random.nextInt(4), 8 + random.nextInt(10)).maxAdapters(1))
            .pool(pool)
            .build();
    GuardPolicy greedy = new GuardPolicy();
    policy.always(
        (view, draft) -> {
          compare(view, draft);
          if (draft.batchSequences() == 0 && draft.preemptions() == 0) {
            greedy.plan(greedy.newState(), view, draft);
          }
        });
    StepResult result = new StepResult();
    for (int round = 0; round < 60; round++) {
      if (round < 30 && random.nextInt(2) == 0) {
        int prompt = 1 + random.nextInt(3 * blockTokens + 1);
        int[] tokens = new int[prompt];
        for (int i = 0; i < prompt; i++) {
          tokens[i] = i / blockTokens % 2;
        }
        scheduler.submit(
            Request.builder("r" + round, prompt, 1 + random.nextInt(6))
                .arrivalNanos(round)
                .adapter(random.nextInt(3) == 0 ? "a" + random.nextInt(2) : "")
                .tokenIds(tokens)
                .build(),
            round);
      }
      BatchPlan plan = scheduler.next(round);
      if (!plan.isEmpty()) {
        result.begin(plan);
        for (int i = 0; i < plan.rows(); i++) {
          if (plan.emits(i)) {
            result.token(i, 1);
          }
        }
        scheduler.complete(result, round);
      }
    }
  }

  private void compare(BatchView view, BatchDraft draft) {
    List<Integer> running = new ArrayList<>();
    for (int i = 0; i < view.runningCount(); i++) {
      int s = view.running(i);
      running.add(s);
      if (random.nextInt(3) == 0 && view.needTokens(s) > 0) {
        draft.schedule(s, 1 + random.nextInt(view.needTokens(s)));
      }
    }
    List<Integer> others = new ArrayList<>(running);
    for (int s = view.firstWaiting(); s != BatchView.NONE; s = view.nextWaiting(s)) {
      others.add(s);
    }
    if (running.isEmpty() || random.nextInt(3) > 0) {
      return;
    }
    int sequence = others.get(random.nextInt(others.size()));
    boolean queued = view.state(sequence) != SequenceState.RUNNING;
    running.removeIf(s -> s == sequence || random.nextInt(3) == 0);
    if (!queued && (view.needTokens(sequence) == 0 || draft.scheduledTokens(sequence) > 0)) {
      return;
    }
    int count = running.size();
    int[] victims = running.stream().mapToInt(s -> s).toArray();
    PreemptionMode[] modes = new PreemptionMode[count];
    for (int i = 0; i < count; i++) {
      modes[i] = random.nextBoolean() ? PreemptionMode.SWAP : PreemptionMode.RECOMPUTE;
    }
    int tokens = 1 + random.nextInt(queued ? 12 : view.needTokens(sequence));
    int reserve = random.nextInt(3) == 0 ? random.nextInt(60) : 0;
    int headroom = random.nextInt(3);
    String before = facts(view, draft);
    DraftOutcome foreseen =
        draft.outcomeAfter(victims, modes, count, sequence, tokens, reserve, headroom);
    assertThat(facts(view, draft)).isEqualTo(before);
    for (int i = 0; i < count; i++) {
      if (!draft.preempt(victims[i], sequence, modes[i], QueueEnd.HEAD).done()) {
        assertThat(modes[i]).isEqualTo(PreemptionMode.SWAP);
        draft.preempt(victims[i], sequence, PreemptionMode.RECOMPUTE, QueueEnd.HEAD);
      }
    }
    DraftOutcome given =
        queued
            ? draft.admit(sequence, tokens, reserve, headroom)
            : draft.schedule(sequence, tokens);
    assertThat(foreseen).isEqualTo(given);
    answers.merge(given, 1, Integer::sum);
  }

  private String facts(BatchView view, BatchDraft draft) {
    StringBuilder facts = new StringBuilder();
    facts.append(draft.batchTokens()).append(' ').append(draft.batchSequences()).append(' ');
    facts.append(draft.slotsLeft()).append(' ').append(draft.preemptions()).append(' ');
    facts.append(view.freeBlocks()).append(' ').append(view.freeHostBlocks());
    for (int i = 0; i < view.runningCount(); i++) {
      fact(facts, view, draft, view.running(i));
    }
    for (int s = view.firstWaiting(); s != BatchView.NONE; s = view.nextWaiting(s)) {
      fact(facts, view, draft, s);
      if (view.state(s) == SequenceState.WAITING) {
        facts.append(view.cachedTokens(s));
      }
    }
    return facts.toString();
  }

  private static void fact(StringBuilder facts, BatchView view, BatchDraft draft, int s) {
    facts.append('\n').append(view.request(s).id()).append(' ').append(view.state(s));
    facts.append(' ').append(view.heldBlocks(s)).append(' ').append(view.computedTokens(s));
    facts.append(' ').append(draft.scheduledTokens(s)).append(' ').append(view.preemptions(s));
  }
}
