package io.headway.api.memory;

import java.util.Objects;

/**
 * Says that a range of a prompt stands for an image, a sound or another medium whose content the
 * token ids do not tell.
 *
 * @param digest digest of the content, not empty
 * @param offsetTokens position of the first placeholder token, at least 0
 * @param lengthTokens placeholder tokens, at least 1
 */
public record MediaItem(String digest, int offsetTokens, int lengthTokens) {
  /**
   * Checks the components.
   *
   * @param digest digest of the content
   * @param offsetTokens position of the first placeholder token
   * @param lengthTokens placeholder tokens
   * @throws IllegalArgumentException if the digest is empty or a number is out of range
   */
  public MediaItem {
    Objects.requireNonNull(digest, "digest");
    if (digest.isEmpty()) {
      throw new IllegalArgumentException("digest must have at least 1 character, but was empty");
    }
    Arguments.atLeast("offsetTokens", offsetTokens, 0, "token");
    Arguments.atLeast("lengthTokens", lengthTokens, 1, "token");
    if (offsetTokens > Integer.MAX_VALUE - lengthTokens) {
      throw new IllegalArgumentException(
          "offsetTokens + lengthTokens must be at most 2147483647 tokens, but was "
              + ((long) offsetTokens + lengthTokens));
    }
  }
}
