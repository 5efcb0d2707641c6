package io.headway.testkit.subject;

import io.headway.api.memory.BlockExtras;
import io.headway.api.memory.BlockHash;

/**
 * A legal hash of one word with very few values, which leaves what keeps requests apart to others.
 */
final class CollidingHash implements BlockHash {
  private final int values;

  CollidingHash(int values) {
    this.values = values;
  }

  @Override
  public int words() {
    return 1;
  }

  @Override
  public void root(long[] key, int at) {
    key[at] = 0;
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
    long hash = parent[parentAt];
    for (int i = from; i < to; i++) {
      hash = hash * 31 + tokens[i];
    }
    key[at] = 1 + Long.remainderUnsigned(hash, values);
  }
}
