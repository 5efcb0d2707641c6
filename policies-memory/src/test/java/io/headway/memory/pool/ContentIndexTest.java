package io.headway.memory.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.memory.BlockKeyChain;
import io.headway.api.memory.PrefixAttributes;
import io.headway.memory.prefix.Sha256BlockHash;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** The index of contents against a map from content to node, through forgetting and undoing. */
class ContentIndexTest {
  private static final int BLOCK_TOKENS = 2;
  private static final int DEPTH = 5;

  @Property(seed = "1", tries = 150)
  void everyContentIsFoundExactlyWhileItLives(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 4) int alphabet) {
    Random random = new Random(seed);
    UndoLog log = new UndoLog();
    ContentIndex index = new ContentIndex(log, BLOCK_TOKENS, 1, 1);
    Map<List<Integer>, Integer> nodes = new HashMap<>();
    Map<List<Integer>, Integer> holds = new HashMap<>();
    Deque<Saved> saved = new ArrayDeque<>();
    for (int round = 0; round < 150; round++) {
      int[] tokens = random.ints(DEPTH * BLOCK_TOKENS, 0, alphabet).toArray();
      switch (random.nextInt(8)) {
        case 0 -> {
          saved.push(new Saved(log.size(), new HashMap<>(nodes), new HashMap<>(holds)));
          log.start();
        }
        case 1 -> {
          if (!saved.isEmpty()) {
            Saved before = saved.peek();
            log.pause();
            for (int entry = log.size() - 1; entry >= before.entries; entry--) {
              index.undo(entry);
            }
            log.truncate(before.entries);
            log.start();
            nodes = new HashMap<>(before.nodes);
            holds = new HashMap<>(before.holds);
          }
        }
        case 2 -> {
          saved.clear();
          log.stop();
          index.commit();
        }
        case 3, 4 -> {
          List<List<Integer>> held =
              holds.keySet().stream().sorted(ContentIndexTest::order).toList();
          if (!held.isEmpty()) {
            List<Integer> content = held.get(random.nextInt(held.size()));
            index.letGo(nodes.get(content));
            holds.merge(content, -1, (a, b) -> a + b == 0 ? null : a + b);
            forget(content, nodes, holds);
          }
        }
        default -> {
          BlockKeyChain chain = chain(tokens);
          int depth = 1 + random.nextInt(DEPTH);
          int node = ContentIndex.NONE;
          for (int i = 0; i < depth; i++) {
            int found = index.find(node, chain, i);
            node = found == ContentIndex.NONE ? index.create(node, chain, i) : found;
            nodes.put(content(tokens, i), node);
          }
          index.hold(node);
          holds.merge(content(tokens, depth - 1), 1, Integer::sum);
        }
      }
      assertSame(index, nodes, alphabet, random);
    }
  }

  private record Saved(
      int entries, Map<List<Integer>, Integer> nodes, Map<List<Integer>, Integer> holds) {}

  private static void assertSame(
      ContentIndex index, Map<List<Integer>, Integer> nodes, int alphabet, Random random) {
    assertThat(index.live()).isEqualTo(nodes.size());
    for (int tries = 0; tries < 20; tries++) {
      int[] tokens = random.ints(DEPTH * BLOCK_TOKENS, 0, alphabet).toArray();
      BlockKeyChain chain = chain(tokens);
      int node = ContentIndex.NONE;
      for (int i = 0; i < DEPTH; i++) {
        node = index.find(node, chain, i);
        Integer expected = nodes.get(content(tokens, i));
        assertThat(node).isEqualTo(expected == null ? ContentIndex.NONE : expected);
        if (expected == null) {
          break;
        }
      }
    }
  }

  /** Drops what neither a holder nor a longer content keeps, from the longest on. */
  private static void forget(
      List<Integer> content, Map<List<Integer>, Integer> nodes, Map<List<Integer>, Integer> holds) {
    for (int length = content.size(); length > 0; length -= BLOCK_TOKENS) {
      List<Integer> each = content.subList(0, length);
      boolean kept =
          holds.containsKey(each)
              || nodes.keySet().stream()
                  .anyMatch(n -> n.size() > each.size() && n.subList(0, each.size()).equals(each));
      if (kept) {
        return;
      }
      nodes.remove(each);
    }
  }

  private static int order(List<Integer> a, List<Integer> b) {
    return a.toString().compareTo(b.toString());
  }

  private static List<Integer> content(int[] tokens, int block) {
    return IntStream.of(Arrays.copyOf(tokens, (block + 1) * BLOCK_TOKENS)).boxed().toList();
  }

  private static BlockKeyChain chain(int[] tokens) {
    BlockKeyChain chain =
        BlockKeyChain.of(new Sha256BlockHash(), BLOCK_TOKENS, PrefixAttributes.NONE);
    chain.append(tokens, 0, tokens.length);
    return chain;
  }
}
