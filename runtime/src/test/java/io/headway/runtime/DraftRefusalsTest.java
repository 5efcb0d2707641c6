package io.headway.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.headway.api.Invariant;
import io.headway.api.PolicyViolationException;
import io.headway.api.Request;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.End;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What no policy may do is refused, naming rule and request, and changes nothing. Request 'dec'
 * decodes, 'pre' has half of its prompt computed, 'wait' waits.
 */
class DraftRefusalsTest {
  private final Scripted policy = Scripted.greedy();
  private final PagedKvBlockPool pool = PagedKvBlockPool.of(PagedKvConfig.of(4, 16));
  private final EngineScheduler scheduler =
      EngineScheduler.builder()
          .policy(policy)
          .pool(pool)
          .limits(Limits.of(4, 64))
          .depth(2)
          .strict()
          .build();
  private long nowNanos;
  private int dec;
  private int pre;
  private int wait;

  @BeforeEach
  void runTwoAndLetOneWait() {
    for (String id : new String[] {"dec", "pre", "wait"}) {
      assertThat(scheduler.submit(Request.of(id, 4, 4), nowNanos).accepted()).isTrue();
    }
    policy.then(
        (view, draft) -> {
          dec = view.firstWaiting();
          pre = view.nextWaiting(dec);
          wait = view.nextWaiting(pre);
          assertThat(draft.admit(dec, 4, 0, 0).done()).isTrue();
          assertThat(draft.admit(pre, 2, 0, 0).done()).isTrue();
        });
    BatchPlan plan = scheduler.next(nowNanos);
    StepResult result = new StepResult().begin(plan);
    for (int row = 0; row < plan.rows(); row++) {
      if (plan.emits(row)) {
        result.token(row, 1);
      }
    }
    scheduler.complete(result, nowNanos);
  }

  private void refused(
      Invariant rule, String requestId, String detail, BiConsumer<BatchView, BatchDraft> act) {
    String before = facts();
    policy.then(act);
    PolicyViolationException thrown =
        catchThrowableOfType(
            PolicyViolationException.class, () -> scheduler.next(nowNanos += 1_000));
    assertThat(thrown).isNotNull();
    assertThat(thrown.policyId()).isEqualTo("scripted");
    assertThat(thrown.rule()).isEqualTo(rule);
    assertThat(thrown.requestId()).isEqualTo(requestId);
    assertThat(thrown)
        .hasMessage(
            "policy 'scripted' broke "
                + rule.code()
                + " ("
                + rule.title()
                + ")"
                + (requestId.isEmpty() ? "" : " for request '" + requestId + "'")
                + ": "
                + detail);
    assertThat(facts()).isEqualTo(before);
  }

  /** Everything but the count of violations. */
  private String facts() {
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
        .append(view.heldBlocks(s))
        .append(' ')
        .append(view.preemptions(s))
        .append('\n');
  }

  @Test
  void anUnknownSequence() {
    refused(
        Invariant.INV_02,
        "",
        "sequence 999 is unknown or over",
        (view, draft) -> draft.schedule(999, 1));
    refused(
        Invariant.INV_02,
        "",
        "sequence -1 is unknown or over",
        (view, draft) -> draft.schedule(-1, 1));
    refused(
        Invariant.INV_02,
        "",
        "sequence 999 is unknown or over",
        (view, draft) -> draft.admit(999, 1, 0, 0));
    refused(
        Invariant.INV_02,
        "",
        "sequence 999 is unknown or over",
        (view, draft) -> draft.preempt(999, dec, PreemptionMode.RECOMPUTE, QueueEnd.HEAD));
    refused(
        Invariant.INV_02,
        "",
        "sequence 999 is unknown or over",
        (view, draft) -> draft.scheduledTokens(999));
  }

  @Test
  void resumingWhoIsNotSwapped() {
    refused(
        Invariant.INV_32,
        "wait",
        "only a swapped sequence can be resumed, but it is WAITING",
        (view, draft) -> draft.resume(wait, 0));
    refused(
        Invariant.INV_32,
        "dec",
        "only a swapped sequence can be resumed, but it is RUNNING",
        (view, draft) -> draft.resume(dec, 0));
    refused(
        Invariant.INV_02,
        "",
        "sequence 999 is unknown or over",
        (view, draft) -> draft.resume(999, 0));
  }

  @Test
  void foreseeingWhatIsNotAllowed() {
    PreemptionMode[] modes = {PreemptionMode.RECOMPUTE};
    refused(
        Invariant.INV_20,
        "wait",
        "only a running sequence can be preempted, but it is WAITING",
        (view, draft) -> draft.outcomeAfter(new int[] {wait}, modes, 1, dec, 1, 0, 0));
    refused(
        Invariant.INV_07,
        "wait",
        "tokens must be at least 1, but was 0",
        (view, draft) -> draft.outcomeAfter(new int[] {dec}, modes, 1, wait, 0, 0, 0));
    refused(
        Invariant.INV_07,
        "pre",
        "tokens must be from 1 to the 2 needed, but was 3",
        (view, draft) -> draft.outcomeAfter(new int[] {dec}, modes, 1, pre, 3, 0, 0));
  }

  @Test
  void aFinishedSequence() {
    assertThat(scheduler.cancel(scheduler.handleOf("dec"), nowNanos)).isTrue();
    refused(
        Invariant.INV_02,
        "",
        "sequence " + dec + " is unknown or over",
        (view, draft) -> draft.schedule(dec, 1));
  }

  @Test
  void aFinishedSequenceThatAPlanInFlightStillMentions() {
    BatchPlan plan = scheduler.next(nowNanos);
    assertThat(plan.isEmpty()).isFalse();
    assertThat(scheduler.cancel(scheduler.handleOf("dec"), nowNanos)).isTrue();
    refused(
        Invariant.INV_02,
        "",
        "sequence " + dec + " is unknown or over",
        (view, draft) -> draft.schedule(dec, 1));
  }

  @Test
  void expiringARunningSequence() {
    refused(
        Invariant.INV_02,
        "dec",
        "only a queued sequence can be expired, but it is RUNNING",
        (view, draft) -> draft.expire(dec));
  }

  @Test
  void deferringWhoDoesNotWait() {
    refused(
        Invariant.INV_02,
        "dec",
        "only a queued sequence can be deferred, but it is RUNNING",
        (view, draft) -> draft.defer(dec));
  }

  @Test
  void whoIsDeferredIsExplained() {
    policy.then(
        (view, draft) -> {
          draft.defer(wait);
          draft.schedule(dec, 1);
        });
    scheduler.next(nowNanos);
    assertThat(scheduler.explain(scheduler.handleOf("wait")).lastAnswer())
        .isEqualTo(DraftOutcome.LATER);
  }

  @Test
  void expiringAWaitingSequenceEndsItAsExpired() {
    policy.then((view, draft) -> draft.expire(wait));
    scheduler.next(nowNanos);
    List<String> ends = new ArrayList<>();
    scheduler.events(
        new EngineEvents() {
          @Override
          public void ended(long handle, End end, String detail) {
            ends.add(end.name());
          }
        });
    assertThat(ends).containsExactly("EXPIRED");
    assertThat(scheduler.handleOf("wait")).isEqualTo(-1);
  }

  @Test
  void positionsOfDecodesMustBeWithinTheSequencesGiven() {
    refused(
        Invariant.INV_03,
        "",
        "positions must be within the 1 sequences given, but were from 0 to 2",
        (view, draft) -> draft.scheduleDecodes(new int[] {dec}, 0, 2));
    refused(
        Invariant.INV_03,
        "",
        "positions must be within the 1 sequences given, but were from -1 to 1",
        (view, draft) -> draft.scheduleDecodes(new int[] {dec}, -1, 1));
    refused(
        Invariant.INV_03,
        "",
        "positions must be within the 2 sequences given, but were from 2 to 1",
        (view, draft) -> draft.scheduleDecodes(2, 1));
  }

  @Test
  void schedulingAWaitingSequence() {
    refused(
        Invariant.INV_03,
        "wait",
        "only a running sequence can be scheduled, but it is WAITING",
        (view, draft) -> draft.schedule(wait, 1));
  }

  @Test
  void schedulingTheSameSequenceTwice() {
    refused(
        Invariant.INV_03,
        "dec",
        "it stands in this batch already, with 1 tokens",
        (view, draft) -> {
          assertThat(draft.schedule(dec, 1).done()).isTrue();
          draft.schedule(dec, 1);
        });
    refused(
        Invariant.INV_03,
        "wait",
        "it stands in this batch already, with 2 tokens",
        (view, draft) -> {
          assertThat(draft.admit(wait, 2, 0, 0).done()).isTrue();
          draft.schedule(wait, 2);
        });
  }

  @Test
  void schedulingNoTokens() {
    refused(
        Invariant.INV_07,
        "dec",
        "tokens must be from 1 to the 1 needed, but was 0",
        (view, draft) -> draft.schedule(dec, 0));
    refused(
        Invariant.INV_07,
        "pre",
        "tokens must be from 1 to the 2 needed, but was -1",
        (view, draft) -> draft.schedule(pre, -1));
  }

  @Test
  void schedulingMoreTokensThanNeeded() {
    refused(
        Invariant.INV_07,
        "pre",
        "tokens must be from 1 to the 2 needed, but was 3",
        (view, draft) -> draft.schedule(pre, 3));
  }

  @Test
  void admittingARunningSequence() {
    refused(
        Invariant.INV_02,
        "dec",
        "only a queued sequence can be admitted, but it is RUNNING",
        (view, draft) -> draft.admit(dec, 1, 0, 0));
  }

  @Test
  void admittingForNoTokensOrNegativeReserves() {
    refused(
        Invariant.INV_07,
        "wait",
        "tokens must be at least 1, but was 0",
        (view, draft) -> draft.admit(wait, 0, 0, 0));
    refused(
        Invariant.INV_11,
        "wait",
        "reserveTokens and headroomBlocks must be at least 0, but were -1 tokens and 0 blocks",
        (view, draft) -> draft.admit(wait, 4, -1, 0));
    refused(
        Invariant.INV_11,
        "wait",
        "reserveTokens and headroomBlocks must be at least 0, but were 0 tokens and -2 blocks",
        (view, draft) -> draft.admit(wait, 4, 0, -2));
  }

  @Test
  void preemptingAWaitingSequence() {
    refused(
        Invariant.INV_20,
        "wait",
        "only a running sequence can be preempted, but it is WAITING",
        (view, draft) -> draft.preempt(wait, dec, PreemptionMode.RECOMPUTE, QueueEnd.HEAD));
  }

  @Test
  void preemptingTheSameSequenceTwice() {
    refused(
        Invariant.INV_20,
        "pre",
        "only a running sequence can be preempted, but it is WAITING",
        (view, draft) -> {
          assertThat(draft.preempt(pre, dec, PreemptionMode.RECOMPUTE, QueueEnd.HEAD).done())
              .isTrue();
          draft.preempt(pre, dec, PreemptionMode.RECOMPUTE, QueueEnd.HEAD);
        });
  }

  @Test
  void preemptingASequenceAdmittedInThisDraft() {
    refused(
        Invariant.INV_22,
        "wait",
        "it was admitted in this very draft and cannot be preempted before it ran",
        (view, draft) -> {
          assertThat(draft.admit(wait, 4, 0, 0).done()).isTrue();
          draft.preempt(wait, dec, PreemptionMode.RECOMPUTE, QueueEnd.TAIL);
        });
  }

  @Test
  void verifyingASequenceThatDoesNotDecode() {
    refused(
        Invariant.INV_29,
        "pre",
        "only a decoding sequence can verify drafts, but it needs 2 tokens",
        (view, draft) -> draft.verify(pre, 1));
  }

  @Test
  void verifyingMoreDraftsThanTheOutputCapLeaves() {
    // Of 4 output tokens one is out and the next is not a draft.
    refused(
        Invariant.INV_29,
        "dec",
        "draftTokens must be from 1 to the 2 output tokens left behind the next one, but was 3",
        (view, draft) -> draft.verify(dec, 3));
    refused(
        Invariant.INV_29,
        "dec",
        "draftTokens must be from 1 to the 2 output tokens left behind the next one, but was 0",
        (view, draft) -> draft.verify(dec, 0));
  }

  @Test
  void refusingARunningSequence() {
    refused(
        Invariant.INV_02,
        "dec",
        "only a queued sequence can be refused, but it is RUNNING",
        (view, draft) -> draft.refuse(dec));
  }

  @Test
  void negativePadding() {
    refused(
        Invariant.INV_05,
        "",
        "padding must be at least 0 tokens, but was -1",
        (view, draft) -> draft.pad(-1));
  }

  @Test
  void writingToADraftOfAnEarlierDecision() {
    BatchDraft[] kept = new BatchDraft[1];
    policy.then(
        (view, draft) -> {
          kept[0] = draft;
          draft.schedule(dec, 1);
        });
    assertThat(scheduler.next(nowNanos).rows()).isEqualTo(1);
    PolicyViolationException thrown =
        catchThrowableOfType(PolicyViolationException.class, () -> kept[0].schedule(pre, 1));
    assertThat(thrown.rule()).isEqualTo(Invariant.INV_03);
    assertThat(thrown)
        .hasMessageContaining(
            "a draft may be written to only while plan runs, and not from within an event");
  }

  @Test
  void doingNothingWhileRequestsWaitAndNothingRuns() {
    refused(
        Invariant.INV_23,
        "dec",
        "nothing is in flight and nothing was planned, yet requests wait; plan one or say when to"
            + " be asked again",
        (view, draft) -> {});
  }

  @Test
  void aLegalDraftAfterRefusedOnesIsPlanned() {
    refused(
        Invariant.INV_03,
        "dec",
        "it stands in this batch already, with 1 tokens",
        (view, draft) -> {
          draft.admit(wait, 4, 0, 0);
          draft.schedule(dec, 1);
          draft.schedule(dec, 1);
        });
    BatchPlan plan = scheduler.next(nowNanos);
    assertThat(plan.rows()).isEqualTo(3);
    assertThat(plan.tokens()).isEqualTo(1 + 2 + 4);
    assertThat(scheduler.stats().violations()).isEqualTo(1);
  }
}
