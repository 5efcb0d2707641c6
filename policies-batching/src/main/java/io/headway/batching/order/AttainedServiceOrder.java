package io.headway.batching.order;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import io.headway.api.batching.QueueEnd;
import io.headway.api.batching.QueueOrder;
import io.headway.api.batching.RankChanges;
import io.headway.api.batching.ServedSequences;
import io.headway.batching.internal.Arguments;
import java.util.Arrays;

/**
 * Orders calls by what their program was served before: program-level least attained service, as
 * Autellix schedules. A program is a request's session; a request without one is a program of its
 * own.
 *
 * <ol>
 *   <li>Priority of a new call, small first. {@link Scope#PLAS}: the service of all finished calls
 *       of its program. {@link Scope#ATLAS}: {@code P(c) = max over parents k of (P(k) + t_k)}, the
 *       longest path to it; 0 for a call without parents.
 *   <li>The priority is binned into the levels of a multi-level feedback queue: level l covers
 *       attained service from {@code q_1 + .. + q_(l-1)} up to {@code q_1 + .. + q_l}. So a call
 *       goes on where the program's calls before it have left off.
 *   <li>Within a level first come, first served; a call that has used the quantum of its level goes
 *       to the tail of the next.
 *   <li>Starvation: every {@code checkIterations}, calls of programs that have waited at least
 *       {@code starvationRatio} times as long as they were served go to level 1.
 * </ol>
 *
 * <p>Service is the duration of the iterations that a call took part in. Properties: priorities
 * never fall along a path of calls; programs of one call are served as by plain MLFQ. O(1) per
 * event, O(live) per check. Thread-safe; the state is single-threaded.
 *
 * <p>Source: Luo et al., Autellix: An Efficient Serving Engine for LLM Agents as General Programs,
 * arXiv 2502.13965. Binning by cumulated quanta, the ratio and the check period are this library's
 * reading.
 */
public final class AttainedServiceOrder implements QueueOrder<AttainedServiceOrder.State> {
  /** Which service before a call counts. */
  public enum Scope {
    /** All finished calls of the program. */
    PLAS,
    /** The longest path of calls that it depends on. */
    ATLAS
  }

  private static final Claims CLAIMS = Claims.builder().needs(Claims.Need.SESSION).build();

  /**
   * Configuration of an {@link AttainedServiceOrder}.
   *
   * @param scope which service before a call counts
   * @param quanta time to use at each level
   * @param starvationRatio waiting over service at which a program's calls go to level 1, at least
   *     0; 0 for never
   * @param checkIterations iterations between two checks for starvation, at least 1
   * @param programs programs, and calls, remembered, at least 1
   */
  public record Parameters(
      Scope scope, Quanta quanta, double starvationRatio, int checkIterations, int programs) {
    /** Quanta of 0.1, 0.2, .. s in 16 levels, ratio 10, checked every 10 iterations: ours. */
    public static final Parameters DEFAULT =
        new Parameters(
            Scope.PLAS,
            Quanta.geometric(100_000_000, 2, 16),
            10,
            10,
            ProgramTable.DEFAULT_CAPACITY);

    public Parameters {
      requireNonNull(scope, "scope");
      requireNonNull(quanta, "quanta");
      Arguments.notNegative("starvationRatio", starvationRatio, "times the service");
      Arguments.atLeast("checkIterations", checkIterations, 1, "iterations");
      Arguments.atLeast("programs", programs, 1, "program");
    }

    /**
     * Returns a copy with another scope.
     *
     * @param other which service before a call counts
     * @return changed copy
     */
    public Parameters withScope(Scope other) {
      return new Parameters(other, quanta, starvationRatio, checkIterations, programs);
    }
  }

  /** Queues and programs. Single-threaded. */
  public static final class State {
    private final MultilevelQueues queues;
    private final ProgramTable programs;
    private long[] priorityNanos = new long[16];
    private long[] serviceNanos = new long[16];
    private long[] waitNanos = new long[16];
    private long nextCheck;

    private State(Parameters parameters) {
      queues = new MultilevelQueues(parameters.quanta, true);
      programs = new ProgramTable(parameters.programs);
    }

    /**
     * Returns the level of a call.
     *
     * @param sequence a live sequence
     * @return 1 for the highest
     */
    public int level(int sequence) {
      return queues.level(sequence);
    }

    /**
     * Returns the priority that a call arrived with.
     *
     * @param sequence a live sequence
     * @return nanoseconds of service before it
     */
    public long priorityNanos(int sequence) {
      return priorityNanos[sequence];
    }

    /**
     * Returns what finished calls have attained.
     *
     * @return the table, owned by this state
     */
    public ProgramTable programs() {
      return programs;
    }

    private void ensure(int sequence) {
      if (sequence >= priorityNanos.length) {
        int length = Math.max(sequence + 1, priorityNanos.length * 2);
        priorityNanos = Arrays.copyOf(priorityNanos, length);
        serviceNanos = Arrays.copyOf(serviceNanos, length);
        waitNanos = Arrays.copyOf(waitNanos, length);
      }
    }
  }

  private final Parameters parameters;

  /**
   * Makes the order.
   *
   * @param parameters its configuration
   */
  public AttainedServiceOrder(Parameters parameters) {
    this.parameters = requireNonNull(parameters, "parameters");
  }

  @Override
  public String id() {
    return parameters.scope == Scope.PLAS ? "plas" : "atlas";
  }

  @Override
  public State newState() {
    return new State(parameters);
  }

  @Override
  public Claims claims() {
    return CLAIMS;
  }

  @Override
  public int compare(State state, BatchView view, int a, int b) {
    return state.queues.compare(a, b);
  }

  /**
   * Returns the priority of a new call.
   *
   * @param state the order's state
   * @param request the call
   * @return nanoseconds of service before it
   */
  public long priorityNanos(State state, Request request) {
    if (parameters.scope == Scope.PLAS) {
      return request.session().isEmpty() ? 0 : state.programs.attainedNanos(request.session());
    }
    long longest = 0;
    for (int i = 0; i < request.parentCount(); i++) {
      longest = Math.max(longest, state.programs.pathNanos(request.parent(i)));
    }
    return longest;
  }

  @Override
  public void refresh(State state, BatchView view, RankChanges changes) {
    state.queues.refresh(view, changes, 0, QueueEnd.TAIL);
    if (parameters.starvationRatio == 0 || view.iteration() < state.nextCheck) {
      return;
    }
    state.nextCheck = view.iteration() + parameters.checkIterations;
    for (int s = view.firstWaiting(); s != BatchView.NONE; s = view.nextWaiting(s)) {
      promoteIfStarving(state, view, s, changes);
    }
    for (int i = 0, count = view.runningCount(); i < count; i++) {
      promoteIfStarving(state, view, view.running(i), changes);
    }
  }

  private void promoteIfStarving(State state, BatchView view, int sequence, RankChanges changes) {
    if (state.queues.level(sequence) <= 1 || view.inFlight(sequence)) {
      return;
    }
    long now = view.nowNanos();
    String program = view.request(sequence).session();
    long waited = state.waitNanos[sequence] + now - state.queues.lastRunNanos(sequence);
    long served = state.serviceNanos[sequence];
    if (!program.isEmpty()) {
      waited += state.programs.waitedNanos(program);
      served += state.programs.attainedNanos(program);
    }
    if (waited >= parameters.starvationRatio * served) {
      state.queues.promote(sequence, now, QueueEnd.TAIL, changes);
      state.waitNanos[sequence] = 0;
      state.programs.forgetWait(program);
    }
  }

  @Override
  public void onQueued(State state, BatchView view, int sequence) {
    state.queues.demote();
    if (state.queues.knows(sequence)) {
      return;
    }
    state.ensure(sequence);
    long priority = priorityNanos(state, view.request(sequence));
    state.priorityNanos[sequence] = priority;
    state.serviceNanos[sequence] = 0;
    state.waitNanos[sequence] = 0;
    state.queues.join(
        sequence, parameters.quanta.levelOfAttained(priority), view.arrivalNanos(sequence));
  }

  @Override
  public void onServed(State state, BatchView view, ServedSequences served) {
    long now = view.nowNanos();
    long nanos = view.iterationNanos();
    for (int k = 0, count = served.count(); k < count; k++) {
      int sequence = served.sequence(k);
      long idle = now - nanos - state.queues.lastRunNanos(sequence);
      state.waitNanos[sequence] += Math.max(0, idle);
      state.serviceNanos[sequence] += nanos;
      if (state.queues.served(sequence, nanos, now)) {
        state.queues.leave(sequence);
      }
    }
  }

  @Override
  public void onEnded(State state, BatchView view, int sequence, End end) {
    if (!state.queues.knows(sequence)) {
      return;
    }
    Request request = view.request(sequence);
    if (!request.session().isEmpty()) {
      state.programs.finished(
          request.session(),
          request.id(),
          state.priorityNanos[sequence],
          state.serviceNanos[sequence],
          state.waitNanos[sequence]);
    }
    state.queues.ended(sequence);
  }
}
