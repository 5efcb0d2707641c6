package io.headway.api.batching;

import java.util.Arrays;
import java.util.Objects;

/**
 * Whom one completed iteration served, in the order of the plan's rows: decodes, verifies,
 * prefills, each by slot. Filled by the scheduler and lent to {@link SequenceEvents#onServed} for
 * that call; public so that a policy can be tested without a scheduler. Not thread-safe.
 */
public final class ServedSequences {
  private int count;
  private int[] sequences = new int[16];
  private int[] prefillTokens = new int[16];
  private int[] outputTokens = new int[16];

  /** Makes a list of nobody. */
  public ServedSequences() {}

  /**
   * Returns how many sequences were served.
   *
   * @return at least 0
   */
  public int count() {
    return count;
  }

  /**
   * Returns one of those served.
   *
   * @param position 0 to {@code count - 1}
   * @return a live sequence, each at most once
   * @throws IndexOutOfBoundsException if there is no such position
   */
  public int sequence(int position) {
    return sequences[Objects.checkIndex(position, count)];
  }

  /**
   * Returns the prompt or recomputed tokens that were computed.
   *
   * @param position 0 to {@code count - 1}
   * @return tokens, 0 for a decode
   * @throws IndexOutOfBoundsException if there is no such position
   */
  public int prefillTokens(int position) {
    return prefillTokens[Objects.checkIndex(position, count)];
  }

  /**
   * Returns the tokens emitted.
   *
   * @param position 0 to {@code count - 1}
   * @return tokens; may be more than one under speculation or when several iterations are reported
   *     at once
   * @throws IndexOutOfBoundsException if there is no such position
   */
  public int outputTokens(int position) {
    return outputTokens[Objects.checkIndex(position, count)];
  }

  /** Forgets everybody. */
  public void clear() {
    count = 0;
  }

  /**
   * Adds one sequence.
   *
   * @param sequence who was served
   * @param prefill prompt or recomputed tokens computed
   * @param output tokens emitted
   * @return this
   */
  public ServedSequences add(int sequence, int prefill, int output) {
    reserve(1);
    int i = count;
    sequences[i] = sequence;
    prefillTokens[i] = prefill;
    outputTokens[i] = output;
    count = i + 1;
    return this;
  }

  /**
   * Adds sequences that each decoded the same number of tokens.
   *
   * @param from array that holds the sequences
   * @param first position of the first
   * @param end position after the last
   * @param output tokens emitted by each
   * @return this
   * @throws IndexOutOfBoundsException if the positions are not within the array
   */
  public ServedSequences addDecodes(int[] from, int first, int end, int output) {
    Objects.checkFromToIndex(first, end, from.length);
    int added = end - first;
    reserve(added);
    System.arraycopy(from, first, sequences, count, added);
    Arrays.fill(prefillTokens, count, count + added, 0);
    Arrays.fill(outputTokens, count, count + added, output);
    count += added;
    return this;
  }

  private void reserve(int more) {
    if (count + more > sequences.length) {
      int length = Math.max(count + more, 2 * sequences.length);
      sequences = Arrays.copyOf(sequences, length);
      prefillTokens = Arrays.copyOf(prefillTokens, length);
      outputTokens = Arrays.copyOf(outputTokens, length);
    }
  }
}
