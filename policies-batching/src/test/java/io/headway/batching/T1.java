package io.headway.batching;

import java.util.List;

/** Instance T1 of the worked examples: 12 blocks of 4 tokens, at most 4 sequences. */
public final class T1 {
  public static final int BLOCKS = 12;
  public static final int BLOCK_TOKENS = 4;
  public static final int MAX_SEQUENCES = 4;

  public static final List<Job> JOBS =
      List.of(
          new Job("r1", 0, 10, 5, 8).withPriority(1),
          new Job("r2", 0, 6, 8, 8).withPriority(2),
          new Job("r3", 1, 14, 3, 8).withPriority(0),
          new Job("r4", 2, 4, 6, 8).withPriority(1));

  private T1() {}
}
