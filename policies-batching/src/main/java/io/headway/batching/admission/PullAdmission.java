package io.headway.batching.admission;

import io.headway.api.batching.AdmissionTest;
import io.headway.api.batching.AdmissionVerdict;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import io.headway.batching.internal.Arguments;
import java.util.BitSet;

/**
 * Lets a sequence be pulled out of the virtual queue while fewer than {@code pullSequences} are at
 * the engine, and only if all of those need the same model: the back-pressure of QLM. The blocks of
 * its first chunk must be free; it promises nothing about later ones, so it needs a victim
 * selector.
 *
 * <p>O(1). Thread-safe; the state is single-threaded.
 *
 * <p>Source: QLM, SoCC 2024, arXiv 2407.00047; the artifact's bound is 10. Departure: the bound
 * counts sequences with a slot, not those whose state was evicted to the host, which wait in the
 * virtual queue again.
 */
public final class PullAdmission implements AdmissionTest<PullAdmission.State> {
  /** The artifact's bound. */
  public static final int DEFAULT_PULL_SEQUENCES = 10;

  private final int pullSequences;

  /**
   * Makes the test.
   *
   * @param pullSequences most sequences at the engine, at least 1
   */
  public PullAdmission(int pullSequences) {
    this.pullSequences = Arguments.atLeast("pullSequences", pullSequences, 1, "sequence");
  }

  /** Who is at the engine, and which model they need. Single-threaded. */
  public static final class State {
    private final BitSet members = new BitSet();
    private int size;
    private String model = "";

    private State() {}

    private void leave(int sequence) {
      if (members.get(sequence)) {
        members.clear(sequence);
        size--;
      }
    }
  }

  @Override
  public String id() {
    return "pull";
  }

  @Override
  public State newState() {
    return new State();
  }

  @Override
  public AdmissionVerdict test(State state, BatchView view, BatchDraft draft, int candidate) {
    return test(state, view, candidate, state.size);
  }

  @Override
  public AdmissionVerdict testAfter(
      State state, BatchView view, BatchDraft draft, int candidate, int[] victims, int count) {
    int size = state.size;
    for (int i = 0; i < count; i++) {
      size -= state.members.get(victims[i]) ? 1 : 0;
    }
    return test(state, view, candidate, size);
  }

  private AdmissionVerdict test(State state, BatchView view, int candidate, int size) {
    boolean pulls =
        size == 0 || (size < pullSequences && state.model.equals(view.request(candidate).model()));
    return pulls ? AdmissionVerdict.YES : AdmissionVerdict.LATER;
  }

  @Override
  public int repeatableIterations(State state, BatchView view) {
    return Integer.MAX_VALUE;
  }

  @Override
  public void onAdmitted(State state, BatchView view, int sequence, int cachedTokens) {
    state.members.set(sequence);
    state.size++;
    state.model = view.request(sequence).model();
  }

  @Override
  public void onPreempted(State state, BatchView view, int sequence) {
    state.leave(sequence);
  }

  @Override
  public void onEnded(State state, BatchView view, int sequence, End end) {
    state.leave(sequence);
  }

  @Override
  public int bulkIterations(State state, BatchView view) {
    return Integer.MAX_VALUE;
  }

  @Override
  public String explain(State state, BatchView view, int candidate) {
    return state.size
        + " of "
        + pullSequences
        + " sequences are at the engine, for model '"
        + state.model
        + "'";
  }
}
