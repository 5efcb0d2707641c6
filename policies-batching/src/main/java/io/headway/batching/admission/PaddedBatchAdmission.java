package io.headway.batching.admission;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.api.batching.AdmissionTest;
import io.headway.api.batching.AdmissionVerdict;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import java.util.BitSet;

/**
 * Lets sequences join a static batch while its padded size fits the pool: {@code rows *
 * blocks(longest prompt + longest declared output) <= total blocks}, the maxima taken over the
 * batch with the candidate. With blocks of one token this is {@code (Lmax + Omax) * n <= slots};
 * with larger ones the same rule rounded up. The pool is charged what each member can really hold,
 * so blocks never run out.
 *
 * <p>The batch is over when its last member has ended. Meaningful only with {@link
 * io.headway.batching.composition.RunToCompletionComposer}. O(1). Thread-safe; the state is
 * single-threaded.
 *
 * <p>Source: the request-level baseline of Yu et al., Orca, OSDI 2022.
 */
public final class PaddedBatchAdmission implements AdmissionTest<PaddedBatchAdmission.State> {
  private static final Claims CLAIMS =
      Claims.builder().bound(Claims.Bound.PREEMPTIONS_PER_REQUEST, 0).build();

  /** Makes the test. */
  public PaddedBatchAdmission() {}

  /** The maxima of the batch that runs. Single-threaded. */
  public static final class State {
    private final BitSet members = new BitSet();
    private int rows;
    private int alive;
    private int longestPromptTokens;
    private int longestOutputTokens;

    private State() {}
  }

  @Override
  public String id() {
    return "padded-batch";
  }

  @Override
  public State newState() {
    return new State();
  }

  @Override
  public Claims claims() {
    return CLAIMS;
  }

  @Override
  public boolean canServe(State state, BatchView view, Request request) {
    return fits(view, 1, request.promptTokens(), request.maxNewTokens());
  }

  @Override
  public AdmissionVerdict test(State state, BatchView view, BatchDraft draft, int candidate) {
    boolean fits =
        fits(
            view,
            state.rows + 1,
            Math.max(state.longestPromptTokens, view.promptTokens(candidate)),
            Math.max(state.longestOutputTokens, view.maxNewTokens(candidate)));
    return fits ? AdmissionVerdict.YES : AdmissionVerdict.LATER;
  }

  private static boolean fits(BatchView view, int rows, int promptTokens, int outputTokens) {
    long tokens = (long) promptTokens + outputTokens;
    return tokens <= Integer.MAX_VALUE
        && (long) view.blocksFor((int) tokens) * rows <= view.totalBlocks();
  }

  @Override
  public int reserveTokens(State state, BatchView view, int candidate) {
    return view.promptTokens(candidate) + view.maxNewTokens(candidate);
  }

  @Override
  public int repeatableIterations(State state, BatchView view) {
    return Integer.MAX_VALUE;
  }

  @Override
  public void onAdmitted(State state, BatchView view, int sequence, int cachedTokens) {
    state.members.set(sequence);
    state.rows++;
    state.alive++;
    state.longestPromptTokens = Math.max(state.longestPromptTokens, view.promptTokens(sequence));
    state.longestOutputTokens = Math.max(state.longestOutputTokens, view.maxNewTokens(sequence));
  }

  @Override
  public void onPreempted(State state, BatchView view, int sequence) {
    leave(state, sequence);
  }

  @Override
  public void onEnded(State state, BatchView view, int sequence, End end) {
    leave(state, sequence);
  }

  private static void leave(State state, int sequence) {
    if (!state.members.get(sequence)) {
      return;
    }
    state.members.clear(sequence);
    if (--state.alive == 0) {
      state.rows = 0;
      state.longestPromptTokens = 0;
      state.longestOutputTokens = 0;
    }
  }

  @Override
  public int bulkIterations(State state, BatchView view) {
    return Integer.MAX_VALUE;
  }

  @Override
  public String explain(State state, BatchView view, int candidate) {
    return "a batch of "
        + (state.rows + 1)
        + " rows padded to "
        + Math.max(state.longestPromptTokens, view.promptTokens(candidate))
        + " + "
        + Math.max(state.longestOutputTokens, view.maxNewTokens(candidate))
        + " tokens exceeds "
        + view.totalBlocks()
        + " blocks";
  }
}
