package io.headway.routing.placement;

import static java.util.Objects.requireNonNull;

import io.headway.api.moe.MoeInputException;
import io.headway.routing.internal.Selection;
import java.util.Arrays;

/**
 * Packs weighted items into packs of equally many items, greedily: by descending weight (ties to
 * the lower item), each item goes to the lightest pack with room (ties to the lower pack). With one
 * item per pack, item {@code i} goes to pack {@code i}. O(n log n + n m) for n items and m packs;
 * arrays are reused, so a warmed-up instance allocates nothing. Not thread-safe.
 */
public final class BalancedPacking {
  private int[] pack = {};
  private int[] rank = {};
  private int[] order = {};
  private int[] scratch = {};
  private double[] packWeight = {};
  private int[] packItems = {};

  /** Creates an empty packing. */
  public BalancedPacking() {}

  /**
   * Packs items.
   *
   * @param weight weights of at least 0
   * @param items number of items, at least 0
   * @param packs number of packs, at least 1, a divisor of {@code items}
   * @throws MoeInputException with {@link MoeInputException.Rule#NOT_DIVISIBLE} if it is none
   */
  public void pack(double[] weight, int items, int packs) {
    requireNonNull(weight, "weight");
    if (packs < 1) {
      throw new IllegalArgumentException("packs must be at least 1 pack, but was " + packs);
    }
    if (items % packs != 0) {
      throw new MoeInputException(
          MoeInputException.Rule.NOT_DIVISIBLE,
          "items must be a multiple of packs = " + packs + ", but was " + items);
    }
    requireWeights(weight, items);
    if (pack.length < items) {
      pack = new int[items];
      rank = new int[items];
      order = new int[items];
      scratch = new int[items];
    }
    if (packWeight.length < packs) {
      packWeight = new double[packs];
      packItems = new int[packs];
    }
    int perPack = items / packs;
    for (int i = 0; i < items; i++) {
      pack[i] = i;
      rank[i] = 0;
      order[i] = i;
    }
    if (perPack <= 1) {
      return;
    }
    Selection.sortDescending(order, 0, items, weight, scratch);
    Arrays.fill(packWeight, 0, packs, 0);
    Arrays.fill(packItems, 0, packs, 0);
    for (int n = 0; n < items; n++) {
      int lightest = -1;
      double least = Double.POSITIVE_INFINITY;
      for (int p = 0; p < packs; p++) {
        if (packWeight[p] < least && packItems[p] < perPack) {
          lightest = p;
          least = packWeight[p];
        }
      }
      int i = order[n];
      pack[i] = lightest;
      rank[i] = packItems[lightest]++;
      packWeight[lightest] += weight[i];
    }
  }

  static void requireWeights(double[] weight, int count) {
    for (int i = 0; i < count; i++) {
      if (!(weight[i] >= 0) || Double.isInfinite(weight[i])) {
        throw new IllegalArgumentException(
            "weight[" + i + "] must be finite and at least 0, but was " + weight[i]);
      }
    }
  }

  /**
   * Returns the pack of an item.
   *
   * @param item item index
   * @return pack index
   */
  public int pack(int item) {
    return pack[item];
  }

  /**
   * Returns when an item came into its pack.
   *
   * @param item item index
   * @return 0 for the first one
   */
  public int rank(int item) {
    return rank[item];
  }
}
