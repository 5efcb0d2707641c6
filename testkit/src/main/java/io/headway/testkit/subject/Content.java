package io.headway.testkit.subject;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What a holder of KV blocks holds: tokens, and what keeps them apart from equal tokens of others.
 * Immutable; the array is not to be changed.
 *
 * @param tokens token ids
 * @param media ranges of them that stand for pictures or sounds, in order, without overlap
 * @param tenant keeps content apart, or empty
 * @param adapter keeps content apart, or empty
 * @param salt keeps content apart, or empty
 */
@SuppressWarnings("ArrayRecordComponent") // Written once, read on every call.
public record Content(int[] tokens, List<Media> media, String tenant, String adapter, String salt) {
  /**
   * A range of placeholder tokens whose content the token ids do not tell.
   *
   * @param id names the medium's content
   * @param from position of the first token
   * @param count tokens, at least 1
   */
  public record Media(String id, int from, int count) {
    /** Checks the name. */
    public Media {
      requireNonNull(id, "id");
    }

    /**
     * Returns whether a position belongs to it.
     *
     * @param position of a token
     * @return true if the token stands for a part of this medium
     */
    public boolean covers(int position) {
      return position >= from && position < from + count;
    }
  }

  /** Copies the list. */
  public Content {
    requireNonNull(tokens, "tokens");
    requireNonNull(tenant, "tenant");
    requireNonNull(adapter, "adapter");
    requireNonNull(salt, "salt");
    media = List.copyOf(media);
  }

  /**
   * Returns how many tokens there are.
   *
   * @return tokens
   */
  public int length() {
    return tokens.length;
  }

  /**
   * Returns this content with more tokens behind it.
   *
   * @param more tokens that stand for themselves
   * @return a longer copy
   */
  public Content extended(int[] more) {
    int[] all = Arrays.copyOf(tokens, tokens.length + more.length);
    System.arraycopy(more, 0, all, tokens.length, more.length);
    return new Content(all, media, tenant, adapter, salt);
  }

  /**
   * Returns the beginning of this content.
   *
   * @param count tokens that stay, at most {@link #length}
   * @return a shorter copy
   */
  public Content first(int count) {
    List<Media> left = new ArrayList<>();
    for (Media medium : media) {
      if (medium.from() < count) {
        int covered = Math.min(medium.count(), count - medium.from());
        left.add(new Media(medium.id(), medium.from(), covered));
      }
    }
    return new Content(Arrays.copyOf(tokens, count), left, tenant, adapter, salt);
  }
}
