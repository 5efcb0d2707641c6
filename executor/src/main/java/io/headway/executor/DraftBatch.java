package io.headway.executor;

import io.headway.api.batching.WorkKind;
import io.headway.runtime.BatchPlan;
import java.util.Arrays;

/**
 * The drafted tokens of the verify rows of one plan, as trees in flat arrays. For implementations
 * of {@link Executor}.
 *
 * <p>A tree is verified in one pass: node {@code i} is computed at position {@code start +
 * depth(i)}, is stored at {@code start + i} until the row ends, and sees the stored context, its
 * ancestors and itself. Then the model's own next token is chosen at node 0; while it is a child of
 * the current node, the child is accepted and its next token chosen. The chosen tokens are the
 * row's output, exactly those that decoding one by one would have chosen, and the KV of the
 * accepted nodes is moved to {@code start + depth}. After Miao et al.: SpecInfer, ASPLOS 2024.
 * Departure: a drafted token is accepted if it equals the one that is drawn for its position,
 * instead of by rejection sampling, so that sampled output does not depend on the drafts either.
 *
 * <p>Allocates only to grow. Not thread-safe.
 */
public final class DraftBatch {
  private static final int NONE = -1;

  private int[] first = new int[16];
  private int[] tokens = new int[64];
  private int[] parents = new int[64];
  private int[] depths = new int[64];
  private int[] nodeTokens = new int[17];
  private int[] nodeParents = new int[17];
  private int rows;

  /** Makes an empty batch. */
  public DraftBatch() {}

  /**
   * Asks for the drafts of a plan's verify rows.
   *
   * @param plan the plan
   * @param slots the sequences
   * @param drafter who proposes
   * @param vocabularySize bounds the tokens
   * @throws IllegalArgumentException if the drafter breaks its contract, naming row and node
   */
  public void draft(BatchPlan plan, SequenceSlots slots, Drafter drafter, int vocabularySize) {
    rows = plan.rows();
    if (first.length <= rows) {
      first = new int[2 * rows + 1];
    }
    int next = 0;
    for (int row = 0; row < rows; row++) {
      first[row] = next;
      if (plan.kind(row) != WorkKind.VERIFY) {
        continue;
      }
      int room = plan.draftCount(row);
      reserve(room, next + room + 1);
      int slot = plan.slot(row);
      tokens[next] = slots.token(slot, plan.start(row));
      parents[next] = NONE;
      depths[next] = 0;
      int nodes =
          drafter.draft(slots.tokens(slot), plan.start(row) + 1, room, nodeTokens, nodeParents);
      if (nodes < 0 || nodes > room) {
        throw new IllegalArgumentException(
            "a drafter must propose 0 to "
                + room
                + " tokens for row "
                + row
                + ", but proposed "
                + nodes);
      }
      for (int i = 1; i <= nodes; i++) {
        if (nodeTokens[i] < 0
            || nodeTokens[i] >= vocabularySize
            || nodeParents[i] < 0
            || nodeParents[i] >= i) {
          throw new IllegalArgumentException(
              "a drafter must propose tokens from 0 to "
                  + (vocabularySize - 1)
                  + " with an earlier node as parent, but node "
                  + i
                  + " of row "
                  + row
                  + " has token "
                  + nodeTokens[i]
                  + " and parent "
                  + nodeParents[i]);
        }
        tokens[next + i] = nodeTokens[i];
        parents[next + i] = nodeParents[i];
        depths[next + i] = depths[next + nodeParents[i]] + 1;
      }
      next += nodes + 1;
    }
    first[rows] = next;
  }

  /**
   * Returns how many tokens a verify row feeds: its last token and what was proposed.
   *
   * @param row a verify row
   * @return nodes, at least 1; at most the row's {@link BatchPlan#count}
   */
  public int nodes(int row) {
    return first[row + 1] - first[row];
  }

  /**
   * Returns a node's token.
   *
   * @param row a verify row
   * @param node 0 to {@code nodes - 1}
   * @return its id
   */
  public int token(int row, int node) {
    return tokens[first[row] + node];
  }

  /**
   * Returns a node's parent.
   *
   * @param row a verify row
   * @param node 0 to {@code nodes - 1}
   * @return an earlier node, or -1 for node 0
   */
  public int parent(int row, int node) {
    return parents[first[row] + node];
  }

  /**
   * Returns how far a node is from node 0.
   *
   * @param row a verify row
   * @param node 0 to {@code nodes - 1}
   * @return its position behind the row's start
   */
  public int depth(int row, int node) {
    return depths[first[row] + node];
  }

  /**
   * Returns the child of a node that carries a token, the first one if several do.
   *
   * @param row a verify row
   * @param node 0 to {@code nodes - 1}
   * @param token an id
   * @return the child, or -1
   */
  public int child(int row, int node, int token) {
    int base = first[row];
    for (int i = node + 1, n = nodes(row); i < n; i++) {
      if (parents[base + i] == node && tokens[base + i] == token) {
        return i;
      }
    }
    return NONE;
  }

  private void reserve(int room, int total) {
    if (nodeTokens.length <= room) {
      nodeTokens = new int[2 * room + 1];
      nodeParents = new int[2 * room + 1];
    }
    if (tokens.length < total) {
      tokens = Arrays.copyOf(tokens, 2 * total);
      parents = Arrays.copyOf(parents, 2 * total);
      depths = Arrays.copyOf(depths, 2 * total);
    }
  }
}
