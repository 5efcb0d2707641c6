package io.headway.batching.composition;

import io.headway.batching.internal.Arguments;
import java.util.Arrays;

/**
 * Token limits of a batch that depend on how far a prompt has come: early chunks may be large,
 * later ones, whose attention costs more, are smaller. Immutable.
 *
 * <p>The limit of stage {@code i} of {@code stages} is {@code high - i * (high - low) / (stages -
 * 1)}, cut to a whole number and rounded to the nearest multiple of 32 (of {@code low} if that is
 * smaller; halves to the even multiple); with one stage it is {@code low}. Stage {@code i} covers
 * {@code ceil(maxTokens / stages)} prompt tokens; beyond the last one the last limit stays.
 *
 * <p>Source: the dynamic chunking schedule of github.com/microsoft/sarathi-serve, {@code
 * sarathi_scheduler.py}. Departure: there a prompt longer than {@code maxTokens} is an error.
 */
public final class ChunkSchedule {
  private static final int MULTIPLE = 32;

  private final int tokensPerStage;
  private final int[] limits;

  private ChunkSchedule(int tokensPerStage, int[] limits) {
    this.tokensPerStage = tokensPerStage;
    this.limits = limits;
  }

  /**
   * Makes the limit that never changes.
   *
   * @param tokens tokens of a batch, at least 1
   * @return a schedule with one stage
   * @throws IllegalArgumentException if {@code tokens} is below 1
   */
  public static ChunkSchedule constant(int tokens) {
    return new ChunkSchedule(
        Integer.MAX_VALUE, new int[] {Arguments.atLeast("tokens", tokens, 1, "token")});
  }

  /**
   * Makes a falling limit.
   *
   * @param highTokens limit at the start of a prompt, at least {@code lowTokens}
   * @param lowTokens limit at its end, at least 1
   * @param stages steps from one to the other, at least 1
   * @param maxTokens prompt length at which the last stage ends, at least 1
   * @return the schedule
   * @throws IllegalArgumentException if a number is out of range
   */
  public static ChunkSchedule falling(int highTokens, int lowTokens, int stages, int maxTokens) {
    Arguments.atLeast("lowTokens", lowTokens, 1, "token");
    if (highTokens < lowTokens) {
      throw new IllegalArgumentException(
          "highTokens must be at least lowTokens = "
              + lowTokens
              + " tokens, but was "
              + highTokens);
    }
    Arguments.atLeast("stages", stages, 1, "stage");
    Arguments.atLeast("maxTokens", maxTokens, 1, "token");
    int[] limits = new int[stages];
    double multiple = Math.min(MULTIPLE, lowTokens);
    for (int i = 0; i < stages; i++) {
      int up = stages - 1 - i;
      long exact =
          stages == 1 ? lowTokens : lowTokens + (long) up * (highTokens - lowTokens) / (stages - 1);
      limits[i] = (int) (Math.rint(exact / multiple) * multiple);
    }
    return new ChunkSchedule((maxTokens + stages - 1) / stages, limits);
  }

  /**
   * Returns the limit for a prompt.
   *
   * @param computedTokens how far it has come, at least 0
   * @return tokens that the batch may have once the prompt's chunk is in it
   */
  public int limitTokens(int computedTokens) {
    return limits[Math.min(computedTokens / tokensPerStage, limits.length - 1)];
  }

  boolean dynamic() {
    return limits.length > 1;
  }

  @Override
  public String toString() {
    return "ChunkSchedule" + Arrays.toString(limits) + " per " + tokensPerStage + " tokens";
  }
}
