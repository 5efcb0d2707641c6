package io.headway.testkit.drive;

import io.headway.api.batching.End;
import io.headway.testkit.executor.ModelText;
import io.headway.testkit.subject.RequestSpec;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the driver's own model knows of a request. */
final class Job {
  final int number;
  final RequestSpec spec;
  final ModelText text;
  final boolean feasible;
  final List<Integer> output = new ArrayList<>();

  /** Position of the next token to compute, as far as results outstanding allow to say. */
  int computed;

  /** Whether it may start at any position up to its known tokens: a hit, or what was swapped. */
  boolean fresh = true;

  /** Whether it was ever part of a decision, or came by a transfer. */
  boolean started;

  /** Whether it runs: started, and not preempted, failed or over since. */
  boolean running;

  /** Rows outstanding that yield a token. */
  int pending;

  /** Whether a verification is outstanding, so that the next position is unknown. */
  boolean verifying;

  /** Whether it must not start yet. */
  boolean deferred;

  /** Whether its KV is on its way. */
  boolean arriving;

  /** How many leading tokens it took from the cache when it last started. */
  int hit;

  /** Whether the trace has its end already. */
  boolean written;

  boolean cancelled;
  @Nullable End end;

  /** Decisions with rows since it arrived or was last served. */
  int waitedSteps;

  Job(int number, RequestSpec spec, ModelText text, boolean feasible) {
    this.number = number;
    this.spec = spec;
    this.text = text;
    this.feasible = feasible;
    deferred = spec.deferred();
  }

  String id() {
    return spec.id();
  }

  int known() {
    return spec.promptTokens() + output.size() + pending;
  }

  boolean outputComplete() {
    int size = output.size();
    return size == (spec.handsOver() ? 1 : spec.maxNewTokens())
        || (size > 0 && output.get(size - 1) == ModelText.STOP);
  }

  boolean expired(long nowNanos) {
    return spec.hasDeadline() && nowNanos >= spec.deadlineNanos();
  }

  /** Whether nothing of it may run any more. */
  boolean over() {
    return cancelled || end != null || outputComplete();
  }

  /** Takes it back to where a preemption, or a failure, leaves it. */
  void restart() {
    fresh = true;
    running = false;
    pending = 0;
    verifying = false;
    computed = 0;
  }
}
