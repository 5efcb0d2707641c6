package io.headway.batching.admission;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.batching.AdmissionTest;
import io.headway.api.batching.AdmissionVerdict;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.batching.internal.Arguments;

/**
 * Lets a sequence start when blocks for its prompt and its whole output are free, and takes them at
 * once: the reservation of ORCA, SARATHI and VTC. Except with predicted lengths, blocks never run
 * out, and nobody is ever preempted for want of memory.
 *
 * <p>Reserved tokens: {@link Length#DECLARED} {@code prompt + maxNewTokens}; {@link Length#MAXIMUM}
 * the model's greatest length, whatever the request; {@link Length#PREDICTED} {@code prompt +
 * predicted output}, which with exact predictions is the paper's oracle. What a prediction leaves
 * out is taken block by block, so {@code PREDICTED} needs a victim selector. The papers count token
 * slots; with blocks of one token this is exactly their rule, with larger blocks the same rule
 * rounded up. A request whose reservation exceeds the pool is never served. O(1). Thread-safe,
 * stateless.
 *
 * <p>Source: Yu et al., Orca, OSDI 2022, Algorithm 1; the three lengths are those of the comparison
 * in Kwon et al., PagedAttention, SOSP 2023.
 */
public final class WholeOutputAdmission implements AdmissionTest<Stateless> {
  /** Which output length is reserved. */
  public enum Length {
    /** The request's own cap. */
    DECLARED,
    /** The model's greatest length. */
    MAXIMUM,
    /** The prediction; the declared cap for sequences without one. */
    PREDICTED
  }

  private static final Claims NEVER_SHORT =
      Claims.builder().bound(Claims.Bound.PREEMPTIONS_PER_REQUEST, 0).build();
  private static final Claims PREDICTS =
      Claims.builder().needs(Claims.Need.PREDICTED_LENGTH).build();

  private final Length length;
  private final int modelTokens;

  private WholeOutputAdmission(Length length, int modelTokens) {
    this.length = requireNonNull(length, "length");
    this.modelTokens = modelTokens;
  }

  /**
   * Reserves what the request declares.
   *
   * @return the test
   */
  public static WholeOutputAdmission declared() {
    return new WholeOutputAdmission(Length.DECLARED, 0);
  }

  /**
   * Reserves the model's greatest length for everybody. A longer request is never served.
   *
   * @param modelTokens prompt and output tokens, at least 2
   * @return the test
   * @throws IllegalArgumentException if it is below 2
   */
  public static WholeOutputAdmission maximum(int modelTokens) {
    return new WholeOutputAdmission(
        Length.MAXIMUM, Arguments.atLeast("modelTokens", modelTokens, 2, "tokens"));
  }

  /**
   * Reserves what is predicted.
   *
   * @return the test
   */
  public static WholeOutputAdmission predicted() {
    return new WholeOutputAdmission(Length.PREDICTED, 0);
  }

  @Override
  public String id() {
    return "whole-output";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public Claims claims() {
    return length == Length.PREDICTED ? PREDICTS : NEVER_SHORT;
  }

  @Override
  public boolean canServe(Stateless state, BatchView view, Request request) {
    long tokens =
        switch (length) {
          case DECLARED -> (long) request.promptTokens() + request.maxNewTokens();
          case MAXIMUM -> modelTokens;
          case PREDICTED ->
              (long) request.promptTokens()
                  + (request.hasPredictedOutput()
                      ? Math.min(request.predictedOutputTokens(), request.maxNewTokens())
                      : request.maxNewTokens());
        };
    boolean withinModel =
        length != Length.MAXIMUM || request.promptTokens() + request.maxNewTokens() <= modelTokens;
    return withinModel
        && tokens <= Integer.MAX_VALUE
        && view.blocksFor((int) tokens) <= view.totalBlocks();
  }

  @Override
  public AdmissionVerdict test(Stateless state, BatchView view, BatchDraft draft, int candidate) {
    return AdmissionVerdict.YES;
  }

  @Override
  public int reserveTokens(Stateless state, BatchView view, int candidate) {
    return switch (length) {
      case DECLARED -> view.promptTokens(candidate) + view.maxNewTokens(candidate);
      case MAXIMUM -> modelTokens;
      case PREDICTED -> {
        int declared = view.promptTokens(candidate) + view.maxNewTokens(candidate);
        long predicted =
            view.hasPrediction(candidate)
                ? (long) view.promptTokens(candidate)
                    + view.generatedTokens(candidate)
                    + view.predictedRemainingTokens(candidate)
                : declared;
        int tokens = (int) Math.min(declared, predicted);
        // Resumed, it may be predicted to hold one entry more than it ever stores.
        yield view.blocksFor(tokens) > view.totalBlocks() ? declared - 1 : tokens;
      }
    };
  }

  @Override
  public String explain(Stateless state, BatchView view, int candidate) {
    return "needs "
        + view.blocksFor(reserveTokens(state, view, candidate))
        + " blocks for prompt and output, "
        + view.freeBlocks()
        + " free";
  }
}
