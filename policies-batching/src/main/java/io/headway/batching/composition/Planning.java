package io.headway.batching.composition;

import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchPlanner;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import io.headway.api.batching.ServedSequences;

/**
 * A planner at work: asks it when its time has come and somebody wants to know who is next, and
 * keeps its plan in front of the policy's own order.
 */
final class Planning<P> {
  private final BatchPlanner<P> planner;
  private final P state;
  private final boolean listens;
  private final PlannedQueue plan;
  // Whom a boundary kept back in this decision.
  private int heldBack = BatchView.NONE;
  private boolean asked;

  /**
   * Puts a planner to work.
   *
   * @param listens whether it keeps state of its own and is told of events here
   */
  Planning(String policyId, BatchPlanner<P> planner, P state, boolean listens) {
    this.planner = planner;
    this.state = state;
    this.listens = listens;
    plan = new PlannedQueue(policyId);
  }

  BatchPlanner<P> planner() {
    return planner;
  }

  P state() {
    return state;
  }

  void beginDecision() {
    asked = false;
    heldBack = BatchView.NONE;
    plan.beginDecision();
  }

  void endDecision() {
    plan.endDecision();
  }

  /** The first one in planned order that may start now, or {@link BatchView#NONE}. */
  int head(BatchView view, BatchDraft draft, WaitingQueue queue) {
    if (!asked) {
      asked = true;
      if (view.waitingCount() > 0 && planner.nextPlanNanos(state, view) <= view.nowNanos()) {
        plan.begin(view);
        try {
          planner.plan(state, view, plan);
        } finally {
          plan.end();
        }
      }
    }
    int head = plan.next(view);
    if (head == BatchView.NONE) {
      head = queue.head(view);
      // Only those set aside are left of the plan.
      while (head != BatchView.NONE && plan.holds(head)) {
        queue.setAside(view, head);
        head = queue.head(view);
      }
    }
    if (head == BatchView.NONE || plan.isOpen(head)) {
      return head;
    }
    if (heldBack != head) {
      heldBack = head;
      draft.defer(head);
    }
    return BatchView.NONE;
  }

  /** Sets a planned sequence aside; returns false if it is not planned. */
  boolean setAside(int sequence) {
    if (!plan.holds(sequence)) {
      return false;
    }
    plan.setAside(sequence);
    return true;
  }

  /** Compares two sequences of which at least one is planned; 0 if neither is. */
  int compare(int a, int b) {
    boolean first = plan.holds(a);
    boolean second = plan.holds(b);
    if (first && second) {
      return Integer.compare(plan.place(a), plan.place(b));
    }
    return first ? -1 : second ? 1 : 0;
  }

  /** When a new plan may change an empty decision. */
  long wakeAtNanos(BatchView view) {
    if (view.waitingCount() == 0) {
      return Long.MAX_VALUE;
    }
    long next = planner.nextPlanNanos(state, view);
    // A plan whose time had come was made in that decision and did not help.
    return next <= view.nowNanos() ? Long.MAX_VALUE : next;
  }

  /** For how many iterations the plan and whom it holds back stay as they are. */
  int repeatableIterations(BatchView view) {
    boolean mayChange =
        asked
            && view.waitingCount() > 0
            && (plan.heldBack() || planner.nextPlanNanos(state, view) != Long.MAX_VALUE);
    if (mayChange) {
      return 0;
    }
    return listens ? planner.bulkIterations(state, view) : Integer.MAX_VALUE;
  }

  void onQueued(BatchView view, int sequence) {
    if (listens) {
      planner.onQueued(state, view, sequence);
    }
    plan.entered(sequence);
  }

  void onAdmitted(BatchView view, int sequence, int cachedTokens) {
    plan.admitted(sequence);
    if (listens) {
      planner.onAdmitted(state, view, sequence, cachedTokens);
    }
  }

  void onPreempted(BatchView view, int sequence) {
    if (listens) {
      planner.onPreempted(state, view, sequence);
    }
  }

  /** A victim was sent to the tail of the queue. */
  void sentBehind(int sequence) {
    plan.left(sequence);
  }

  void onServed(BatchView view, ServedSequences served) {
    if (listens) {
      planner.onServed(state, view, served);
    }
  }

  void onEnded(BatchView view, int sequence, End end) {
    plan.left(sequence);
    if (listens) {
      planner.onEnded(state, view, sequence, end);
    }
  }

  void onTenantForgotten(int tenant) {
    if (listens) {
      planner.onTenantForgotten(state, tenant);
    }
  }
}
