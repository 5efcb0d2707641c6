package io.headway.routing.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.RandomSource;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** Selection and sorting against sorting boxed indices by score, then index. */
class SelectionTest {
  private static double[] scores(long seed, int n, int values) {
    RandomSource random = RandomSource.seeded(seed);
    return IntStream.range(0, n).mapToDouble(i -> random.nextInt(values)).toArray();
  }

  private static List<Integer> sorted(double[] score) {
    return IntStream.range(0, score.length)
        .boxed()
        .sorted(Comparator.<Integer>comparingDouble(i -> -score[i]).thenComparing(i -> i))
        .toList();
  }

  @Property(tries = 1000, seed = "20261122")
  void addBestKeepsTheFirstK(
      @ForAll long seed,
      @ForAll @IntRange(max = 80) int n,
      @ForAll @IntRange(min = 1, max = 40) int values,
      @ForAll @IntRange(max = 12) int k,
      @ForAll @IntRange(max = 80) int cut) {
    double[] score = scores(seed, n, values);
    int[] index = new int[k + 1];
    double[] value = new double[k + 1];
    int at = Math.min(cut, n);
    int size = Selection.addBest(score, 0, at, k, 0, index, value, 0);
    size = Selection.addBest(score, at, n, k, size, index, value, 0);
    assertThat(size).isEqualTo(Math.min(k, n));
    List<Integer> expected = sorted(score).subList(0, size);
    for (int i = 0; i < size; i++) {
      assertThat(index[i]).isEqualTo(expected.get(i));
      assertThat(value[i]).isEqualTo(score[index[i]]);
    }
  }

  @Property(tries = 1000, seed = "20261122")
  void partitionAndSortAgreeWithSorting(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 300) int n,
      @ForAll @IntRange(min = 1, max = 300) int values,
      @ForAll @IntRange(min = 1, max = 300) int keep) {
    double[] original = scores(seed, n, values);
    int kept = Math.min(keep, n);
    double[] score = original.clone();
    int[] id = IntStream.range(0, n).toArray();
    double worst = Selection.partition(score, id, 0, n, kept);
    List<Integer> expected = sorted(original);
    assertThat(IntStream.of(id).limit(kept).boxed())
        .containsExactlyInAnyOrderElementsOf(expected.subList(0, kept));
    assertThat(worst).isEqualTo(original[expected.get(kept - 1)]);
    Selection.sort(score, id, 0, n);
    assertThat(IntStream.of(id).boxed()).isEqualTo(expected);
    for (int i = 0; i < n; i++) {
      assertThat(score[i]).isEqualTo(original[id[i]]);
    }
  }

  @Property(tries = 1000, seed = "20261122")
  void sortDescendingIsStable(
      @ForAll long seed,
      @ForAll @IntRange(max = 300) int n,
      @ForAll @IntRange(min = 1, max = 50) int values) {
    double[] key = scores(seed, n, values);
    int[] index = IntStream.range(-1, n).toArray();
    Selection.sortDescending(index, 1, n, key, new int[n]);
    assertThat(index[0]).isEqualTo(-1);
    assertThat(IntStream.of(index).skip(1).boxed()).isEqualTo(sorted(key));
  }
}
