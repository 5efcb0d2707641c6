package io.headway.api.speculation;

import static java.util.Objects.requireNonNull;

import java.util.Arrays;
import java.util.Objects;

/**
 * The shape of a token tree: nodes in an order in which every parent comes before its children,
 * node 0 being the last emitted token. A chain is a tree with one child per node. Immutable and
 * thread-safe.
 */
public final class DraftTree {
  private final int[] parents;
  private final int[] depths;
  private final int levels;

  private DraftTree(int[] parents) {
    this.parents = parents;
    this.depths = new int[parents.length];
    int deepest = 0;
    for (int i = 1; i < parents.length; i++) {
      depths[i] = depths[parents[i]] + 1;
      deepest = Math.max(deepest, depths[i]);
    }
    levels = deepest + 1;
  }

  /**
   * Makes a tree from parent pointers.
   *
   * @param parents {@code parents[0] = -1} and {@code 0 <= parents[i] < i} for every other node
   * @return the tree
   * @throws IllegalArgumentException if there is no root or a parent does not come first
   */
  public static DraftTree of(int... parents) {
    requireNonNull(parents, "parents");
    if (parents.length == 0 || parents[0] != -1) {
      throw new IllegalArgumentException(
          "parents must start with -1 for the root, but was " + Arrays.toString(parents));
    }
    for (int i = 1; i < parents.length; i++) {
      if (parents[i] < 0 || parents[i] >= i) {
        throw new IllegalArgumentException(
            "parents["
                + i
                + "] must name an earlier node, 0 to "
                + (i - 1)
                + ", but was "
                + parents[i]);
      }
    }
    return new DraftTree(parents.clone());
  }

  /**
   * Makes a chain.
   *
   * @param draftTokens nodes behind the root, at least 0
   * @return the tree
   * @throws IllegalArgumentException if {@code draftTokens} is negative
   */
  public static DraftTree chain(int draftTokens) {
    if (draftTokens < 0) {
      throw new IllegalArgumentException(
          "draftTokens must be at least 0 tokens, but was " + draftTokens);
    }
    int[] parents = new int[draftTokens + 1];
    for (int i = 0; i <= draftTokens; i++) {
      parents[i] = i - 1;
    }
    return new DraftTree(parents);
  }

  /**
   * Returns the number of nodes.
   *
   * @return query tokens of one verification pass, the root included
   */
  public int nodes() {
    return parents.length;
  }

  /**
   * Returns the drafted tokens.
   *
   * @return nodes without the root
   */
  public int draftTokens() {
    return parents.length - 1;
  }

  /**
   * Returns a node's parent.
   *
   * @param node 0 to {@code nodes - 1}
   * @return an earlier node, or -1 for the root
   * @throws IndexOutOfBoundsException if there is no such node
   */
  public int parent(int node) {
    return parents[Objects.checkIndex(node, parents.length)];
  }

  /**
   * Returns how far a node is from the root, which is also its position behind the stored tokens.
   *
   * @param node 0 to {@code nodes - 1}
   * @return 0 for the root
   * @throws IndexOutOfBoundsException if there is no such node
   */
  public int depth(int node) {
    return depths[Objects.checkIndex(node, depths.length)];
  }

  /**
   * Returns the number of levels.
   *
   * @return 1 for a root alone; draft steps are one less
   */
  public int levels() {
    return levels;
  }

  /**
   * Returns whether one node sees another in tree attention.
   *
   * @param node who looks
   * @param other who is looked at
   * @return true if {@code other} is {@code node} or one of its ancestors
   * @throws IndexOutOfBoundsException if there is no such node
   */
  public boolean sees(int node, int other) {
    Objects.checkIndex(other, parents.length);
    int at = Objects.checkIndex(node, parents.length);
    while (at > other) {
      at = parents[at];
    }
    return at == other;
  }

  @Override
  public boolean equals(Object object) {
    return object instanceof DraftTree that && Arrays.equals(parents, that.parents);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(parents);
  }

  @Override
  public String toString() {
    return "DraftTree" + Arrays.toString(parents);
  }
}
