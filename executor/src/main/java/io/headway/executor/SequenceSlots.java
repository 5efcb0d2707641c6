package io.headway.executor;

import static java.util.Objects.requireNonNull;

import io.headway.api.model.DecoderShape;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What an executor knows of the sequences in its slots: who they are, their tokens by position, how
 * their next tokens are chosen. For implementations of {@link Executor}.
 *
 * <p>A token that is sampled at position {@code p} is stored there, so that a row starting at
 * {@code p} finds its input whatever became of plans before it: after a step that was lost the same
 * position is computed again and yields the same token. Allocates only when a sequence outgrows its
 * buffer. Not thread-safe.
 */
public final class SequenceSlots {
  /** The handle of an empty slot. */
  public static final long EMPTY = -1;

  private final DecoderShape shape;
  private final long[] handles;
  private final int[][] tokens;
  private final int[] known;
  private final @Nullable SamplingParameters[] sampling;
  private final int[][] stops;

  /**
   * Makes empty slots.
   *
   * @param shape bounds tokens and lengths
   * @param slots how many
   */
  public SequenceSlots(DecoderShape shape, int slots) {
    this.shape = shape;
    handles = new long[slots];
    Arrays.fill(handles, EMPTY);
    tokens = new int[slots][0];
    known = new int[slots];
    sampling = new SamplingParameters[slots];
    stops = new int[slots][0];
  }

  /**
   * Puts a sequence into a slot, in place of what was there.
   *
   * @param slot the slot
   * @param handle the request
   * @param from its tokens
   * @param count how many
   * @param parameters how its next tokens are chosen
   * @throws IllegalArgumentException see {@link Executor#prepare}
   */
  public void prepare(int slot, long handle, int[] from, int count, SamplingParameters parameters) {
    requireSlot(slot);
    requireNonNull(parameters, "sampling");
    if (count < 1 || count > from.length) {
      throw new IllegalArgumentException(
          "count must be from 1 to the " + from.length + " tokens given, but was " + count);
    }
    if (count > shape.maxPositions()) {
      throw new IllegalArgumentException(
          "a sequence of "
              + shape.name()
              + " must have at most maxPositions = "
              + shape.maxPositions()
              + " tokens, but slot "
              + slot
              + " has "
              + count);
    }
    for (int i = 0; i < count; i++) {
      if (from[i] < 0 || from[i] >= shape.vocabularySize()) {
        throw new IllegalArgumentException(
            "token "
                + i
                + " of slot "
                + slot
                + " must be from 0 to "
                + (shape.vocabularySize() - 1)
                + ", but was "
                + from[i]);
      }
    }
    if (tokens[slot].length < count) {
      tokens[slot] = new int[Math.max(16, count + count / 2)];
    }
    System.arraycopy(from, 0, tokens[slot], 0, count);
    known[slot] = count;
    handles[slot] = handle;
    sampling[slot] = parameters;
    stops[slot] = parameters.stopTokens().stream().mapToInt(Integer::intValue).toArray();
  }

  /**
   * Empties a slot.
   *
   * @param slot the slot
   * @throws IllegalArgumentException if there is no such slot
   */
  public void release(int slot) {
    requireSlot(slot);
    handles[slot] = EMPTY;
    known[slot] = 0;
    sampling[slot] = null;
  }

  /**
   * Returns how many slots there are.
   *
   * @return a count
   */
  public int size() {
    return handles.length;
  }

  /**
   * Returns who is in a slot.
   *
   * @param slot 0 to {@code size - 1}
   * @return the handle, or {@link #EMPTY}
   */
  public long handle(int slot) {
    return handles[slot];
  }

  /**
   * Returns how many tokens of a slot are known.
   *
   * @param slot 0 to {@code size - 1}
   * @return tokens; 0 if the slot is empty
   */
  public int known(int slot) {
    return known[slot];
  }

  /**
   * Returns the token at a position.
   *
   * @param slot a slot that is not empty
   * @param position 0 to {@code known - 1}
   * @return its id
   */
  public int token(int slot, int position) {
    return tokens[slot][position];
  }

  /**
   * Returns the tokens of a slot, of which {@link #known} count; borrowed, not to be changed.
   *
   * @param slot a slot that is not empty
   * @return the buffer
   */
  public int[] tokens(int slot) {
    return tokens[slot];
  }

  /**
   * Returns how the next tokens of a slot are chosen.
   *
   * @param slot a slot that is not empty
   * @return the parameters
   */
  public SamplingParameters sampling(int slot) {
    return requireNonNull(sampling[slot]);
  }

  /**
   * Stores a sampled token; the sequence is known up to it afterwards.
   *
   * @param slot a slot that is not empty
   * @param position where it stands, at most {@code known}
   * @param token its id
   */
  public void store(int slot, int position, int token) {
    if (position == tokens[slot].length) {
      tokens[slot] = Arrays.copyOf(tokens[slot], position * 2);
    }
    tokens[slot][position] = token;
    known[slot] = position + 1;
  }

  /**
   * Returns whether a token ends the sequence of a slot.
   *
   * @param slot a slot that is not empty
   * @param token an id
   * @return true if it is one of the request's stop tokens
   */
  public boolean stops(int slot, int token) {
    for (int stop : stops[slot]) {
      if (stop == token) {
        return true;
      }
    }
    return false;
  }

  private void requireSlot(int slot) {
    if (slot < 0 || slot >= handles.length) {
      throw new IllegalArgumentException(
          "slot must be from 0 to " + (handles.length - 1) + ", but was " + slot);
    }
  }
}
