package io.headway.memory.pool;

import io.headway.api.memory.BlockExtras;
import io.headway.api.memory.BlockHash;

/** A hash that collides all the time. */
record PoorHash(int values) implements BlockHash {
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
    long sum = parent[parentAt];
    for (int i = from; i < to; i++) {
      sum = 31 * sum + tokens[i];
    }
    key[at] = Math.floorMod(sum, values);
  }
}
