package io.headway.api.memory;

import java.util.List;
import java.util.Objects;

/**
 * Holds everything besides tokens that the content of one block depends on: the isolation
 * attributes that are part of its key.
 *
 * <p>Attributes are typed: a salt never equals an adapter of the same name. An empty string or list
 * means absent. {@code tenant}, {@code salt} and {@code kvFormat} are set for the first block of a
 * chain only, since the chain carries them on.
 *
 * @param adapter adapter name; every block of the chain
 * @param media media whose placeholder tokens overlap the block, in prompt order
 * @param salt cache salt; first block only
 * @param embeddingDigest digest of the prompt embeddings that replace the block's tokens
 * @param tenant tenant that the content belongs to; first block only
 * @param kvFormat format and retention fingerprint of lossy or quantised content; first block only
 */
public record BlockExtras(
    String adapter,
    List<MediaSlice> media,
    String salt,
    String embeddingDigest,
    String tenant,
    String kvFormat) {

  /** No attribute at all. */
  public static final BlockExtras NONE = new BlockExtras("", List.of(), "", "", "", "");

  /**
   * Checks that nothing is null and copies the list.
   *
   * @param adapter adapter name
   * @param media media whose placeholder tokens overlap the block
   * @param salt cache salt
   * @param embeddingDigest digest of the prompt embeddings that replace the block's tokens
   * @param tenant tenant that the content belongs to
   * @param kvFormat format and retention fingerprint of lossy or quantised content
   */
  public BlockExtras {
    Objects.requireNonNull(adapter, "adapter");
    media = List.copyOf(media);
    Objects.requireNonNull(salt, "salt");
    Objects.requireNonNull(embeddingDigest, "embeddingDigest");
    Objects.requireNonNull(tenant, "tenant");
    Objects.requireNonNull(kvFormat, "kvFormat");
  }

  /**
   * Says where a medium lies relative to one block.
   *
   * @param digest digest of the content
   * @param offsetTokens offset of the medium's first token from the block's first token; negative
   *     if it began earlier
   */
  public record MediaSlice(String digest, int offsetTokens) {
    /**
     * Checks that the digest is not null.
     *
     * @param digest digest of the content
     * @param offsetTokens offset of the medium's first token from the block's first token
     */
    public MediaSlice {
      Objects.requireNonNull(digest, "digest");
    }
  }

  /**
   * Returns whether no attribute is set.
   *
   * @return true if this equals {@link #NONE}
   */
  public boolean isEmpty() {
    return equals(NONE);
  }
}
