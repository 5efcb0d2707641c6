package io.headway.executor.gpu.check;

/**
 * What whole requests came out as.
 *
 * @param model shape and precision
 * @param schedule how they were scheduled
 * @param requests how many
 * @param tokens output tokens of the reference
 * @param different requests whose tokens differ from the reference
 */
public record RequestCheck(String model, String schedule, int requests, int tokens, int different) {
  /**
   * Returns whether every request has the reference's tokens.
   *
   * @return true if none differs
   */
  public boolean passed() {
    return different == 0 && tokens > 0;
  }
}
