package io.headway.batching.speculation.verification;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Decides which prefix of a drafted chain becomes output, and the one token of the target's own
 * behind it: speculative sampling (Leviathan et al., ICML 2023; in other letters the same rule as
 * Chen et al., arXiv 2302.01318).
 *
 * <p>Draft i is accepted iff {@code r_i < min(1, p_i(x_i) / q_i(x_i))}; the first refusal ends the
 * prefix and the final token comes from the residual at that position, else from the target's last
 * row. An accepted end-of-sequence token ends the output at once and nothing more is drawn. The
 * emitted tokens are distributed exactly as the target's. Each position has its own uniform, so
 * what is drawn for one does not depend on what happened before. O(gamma) and one pass over the
 * vocabulary. The result is immutable.
 */
public final class ChainVerification {
  /** Stands for "no token ends the sequence". */
  public static final int NO_END = -1;

  private final int acceptedDrafts;
  private final int[] emitted;
  private final double @Nullable [] finalDistribution;
  private final int uniformsUsed;

  private ChainVerification(
      int acceptedDrafts, int[] emitted, double @Nullable [] finalDistribution, int uniformsUsed) {
    this.acceptedDrafts = acceptedDrafts;
    this.emitted = emitted;
    this.finalDistribution = finalDistribution;
    this.uniformsUsed = uniformsUsed;
  }

  /**
   * Verifies a chain.
   *
   * @param draftTokens the {@code gamma} drafted tokens
   * @param target {@code gamma + 1} target distributions
   * @param draft {@code gamma} draft distributions
   * @param acceptUniforms at least {@code gamma} uniforms in [0, 1)
   * @param finalUniform uniform in [0, 1) for the final token
   * @param endToken the token that ends a sequence; {@link #NO_END} for none
   * @return what becomes output
   * @throws ZeroDraftProbabilityException if a drafted token has draft probability 0
   * @throws IllegalArgumentException if the numbers of rows do not agree or a token is unknown
   */
  public static ChainVerification verify(
      int[] draftTokens,
      double[][] target,
      double[][] draft,
      double[] acceptUniforms,
      double finalUniform,
      int endToken) {
    int gamma = draftTokens.length;
    requireRows(draftTokens, target, draft, acceptUniforms);
    int n = 0;
    while (n < gamma) {
      int x = draftTokens[n];
      SpeculativeSampling.requireUniform(acceptUniforms[n]);
      if (!(acceptUniforms[n] < Math.min(1, target[n][x] / draft[n][x]))) {
        break;
      }
      n++;
      if (x == endToken) {
        return new ChainVerification(n, Arrays.copyOf(draftTokens, n), null, n);
      }
    }
    int tests = n < gamma ? n + 1 : n;
    double[] last =
        n < gamma
            ? SpeculativeSampling.residualOrTarget(target[n], draft[n])
            : target[gamma].clone();
    int[] emitted = Arrays.copyOf(draftTokens, n + 1);
    emitted[n] = SpeculativeSampling.draw(last, finalUniform);
    return new ChainVerification(n, emitted, last, tests + 1);
  }

  private static void requireRows(
      int[] draftTokens, double[][] target, double[][] draft, double[] acceptUniforms) {
    int gamma = draftTokens.length;
    if (target.length != gamma + 1 || draft.length != gamma || acceptUniforms.length < gamma) {
      throw new IllegalArgumentException(
          gamma
              + " drafted tokens need "
              + (gamma + 1)
              + " target rows, "
              + gamma
              + " draft rows and as many uniforms, but there are "
              + target.length
              + ", "
              + draft.length
              + " and "
              + acceptUniforms.length);
    }
    for (int i = 0; i < gamma; i++) {
      int x = draftTokens[i];
      if (target[i].length != draft[i].length || x < 0 || x >= draft[i].length) {
        throw new IllegalArgumentException(
            "draft "
                + i
                + " must be a token of both rows, but is "
                + x
                + " with rows of "
                + target[i].length
                + " and "
                + draft[i].length
                + " entries");
      }
      if (!(draft[i][x] > 0)) {
        throw new ZeroDraftProbabilityException(i, x);
      }
    }
  }

  /**
   * Returns the length of the accepted prefix.
   *
   * @return tokens, 0 to gamma
   */
  public int acceptedDrafts() {
    return acceptedDrafts;
  }

  /**
   * Returns a copy of the output: the accepted drafts and the final token, if any.
   *
   * @return token ids
   */
  public int[] emitted() {
    return emitted.clone();
  }

  /**
   * Returns a copy of what the final token was drawn from.
   *
   * @return a distribution; null if an end-of-sequence token was accepted
   */
  public double @Nullable [] finalDistribution() {
    return finalDistribution == null ? null : finalDistribution.clone();
  }

  /**
   * Returns how many uniforms were looked at.
   *
   * @return acceptance tests, and 1 for the final token if it was drawn
   */
  public int uniformsUsed() {
    return uniformsUsed;
  }
}
