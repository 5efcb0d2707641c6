package io.headway.executor;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;

/**
 * Drafts trees of any shape. It knows what the model would say, if it is told, and says it in part
 * of its nodes, so that paths of all lengths are accepted and refused.
 */
final class TreeDrafter implements Drafter {
  private final Random random;
  private final int vocabularySize;
  private final Map<String, int[]> truths = new HashMap<>();

  TreeDrafter(long seed, int vocabularySize) {
    random = new Random(seed);
    this.vocabularySize = vocabularySize;
  }

  /** Tells the whole sequence, prompt and output, that begins with a prompt. */
  void knows(int[] prompt, int[] whole) {
    truths.put(Arrays.toString(prompt), whole);
  }

  @Override
  public int draft(int[] tokens, int length, int room, int[] nodeTokens, int[] nodeParents) {
    int[] truth = truth(tokens, length);
    int nodes = random.nextInt(room + 1);
    int[] depth = new int[nodes + 1];
    boolean[] right = new boolean[nodes + 1];
    right[0] = true;
    for (int i = 1; i <= nodes; i++) {
      int parent = random.nextBoolean() ? i - 1 : random.nextInt(i);
      nodeParents[i] = parent;
      depth[i] = depth[parent] + 1;
      int position = length - 1 + depth[i];
      boolean tells =
          right[parent] && truth != null && position < truth.length && random.nextInt(100) < 70;
      nodeTokens[i] = tells ? truth[position] : random.nextInt(vocabularySize);
      right[i] = tells;
    }
    return nodes;
  }

  private int[] truth(int[] tokens, int length) {
    for (int[] candidate : truths.values()) {
      if (candidate.length >= length && Arrays.equals(tokens, 0, length, candidate, 0, length)) {
        return candidate;
      }
    }
    return null;
  }
}
