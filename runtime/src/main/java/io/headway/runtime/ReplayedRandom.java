package io.headway.runtime;

import io.headway.api.RandomSource;
import java.util.Arrays;

/**
 * A source that can be rewound: what was drawn for an explanation is drawn again by the decisions
 * that follow. Not thread-safe.
 */
final class ReplayedRandom implements RandomSource {
  private final RandomSource source;
  private long[] drawn = new long[16];
  private int from;
  private int to;
  private boolean recording;

  ReplayedRandom(RandomSource source) {
    this.source = source;
  }

  /** Keeps what is drawn until {@link #rewind}. */
  void record() {
    recording = true;
    if (from > 0) {
      System.arraycopy(drawn, from, drawn, 0, to - from);
      to -= from;
      from = 0;
    }
  }

  /** Goes back to where {@link #record} was called. */
  void rewind() {
    recording = false;
    from = 0;
  }

  @Override
  public long nextLong() {
    if (from < to) {
      long bits = drawn[from++];
      if (from == to && !recording) {
        from = 0;
        to = 0;
      }
      return bits;
    }
    long bits = source.nextLong();
    if (recording) {
      if (to == drawn.length) {
        drawn = Arrays.copyOf(drawn, 2 * to);
      }
      drawn[to++] = bits;
      from = to;
    }
    return bits;
  }
}
