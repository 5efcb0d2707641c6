package io.headway.api.memory;

import io.headway.api.Request;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Holds what separates one sequence's cached blocks from another's although the tokens are equal.
 * Two sequences share a block only if the attributes that apply to it are equal. Immutable and
 * thread-safe; an empty string or list means absent.
 *
 * @param adapter adapter (LoRA) name; applies to every block
 * @param salt cache salt; applies from the first block on
 * @param tenant tenant whose content this is, empty to share between tenants; applies from the
 *     first block on
 * @param kvFormat format and retention fingerprint, empty for exact full-precision content, so that
 *     lossy content never satisfies an exact lookup; applies from the first block on
 * @param media media in prompt order; each applies to the blocks it overlaps
 * @param embeddingDigests for prompts given as embeddings, one digest per full block (empty where
 *     the block has none)
 */
public record PrefixAttributes(
    String adapter,
    String salt,
    String tenant,
    String kvFormat,
    List<MediaItem> media,
    List<String> embeddingDigests) {

  /** No attribute at all. */
  public static final PrefixAttributes NONE =
      new PrefixAttributes("", "", "", "", List.of(), List.of());

  /**
   * Checks that nothing is null and copies the lists.
   *
   * @param adapter adapter
   * @param salt cache salt
   * @param tenant tenant whose content this is
   * @param kvFormat format and retention fingerprint
   * @param media media in prompt order
   * @param embeddingDigests for prompts given as embeddings
   */
  public PrefixAttributes {
    Objects.requireNonNull(adapter, "adapter");
    Objects.requireNonNull(salt, "salt");
    Objects.requireNonNull(tenant, "tenant");
    Objects.requireNonNull(kvFormat, "kvFormat");
    media = List.copyOf(media);
    embeddingDigests = List.copyOf(embeddingDigests);
  }

  /**
   * Returns what separates a request's blocks from those of others.
   *
   * @param request any request
   * @return its adapter, cache salt and tenant
   */
  public static PrefixAttributes of(Request request) {
    return NONE.withAdapter(request.adapter())
        .withSalt(request.cacheSalt())
        .withTenant(request.tenant());
  }

  /**
   * Returns these attributes with another adapter.
   *
   * @param name adapter name, empty for none
   * @return the changed copy
   */
  public PrefixAttributes withAdapter(String name) {
    return new PrefixAttributes(name, salt, tenant, kvFormat, media, embeddingDigests);
  }

  /**
   * Returns these attributes with another salt.
   *
   * @param value cache salt, empty for none
   * @return the changed copy
   */
  public PrefixAttributes withSalt(String value) {
    return new PrefixAttributes(adapter, value, tenant, kvFormat, media, embeddingDigests);
  }

  /**
   * Returns these attributes with another tenant.
   *
   * @param name tenant, empty to share between tenants
   * @return the changed copy
   */
  public PrefixAttributes withTenant(String name) {
    return new PrefixAttributes(adapter, salt, name, kvFormat, media, embeddingDigests);
  }

  /**
   * Returns these attributes with another KV format fingerprint.
   *
   * @param fingerprint name of the format, empty for exact full-precision content
   * @return the changed copy
   */
  public PrefixAttributes withKvFormat(String fingerprint) {
    return new PrefixAttributes(adapter, salt, tenant, fingerprint, media, embeddingDigests);
  }

  /**
   * Returns these attributes with other media.
   *
   * @param items media in prompt order
   * @return the changed copy
   */
  public PrefixAttributes withMedia(List<MediaItem> items) {
    return new PrefixAttributes(adapter, salt, tenant, kvFormat, items, embeddingDigests);
  }

  /**
   * Returns these attributes with other embedding digests.
   *
   * @param digests one per full block, empty where the block has none
   * @return the changed copy
   */
  public PrefixAttributes withEmbeddingDigests(List<String> digests) {
    return new PrefixAttributes(adapter, salt, tenant, kvFormat, media, digests);
  }

  /**
   * Returns whether blocks 1, 2, … of a chain have all the same attributes, so that they need not
   * be derived block by block.
   *
   * @return true if there are no media and no embedding digests
   */
  boolean uniformAfterFirst() {
    return media.isEmpty() && embeddingDigests.isEmpty();
  }

  /**
   * Returns the attributes that apply to one block.
   *
   * @param block block index, at least 0
   * @param blockTokens tokens per block, at least 1
   * @return the block's attributes, {@link BlockExtras#NONE} if there are none
   */
  public BlockExtras extras(int block, int blockTokens) {
    Arguments.atLeast("block", block, 0, "");
    Arguments.atLeast("blockTokens", blockTokens, 1, "token");
    long from = (long) block * blockTokens;
    long to = from + blockTokens;
    List<BlockExtras.MediaSlice> slices = new ArrayList<>();
    for (MediaItem item : media) {
      if (item.offsetTokens() < to && item.offsetTokens() + item.lengthTokens() > from) {
        slices.add(new BlockExtras.MediaSlice(item.digest(), (int) (item.offsetTokens() - from)));
      }
    }
    BlockExtras extras =
        new BlockExtras(
            adapter,
            slices,
            block == 0 ? salt : "",
            block < embeddingDigests.size() ? embeddingDigests.get(block) : "",
            block == 0 ? tenant : "",
            block == 0 ? kvFormat : "");
    return extras.isEmpty() ? BlockExtras.NONE : extras;
  }
}
