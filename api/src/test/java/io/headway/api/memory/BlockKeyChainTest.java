package io.headway.api.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class BlockKeyChainTest {
  /** A chained function whose keys depend on everything, easy to compute by hand. */
  private static final class Sum implements BlockHash {
    int calls;

    @Override
    public int words() {
      return 2;
    }

    @Override
    public void root(long[] key, int at) {
      key[at] = 7;
      key[at + 1] = 8;
    }

    @Override
    public void next(
        long[] parent,
        int parentAt,
        int[] tokens,
        int from,
        int to,
        BlockExtras extras,
        long[] key,
        int at) {
      calls++;
      long first = 31 * parent[parentAt] + extras.hashCode();
      long second = parent[parentAt + 1];
      for (int i = from; i < to; i++) {
        first = 31 * first + tokens[i];
        second = 37 * second + tokens[i];
      }
      key[at] = first;
      key[at + 1] = second;
    }
  }

  /** However tokens arrive and whatever was taken back, the chain is that of its tokens. */
  @Property(tries = 300, seed = "20261122")
  void keysDependOnTheTokensAlone(
      @ForAll @Size(max = 60) List<@IntRange(min = -3, max = 3) Integer> tokens,
      @ForAll @IntRange(min = 1, max = 5) int blockTokens,
      @ForAll @IntRange(min = 0, max = 60) int cut) {
    int[] all = tokens.stream().mapToInt(t -> t).toArray();
    BlockKeyChain whole = BlockKeyChain.of(new Sum(), blockTokens, PrefixAttributes.NONE);
    whole.append(all, 0, all.length);
    BlockKeyChain parts = BlockKeyChain.of(new Sum(), blockTokens, PrefixAttributes.NONE);
    for (int i = 0; i < Math.min(cut, all.length); i++) {
      parts.append(all[i] + 1);
    }
    parts.truncate(0);
    for (int token : all) {
      parts.append(token);
    }
    assertThat(whole.blockCount()).isEqualTo(all.length / blockTokens);
    assertThat(parts.blockCount()).isEqualTo(whole.blockCount());
    for (int b = 0; b < whole.blockCount(); b++) {
      assertThat(parts.key(b)).isEqualTo(whole.key(b));
      assertThat(whole.tokensEqual(b, all, b * blockTokens)).isTrue();
      int[] copy = new int[blockTokens];
      parts.copyTokens(b, copy, 0);
      assertThat(copy).isEqualTo(Arrays.copyOfRange(all, b * blockTokens, (b + 1) * blockTokens));
    }
    int kept = Math.min(cut, all.length);
    whole.truncate(kept);
    assertThat(whole.tokenCount()).isEqualTo(kept);
    assertThat(whole.blockCount()).isEqualTo(kept / blockTokens);
  }

  @Test
  void eachKeyIsComputedOnce() {
    Sum hash = new Sum();
    BlockKeyChain chain = BlockKeyChain.of(hash, 4, PrefixAttributes.NONE);
    for (int t = 0; t < 40; t++) {
      chain.append(t);
    }
    assertThat(hash.calls).isEqualTo(10);
    assertThat(chain.word(-1, 1)).as("root").isEqualTo(8);
  }

  @Test
  void attributesApplyWhereTheyBelong() {
    PrefixAttributes attributes =
        new PrefixAttributes(
            "a", "s", "t", "f", List.of(new MediaItem("m", 2, 5)), List.of("", "", "e"));
    BlockKeyChain chain = BlockKeyChain.of(new Sum(), 4, attributes);
    chain.append(new int[12], 0, 12);
    assertThat(chain.extras(0))
        .isEqualTo(
            new BlockExtras("a", List.of(new BlockExtras.MediaSlice("m", 2)), "s", "", "t", "f"));
    assertThat(chain.extras(1))
        .isEqualTo(
            new BlockExtras("a", List.of(new BlockExtras.MediaSlice("m", -2)), "", "", "", ""));
    assertThat(chain.extras(2)).isEqualTo(new BlockExtras("a", List.of(), "", "e", "", ""));
    assertThat(PrefixAttributes.NONE.extras(3, 4)).isSameAs(BlockExtras.NONE);
  }

  @Test
  void callersKeysHaveNoTokens() {
    BlockKeyChain chain =
        BlockKeyChain.precomputed(new long[] {1, 2, 3, 4}, 2, 16, PrefixAttributes.NONE);
    assertThat(chain.blockCount()).isEqualTo(2);
    assertThat(chain.hasTokens()).isFalse();
    assertThat(chain.key(1)).hasToString("00000000000000030000000000000004");
    chain.appendKeys(new long[] {5, 6});
    assertThat(chain.word(2, 1)).isEqualTo(6);
    assertThatThrownBy(() -> chain.append(1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "tokens need a chain that computes keys, but the keys of this one were precomputed");
    assertThatThrownBy(() -> chain.appendKeys(new long[1]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("keys must hold a multiple of 2 longs, but has 1");
    assertThatThrownBy(
            () -> BlockKeyChain.of(new Sum(), 4, PrefixAttributes.NONE).appendKeys(new long[2]))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void messages() {
    assertThatThrownBy(() -> BlockKeyChain.of(new Sum(), 0, PrefixAttributes.NONE))
        .hasMessage("blockTokens must be at least 1 token, but was 0");
    assertThatThrownBy(() -> BlockKeyChain.precomputed(new long[5], 5, 1, PrefixAttributes.NONE))
        .hasMessage("words must be between 1 and 4 words of 64 bits, but was 5");
    BlockKeyChain chain = BlockKeyChain.of(new Sum(), 4, PrefixAttributes.NONE);
    assertThatThrownBy(() -> chain.truncate(1))
        .hasMessage("lengthTokens must be between 0 and 0 tokens, but was 1");
    assertThatThrownBy(() -> new MediaItem("", 0, 1))
        .hasMessage("digest must have at least 1 character, but was empty");
    assertThatThrownBy(() -> new KvDemand(0, 0, 0, 0, 0))
        .hasMessage("lengthTokens must be at least 1 token, but was 0");
    assertThatThrownBy(() -> KvDemand.prompt(Integer.MAX_VALUE).withLookaheadTokens(1))
        .hasMessage(
            "lengthTokens + lookaheadTokens must be at most 2147483647 tokens, but was 2147483648");
    assertThatThrownBy(() -> new KvGroup(0, KvGroup.Kind.SLIDING, 0, 16, 1, 1))
        .hasMessage("spanTokens must be at least 1 token, but was 0");
    assertThatThrownBy(() -> new KvGroup(0, KvGroup.Kind.FULL, 8, 16, 1, 1))
        .hasMessage("spanTokens must be 0 tokens for kind FULL, but was 8");
    assertThatThrownBy(() -> new KvGeometry(3, List.of(KvGroup.full(16, 4, 1))))
        .hasMessage("bytesPerBlock of group 0 must be a multiple of unitBytes 3 bytes, but was 4");
    assertThatThrownBy(() -> new KvGeometry(1, List.of()))
        .hasMessage("groups must have at least 1 group, but was empty");
    assertThatThrownBy(() -> new KvOutcome(KvOutcome.Verdict.OK, KvOutcome.Reason.POOL_SIZE, 0))
        .hasMessage(
            "reason must be NONE exactly when the verdict is OK, but was POOL_SIZE with OK");
  }

  @Test
  void keysAreValues() {
    long[] words = {1, 2, 3, 4};
    assertThat(BlockKey.of(words, 0, 2))
        .isEqualTo(BlockKey.of(new long[] {9, 1, 2}, 1, 2))
        .hasSameHashCodeAs(BlockKey.of(words, 0, 2))
        .isNotEqualTo(BlockKey.of(words, 0, 3));
    assertThat(BlockKey.NONE.words()).isZero();
    assertThatThrownBy(() -> BlockKey.of(words, 0, 2).word(2))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }
}
