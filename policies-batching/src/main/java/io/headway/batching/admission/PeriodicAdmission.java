package io.headway.batching.admission;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.api.batching.AdmissionTest;
import io.headway.api.batching.AdmissionVerdict;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import io.headway.api.batching.ServedSequences;
import io.headway.batching.internal.Arguments;

/**
 * Asks another admission test in every so many iterations only, or when nothing runs: LATER
 * otherwise. VTC's artifact considers new requests every 10 decode steps, LightLLM every 6. O(1)
 * beside the other test. Thread-safe; the state is single-threaded.
 *
 * @param <S> the other test's state
 */
public final class PeriodicAdmission<S> implements AdmissionTest<PeriodicAdmission.State<S>> {
  private final AdmissionTest<S> test;
  private final int iterations;

  private PeriodicAdmission(AdmissionTest<S> test, int iterations) {
    this.test = requireNonNull(test, "test");
    this.iterations = Arguments.atLeast("iterations", iterations, 1, "iteration");
  }

  /**
   * Makes the test.
   *
   * @param test who is asked
   * @param iterations from one consideration to the next, at least 1
   * @param <S> the other test's state
   * @return the test
   * @throws IllegalArgumentException if iterations is below 1
   */
  public static <S> PeriodicAdmission<S> of(AdmissionTest<S> test, int iterations) {
    return new PeriodicAdmission<>(test, iterations);
  }

  /**
   * The other test's state and the last consideration. Single-threaded.
   *
   * @param <S> the other test's state
   */
  public static final class State<S> {
    private final S inner;
    private long lastConsidered = Long.MIN_VALUE;
    private int running;

    private State(S inner) {
      this.inner = inner;
    }

    /**
     * Returns the state of the test that is asked.
     *
     * @return the other test's state
     */
    public S inner() {
      return inner;
    }
  }

  @Override
  public String id() {
    return "periodic";
  }

  @Override
  public State<S> newState() {
    return new State<>(test.newState());
  }

  @Override
  public Claims claims() {
    return test.claims();
  }

  @Override
  public boolean canServe(State<S> state, BatchView view, Request request) {
    return test.canServe(state.inner, view, request);
  }

  @Override
  public AdmissionVerdict test(State<S> state, BatchView view, BatchDraft draft, int candidate) {
    long iteration = view.iteration();
    boolean due =
        state.lastConsidered == Long.MIN_VALUE
            || iteration == state.lastConsidered
            || iteration - state.lastConsidered >= iterations
            || state.running == 0;
    if (!due) {
      return AdmissionVerdict.LATER;
    }
    state.lastConsidered = iteration;
    return test.test(state.inner, view, draft, candidate);
  }

  @Override
  public int reserveTokens(State<S> state, BatchView view, int candidate) {
    return test.reserveTokens(state.inner, view, candidate);
  }

  @Override
  public int headroomBlocks(State<S> state, BatchView view, int candidate) {
    return test.headroomBlocks(state.inner, view, candidate);
  }

  @Override
  public String explain(State<S> state, BatchView view, int candidate) {
    return test.explain(state.inner, view, candidate);
  }

  @Override
  public void onQueued(State<S> state, BatchView view, int sequence) {
    test.onQueued(state.inner, view, sequence);
  }

  @Override
  public void onAdmitted(State<S> state, BatchView view, int sequence, int cachedTokens) {
    state.running++;
    test.onAdmitted(state.inner, view, sequence, cachedTokens);
  }

  @Override
  public void onPreempted(State<S> state, BatchView view, int sequence) {
    state.running--;
    test.onPreempted(state.inner, view, sequence);
  }

  @Override
  public void onServed(State<S> state, BatchView view, ServedSequences served) {
    test.onServed(state.inner, view, served);
  }

  @Override
  public void onEnded(State<S> state, BatchView view, int sequence, End end) {
    state.running = countRunning(view, sequence);
    test.onEnded(state.inner, view, sequence, end);
  }

  private static int countRunning(BatchView view, int ended) {
    int running = 0;
    for (int i = 0; i < view.runningCount(); i++) {
      running += view.running(i) == ended ? 0 : 1;
    }
    return running;
  }

  @Override
  public void onTenantForgotten(State<S> state, int tenant) {
    test.onTenantForgotten(state.inner, tenant);
  }

  @Override
  public int bulkIterations(State<S> state, BatchView view) {
    return test.bulkIterations(state.inner, view);
  }
}
