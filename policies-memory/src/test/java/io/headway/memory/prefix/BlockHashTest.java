package io.headway.memory.prefix;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.memory.BlockExtras;
import io.headway.api.memory.BlockHash;
import io.headway.api.memory.BlockKeyChain;
import io.headway.api.memory.MediaItem;
import io.headway.api.memory.PrefixAttributes;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BlockHashTest {
  private static final int[] TWELVE = IntStream.rangeClosed(1, 12).toArray();

  private static String[] keys(BlockHash hash, PrefixAttributes attributes) {
    BlockKeyChain chain = BlockKeyChain.of(hash, 4, attributes);
    chain.append(TWELVE, 0, TWELVE.length);
    return IntStream.range(0, 3).mapToObj(i -> chain.key(i).toString()).toArray(String[]::new);
  }

  private static String[] shortKeys(PrefixAttributes attributes) {
    String[] keys = keys(new Sha256BlockHash(), attributes);
    for (int i = 0; i < keys.length; i++) {
      keys[i] = keys[i].substring(0, 16);
    }
    return keys;
  }

  @Test
  void publishedValuesOfTheShaChain() {
    long[] root = new long[4];
    new Sha256BlockHash().root(root, 0);
    assertThat(root[0]).isEqualTo(0x4e1195df020de59eL);
    assertThat(root[1]).isEqualTo(0x0d65a33a4279f118L);
    assertThat(keys(new Sha256BlockHash(), PrefixAttributes.NONE)[0])
        .isEqualTo("c9d58ba695280d69b243e1e0df813136ca9196b286fb1a021e0b2e028ef071cb");
    assertThat(shortKeys(PrefixAttributes.NONE))
        .containsExactly("c9d58ba695280d69", "24125b23e68883b5", "e628d7f6f15c524d");
    assertThat(shortKeys(PrefixAttributes.NONE.withAdapter("sql-lora")))
        .containsExactly("8f9afed63606909c", "3c26e027b05aa3c9", "9684bc0d18fc446e");
    assertThat(shortKeys(PrefixAttributes.NONE.withSalt("tenant-7")))
        .containsExactly("f17908773fc4f23c", "16e88ff222236ded", "c41e398d7dd05673");
    assertThat(shortKeys(PrefixAttributes.NONE.withMedia(List.of(new MediaItem("img-aa", 2, 5)))))
        .containsExactly("24db0d7f73c07525", "7bf24e17c973ee0e", "a8a18e28dd7a383a");
  }

  @Test
  void tokensOfEveryEncodedLengthGiveTheKeysOfTokensWrittenOneByOne() {
    int[] tokens = {
      0, 1, 23, 24, 255, 256, 257, 65_535, 65_536, 1 << 24, Integer.MAX_VALUE, Integer.MIN_VALUE, -1
    };
    Sha256BlockHash hash = new Sha256BlockHash();
    long[] keys = new long[8];
    for (int from = 0; from < tokens.length; from++) {
      for (int to = from; to <= tokens.length; to++) {
        long[] wide = new long[tokens.length];
        for (int i = from; i < to; i++) {
          wide[i] = Integer.toUnsignedLong(tokens[i]);
        }
        long[] root = {1, -2, 3, Long.MIN_VALUE};
        hash.next(root, 0, tokens, from, to, BlockExtras.NONE, keys, 0);
        hash.next(root, 0, wide, from, to, BlockExtras.NONE, keys, 4);
        assertThat(Arrays.copyOf(keys, 4)).isEqualTo(Arrays.copyOfRange(keys, 4, 8));
      }
    }
  }

  @Test
  void aLongBlockGrowsTheBuffer() {
    int[] tokens = IntStream.range(0, 4096).map(i -> i * 1_048_583).toArray();
    long[] wide = IntStream.of(tokens).mapToLong(Integer::toUnsignedLong).toArray();
    long[] keys = new long[8];
    new Sha256BlockHash().next(new long[4], 0, tokens, 0, tokens.length, BlockExtras.NONE, keys, 0);
    new Sha256BlockHash().next(new long[4], 0, wide, 0, wide.length, BlockExtras.NONE, keys, 4);
    assertThat(Arrays.copyOf(keys, 4)).isEqualTo(Arrays.copyOfRange(keys, 4, 8));
  }

  @Test
  void equalConfigurationGivesEqualKeysAndOtherSeedsOtherKeys() {
    assertThat(keys(new Sha256BlockHash("s", BlockEncoding.TYPED), PrefixAttributes.NONE))
        .isEqualTo(keys(new Sha256BlockHash("s", BlockEncoding.PLAIN), PrefixAttributes.NONE))
        .isNotEqualTo(keys(new Sha256BlockHash("t", BlockEncoding.PLAIN), PrefixAttributes.NONE));
    assertThat(keys(new SipBlockHash(1, 2), PrefixAttributes.NONE))
        .isEqualTo(keys(new SipBlockHash(1, 2), PrefixAttributes.NONE))
        .isNotEqualTo(keys(new SipBlockHash(1, 3), PrefixAttributes.NONE));
  }

  @Test
  void typedAttributesFromDifferentSourcesNeverMix() {
    PrefixAttributes adapter = PrefixAttributes.NONE.withAdapter("x");
    PrefixAttributes salt = PrefixAttributes.NONE.withSalt("x");
    PrefixAttributes tenant = PrefixAttributes.NONE.withTenant("x");
    PrefixAttributes format = PrefixAttributes.NONE.withKvFormat("x");
    PrefixAttributes digest = PrefixAttributes.NONE.withEmbeddingDigests(List.of("x"));
    for (BlockHash hash :
        List.of(new Sha256BlockHash("0", BlockEncoding.TYPED), new SipBlockHash(3, 4))) {
      assertThat(
              List.of(
                  keys(hash, adapter)[0],
                  keys(hash, salt)[0],
                  keys(hash, tenant)[0],
                  keys(hash, format)[0],
                  keys(hash, digest)[0],
                  keys(hash, PrefixAttributes.NONE)[0]))
          .doesNotHaveDuplicates();
    }
    // What the plain encoding is known to do, and why the pool compares attributes.
    assertThat(keys(new Sha256BlockHash(), adapter)[0])
        .isEqualTo(keys(new Sha256BlockHash(), salt)[0]);
  }

  @ParameterizedTest
  @CsvSource({
    "0, a3817f04ba25a8e66df67214c7550293",
    "1, da87c1d86b99af44347659119b22fc45",
    "2, 8177228da4a45dc7fca38bdef60affe4",
    "7, a1f1ebbed8dbc153c0b84aa61ff08239",
    "8, 3b62a9ba6258f5610f83e264f31497b4",
    "9, 264499060ad9baabc47f8b02bb6d71ed",
    "15, 5493e99933b0a8117e08ec0f97cfc3d9"
  })
  void sipHash128ReferenceVectors(int length, String expected) {
    byte[] data = new byte[length];
    for (int i = 0; i < length; i++) {
      data[i] = (byte) i;
    }
    long[] out = new long[2];
    SipBlockHash.hash(0x0706050403020100L, 0x0f0e0d0c0b0a0908L, data, length, out, 0);
    StringBuilder hex = new StringBuilder();
    for (long word : out) {
      for (int i = 0; i < 8; i++) {
        hex.append(String.format(Locale.ROOT, "%02x", (word >>> (8 * i)) & 0xff));
      }
    }
    assertThat(hex).hasToString(expected);
  }
}
