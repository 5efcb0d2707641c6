package io.headway.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Request;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** The index of prefixes and its map against plain collections. */
class PrefixIndexTest {
  @Property(seed = "1", tries = 300)
  void theIndexAnswersAsPlainSetsDo(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 70) int instances,
      @ForAll @IntRange(min = 0, max = 30) int maxBlocks) {
    Random random = new Random(seed);
    PrefixIndex index = new PrefixIndex();
    PrefixKeys keys = new PrefixKeys(1, false);
    List<LinkedHashSet<Long>> model = new ArrayList<>();
    for (int i = 0; i < instances; i++) {
      index.open(i, maxBlocks);
      model.add(new LinkedHashSet<>());
    }
    for (int round = 0; round < 120; round++) {
      int instance = random.nextInt(instances);
      LinkedHashSet<Long> own = model.get(instance);
      keys.of(prompt(random, round));
      switch (random.nextInt(8)) {
        case 0 -> {
          index.remove(instance, keys.key(0));
          own.remove(keys.key(0));
        }
        case 1 -> {
          index.add(instance, keys.key(0));
          touch(own, keys.key(0), maxBlocks);
        }
        case 2 -> {
          if (random.nextInt(4) == 0) {
            index.clear(instance);
            own.clear();
          }
        }
        case 3, 4 -> index.match(keys);
        default -> {
          // Mostly the prompt that was matched last, as a request that is served.
          if (random.nextInt(3) > 0) {
            index.match(keys);
          }
          index.record(instance, keys);
          for (int i = Math.min(keys.count(), maxBlocks) - 1; i >= 0; i--) {
            touch(own, keys.key(i), maxBlocks);
          }
        }
      }
      index.match(keys);
      for (int i = 0; i < instances; i++) {
        int leading = 0;
        while (leading < keys.count() && model.get(i).contains(keys.key(leading))) {
          leading++;
        }
        assertThat(index.matched(i)).as("instance %s", i).isEqualTo(leading);
        assertThat(index.held(i)).isEqualTo(model.get(i).size());
      }
    }
  }

  /** One of a few families, so that prompts share beginnings, and keys come back. */
  private static Request prompt(Random random, int round) {
    long[] keys = new long[1 + random.nextInt(12)];
    int family = random.nextInt(3);
    int shared = random.nextInt(keys.length + 1);
    int branch = random.nextInt(3);
    for (int i = 0; i < keys.length; i++) {
      keys[i] = i < shared ? family * 100L + i : 1000L * (1 + branch) + family * 100L + i;
    }
    return Request.builder("r" + round, keys.length, 1).blockKeys(keys).build();
  }

  private static void touch(LinkedHashSet<Long> held, long key, int maxBlocks) {
    if (maxBlocks == 0) {
      return;
    }
    if (!held.remove(key) && held.size() == maxBlocks) {
      held.remove(held.iterator().next());
    }
    held.add(key);
  }

  @Property(seed = "2", tries = 200)
  void theMapAnswersAsAPlainMapDoes(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 200) int distinct) {
    Random random = new Random(seed);
    LongIntMap map = new LongIntMap();
    Map<Long, Integer> model = new HashMap<>();
    long stride = random.nextLong();
    for (int i = 0; i < 1000; i++) {
      long key = stride * random.nextInt(distinct);
      if (random.nextInt(3) == 0) {
        map.remove(key);
        model.remove(key);
      } else {
        int value = random.nextInt(Integer.MAX_VALUE);
        map.put(key, value);
        model.put(key, value);
      }
      long asked = stride * random.nextInt(distinct + 1);
      assertThat(map.get(asked)).isEqualTo(model.getOrDefault(asked, LongIntMap.MISSING));
      assertThat(map.size()).isEqualTo(model.size());
    }
    model.forEach((key, value) -> assertThat(map.get(key)).isEqualTo(value));
  }
}
