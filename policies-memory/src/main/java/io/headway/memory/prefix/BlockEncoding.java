package io.headway.memory.prefix;

import io.headway.api.memory.BlockExtras;

/**
 * Says how the attributes of a block are written before they are hashed. Both encodings are
 * canonical CBOR of the array {@code [parent key, [tokens], attributes or null]}, so every part is
 * length-prefixed.
 */
public enum BlockEncoding {
  /**
   * The order of vLLM's version 1: adapter name, one {@code [digest, offset]} per medium, salt,
   * embedding digest, as plain values; then {@code ["tenant", name]} and {@code ["kv-format",
   * name]}, which vLLM does not have. Plain values do not say what they are: an adapter and a salt
   * of the same name give the same key. Within one pool that costs nothing, since attributes are
   * compared on every hit; where keys are shared between pools prefer {@link #TYPED}.
   */
  PLAIN {
    @Override
    void write(CborWriter cbor, BlockExtras extras) {
      if (extras.isEmpty()) {
        cbor.nothing();
        return;
      }
      cbor.array(
          present(extras.adapter())
              + extras.media().size()
              + present(extras.salt())
              + present(extras.embeddingDigest())
              + present(extras.tenant())
              + present(extras.kvFormat()));
      if (!extras.adapter().isEmpty()) {
        cbor.text(extras.adapter());
      }
      for (BlockExtras.MediaSlice slice : extras.media()) {
        cbor.array(2);
        cbor.text(slice.digest());
        cbor.signed(slice.offsetTokens());
      }
      if (!extras.salt().isEmpty()) {
        cbor.text(extras.salt());
      }
      if (!extras.embeddingDigest().isEmpty()) {
        cbor.text(extras.embeddingDigest());
      }
      named(cbor, "tenant", extras.tenant());
      named(cbor, "kv-format", extras.kvFormat());
    }

    private void named(CborWriter cbor, String name, String value) {
      if (!value.isEmpty()) {
        cbor.array(2);
        cbor.text(name);
        cbor.text(value);
      }
    }
  },

  /**
   * Every attribute as {@code [type, value…]} with a number per type, so that attributes from
   * different sources never give the same key.
   */
  TYPED {
    @Override
    void write(CborWriter cbor, BlockExtras extras) {
      if (extras.isEmpty()) {
        cbor.nothing();
        return;
      }
      cbor.array(
          present(extras.adapter())
              + extras.media().size()
              + present(extras.salt())
              + present(extras.embeddingDigest())
              + present(extras.tenant())
              + present(extras.kvFormat()));
      typed(cbor, 0, extras.adapter());
      for (BlockExtras.MediaSlice slice : extras.media()) {
        cbor.array(3);
        cbor.unsigned(1);
        cbor.text(slice.digest());
        cbor.signed(slice.offsetTokens());
      }
      typed(cbor, 2, extras.salt());
      typed(cbor, 3, extras.embeddingDigest());
      typed(cbor, 4, extras.tenant());
      typed(cbor, 5, extras.kvFormat());
    }

    private void typed(CborWriter cbor, int type, String value) {
      if (!value.isEmpty()) {
        cbor.array(2);
        cbor.unsigned(type);
        cbor.text(value);
      }
    }
  };

  abstract void write(CborWriter cbor, BlockExtras extras);

  private static int present(String value) {
    return value.isEmpty() ? 0 : 1;
  }
}
