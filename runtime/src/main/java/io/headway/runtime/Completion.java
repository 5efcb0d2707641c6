package io.headway.runtime;

import io.headway.api.batching.End;
import io.headway.api.batching.ServedSequences;
import io.headway.api.batching.WorkKind;
import io.headway.api.memory.KvBlockPool;
import org.jspecify.annotations.Nullable;

/** Applies what the engine reports about a plan. */
final class Completion {
  private final Sequences sequences;
  private final KvBlockPool pool;
  private final Lifecycle lifecycle;
  private final Transfers transfers;
  private final Publisher publisher;
  private final PolicyGuard policy;
  private final Faults faults;
  private final EngineTally tally;
  private final @Nullable EngineLog log;

  // Of the plan being completed: whom it served, and the rows that end their sequences.
  private final ServedSequences served = new ServedSequences();
  private int[] ending = new int[16];
  private int endings;

  Completion(
      Sequences sequences,
      Lifecycle lifecycle,
      Transfers transfers,
      Publisher publisher,
      PolicyGuard policy,
      Faults faults,
      EngineTally tally,
      @Nullable EngineLog log) {
    this.sequences = sequences;
    this.pool = sequences.pool;
    this.lifecycle = lifecycle;
    this.transfers = transfers;
    this.publisher = publisher;
    this.policy = policy;
    this.faults = faults;
    this.tally = tally;
    this.log = log;
  }

  /** Refuses a result that lacks a token which would count. */
  void check(BatchPlan plan, StepResult result) {
    for (int i = 0, rows = plan.rows(); i < rows; i++) {
      if (result.reported(i) == 0
          && plan.emits(i)
          && sequences.hold(plan.sequences[i]) == Sequences.FREE
          && result.failure(i) == null) {
        throw new IllegalStateException(
            "row "
                + i
                + " of step "
                + plan.stepId()
                + " emits a token, but none was reported; call token or rowFailed");
      }
    }
  }

  /**
   * Applies a checked result.
   *
   * @param plan out of flight already
   * @param result about this plan
   * @param repetitions how often the plan was executed once more
   */
  void complete(BatchPlan plan, StepResult result, int repetitions) {
    served.clear();
    endings = 0;
    if (ending.length < plan.rows()) {
      ending = new int[Math.max(plan.rows(), ending.length * 2)];
    }
    int decodes = plan.decodes();
    completeDecodes(plan, result, decodes, 1 + repetitions);
    for (int i = decodes, rows = plan.rows(); i < rows; i++) {
      completeRow(plan, result, i, 0);
    }
    if (served.count() > 0) {
      policy.onServed(served);
    }
    for (int i = 0; i < endings; i++) {
      end(plan.sequences[ending[i]], result.stopped(ending[i]));
    }
  }

  /**
   * Does for decodes what {@link #completeRow} does for any row, without a call as long as only
   * tokens are to be accounted for: most rows of most steps.
   */
  private void completeDecodes(BatchPlan plan, StepResult result, int decodes, int output) {
    Sequences q = sequences;
    boolean windowed = publisher.windowed();
    boolean plain = log == null && !result.anyFailure();
    int emitted = 0;
    for (int row = 0; row < decodes; row++) {
      int s = plan.sequences[row];
      if (!plain || !q.emitted(s, output)) {
        emitted(plan, result, emitted, row, output);
        emitted = row + 1;
        completeRow(plan, result, row, output - 1);
        continue;
      }
      if (q.keys[s] != null || windowed) {
        publisher.generated(s, result.reportedToken(row, 0));
        publisher.computed(s, plan.start(row) + output);
      }
      if (result.stopped(row) || q.isComplete(s)) {
        ending[endings++] = row;
      }
    }
    emitted(plan, result, emitted, decodes, output);
  }

  /** Notes for rows of decodes, all at once, that each yielded tokens which may be shown. */
  private void emitted(BatchPlan plan, StepResult result, int from, int to, int output) {
    tally.outputTokens += (long) (to - from) * output;
    result.allow(from, to);
    served.addDecodes(plan.sequences, from, to, output);
  }

  private void completeRow(BatchPlan plan, StepResult result, int row, int repetitions) {
    Sequences q = sequences;
    int s = plan.sequences[row];
    q.addPlansInFlight(s, -1);
    if (q.hold(s) > Sequences.VERIFYING) {
      // Over, void or to be computed again: the row was executed in vain.
      lifecycle.landed(s);
      return;
    }
    Throwable failure = result.failure(row);
    if (failure != null) {
      faults.warn(
          Faults.Cause.ROW,
          "a row of step {} failed with {}; it is computed again or ends",
          plan.stepId(),
          failure.getClass().getName());
      lifecycle.failed(s, failure);
      return;
    }
    WorkKind kind = plan.kind(row);
    int end = plan.start(row) + plan.count(row);
    int output = 0;
    if (kind == WorkKind.VERIFY) {
      output = result.reported(row);
      end = plan.start(row) + output;
      verified(s, end, output);
    } else if (plan.emits(row)) {
      q.addOutstanding(s, -1);
      q.addKnown(s, repetitions);
      output = 1 + repetitions;
      end += repetitions;
    }
    int prefill = kind == WorkKind.PREFILL ? plan.count(row) : 0;
    tally.prefillTokens += prefill;
    if (q.keys[s] != null) {
      for (int i = 0; i < result.reported(row); i++) {
        publisher.generated(s, result.reportedToken(row, i));
      }
    }
    if (output > 0) {
      show(plan, result, row, s, output);
    }
    publisher.computed(s, end);
    served.add(s, prefill, output);
    if ((output > 0 && result.stopped(row)) || q.isComplete(s)) {
      ending[endings++] = row;
    }
  }

  /** Sets a sequence to the position behind its accepted drafts. */
  private void verified(int s, int end, int output) {
    sequences.setHold(s, Sequences.FREE);
    sequences.setComputed(s, end);
    sequences.addKnown(s, output);
    // What the policy reserved at admission stays, whatever was drafted.
    pool.truncate(sequences.owners[s], Math.max(end, sequences.reserved(s)));
    sequences.setWritable(s, pool.writableTokens(sequences.owners[s]));
    if (log != null) {
      log.update(s, 0);
    }
  }

  private void show(BatchPlan plan, StepResult result, int row, int s, int output) {
    int shown = output;
    if (sequences.suppressed(s) > 0) {
      shown = Math.max(0, output - sequences.suppressed(s));
      sequences.addSuppressed(s, -(output - shown));
    }
    tally.outputTokens += shown;
    if (shown > 0) {
      result.allow(row, row + 1);
      if (log != null) {
        log.output(plan, s, shown, sequences.generated(s) - shown);
      }
    }
  }

  private void end(int s, boolean stopped) {
    if (stopped) {
      lifecycle.end(s, End.STOPPED, "");
    } else if (sequences.generated(s) < sequences.maxNewTokens(s)) {
      transfers.handOver(s);
    } else {
      lifecycle.end(s, End.LENGTH, "");
    }
  }

  /** Has every request of a lost plan computed again, or ends it. */
  void fail(BatchPlan plan, Throwable cause) {
    faults.warn(
        Faults.Cause.STEP,
        "step {} failed with {}; its {} rows are computed again or end",
        plan.stepId(),
        cause.getClass().getName(),
        plan.rows());
    for (int i = 0, rows = plan.rows(); i < rows; i++) {
      int s = plan.sequences[i];
      sequences.addPlansInFlight(s, -1);
      if (sequences.hold(s) > Sequences.ROLLED_BACK) {
        lifecycle.landed(s);
      } else {
        lifecycle.failed(s, cause);
      }
    }
  }

  /**
   * Takes back what a plan still in flight assumed about one that was lost before it. Its sequences
   * cannot be scheduled until it has landed, since the device may still write their blocks.
   */
  void rollBack(BatchPlan plan) {
    plan.voided = true;
    for (int i = 0, rows = plan.rows(); i < rows; i++) {
      int s = plan.sequences[i];
      if (sequences.hold(s) > Sequences.ROLLED_BACK) {
        continue;
      }
      sequences.setHold(s, Sequences.ROLLED_BACK);
      if (plan.kind(i) != WorkKind.VERIFY) {
        sequences.addComputed(s, -plan.count(i));
        if (plan.emits(i)) {
          sequences.addOutstanding(s, -1);
          sequences.addKnown(s, -1);
        }
      }
    }
  }

  /** Takes a void plan out of flight. */
  void land(BatchPlan plan) {
    for (int i = 0, rows = plan.rows(); i < rows; i++) {
      int s = plan.sequences[i];
      sequences.addPlansInFlight(s, -1);
      lifecycle.landed(s);
    }
  }
}
