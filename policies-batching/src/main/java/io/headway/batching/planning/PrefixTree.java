package io.headway.batching.planning;

import io.headway.api.Request;
import io.headway.api.batching.BatchView;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;

/**
 * The prefixes that waiting requests share, as a tree: a node for each longest common prefix, with
 * the requests whose prompt ends there.
 *
 * <p>Prompts are compared by token ids where both requests have them, by block keys where both have
 * those; others, and requests of different tenants, salts or adapters, share nothing. Lengths are
 * in tokens; a pool shares whole blocks only, so what it really shares may be up to a block less.
 *
 * <p>O(n log n) comparisons of prompts. Immutable once built.
 */
final class PrefixTree {
  /** A common prefix. */
  static final class Node {
    final int depthTokens;
    final List<Node> children = new ArrayList<>();

    /** Requests whose prompt is exactly this prefix, by (arrival, id) where they are equal. */
    final List<Integer> ending = new ArrayList<>();

    /** Requests that start with this prefix. */
    int requests;

    /** Length of the next shorter common prefix. */
    int parentDepthTokens;

    /** The node of that prefix; the root is its own. */
    Node parent = this;

    /** How many shorter common prefixes there are. */
    int level;

    /** Its place in {@link PrefixTree#postOrder}. */
    int index;

    /** A group shares exactly this prefix if the deepest group above is of a lower level. */
    private int joinsBelowLevel;

    private Node(int depthTokens) {
      this.depthTokens = depthTokens;
    }
  }

  /**
   * Requests that share one prefix.
   *
   * @param prefixTokens length of the prefix, 0 for a request on its own
   * @param sequences the requests
   */
  record Group(int prefixTokens, List<Integer> sequences) {}

  private final Node root = new Node(0);
  private final List<Node> postOrder = new ArrayList<>();

  private PrefixTree() {}

  /** The empty prefix. */
  Node root() {
    return root;
  }

  /** All nodes, children before parents. */
  List<Node> postOrder() {
    return postOrder;
  }

  /** Builds the tree of everybody who waits. */
  static PrefixTree of(BatchView view) {
    int blockTokens = blockTokens(view);
    List<Integer> sorted = new ArrayList<>();
    for (int s = view.firstWaiting(); s != BatchView.NONE; s = view.nextWaiting(s)) {
      sorted.add(s);
    }
    sorted.sort(
        (a, b) -> {
          int byContent = compare(view.request(a), view.request(b));
          return byContent != 0 ? byContent : view.compareArrival(a, b);
        });
    PrefixTree tree = new PrefixTree();
    Deque<Node> open = new ArrayDeque<>();
    open.push(tree.root);
    Request before = null;
    for (int sequence : sorted) {
      Request request = view.request(sequence);
      close(open, before == null ? 0 : sharedTokens(before, request, blockTokens));
      Node top = open.element();
      if (top.depthTokens == request.promptTokens()) {
        top.ending.add(sequence);
      } else {
        Node leaf = new Node(request.promptTokens());
        leaf.ending.add(sequence);
        open.push(leaf);
      }
      before = request;
    }
    close(open, 0);
    tree.count();
    return tree;
  }

  /** Ends all prefixes longer than a length, so that one of exactly that length is open. */
  private static void close(Deque<Node> open, int tokens) {
    while (open.element().depthTokens > tokens) {
      Node closed = open.pop();
      if (open.element().depthTokens < tokens) {
        open.push(new Node(tokens));
      }
      open.element().children.add(closed);
    }
  }

  /** Walks without recursion, since prompts may be nested as deep as there are requests. */
  private void count() {
    Deque<Node> path = new ArrayDeque<>();
    path.push(root);
    while (!path.isEmpty()) {
      Node node = path.pop();
      postOrder.add(node);
      for (Node child : node.children) {
        child.parent = node;
        child.parentDepthTokens = node.depthTokens;
        child.level = node.level + 1;
        path.push(child);
      }
    }
    Collections.reverse(postOrder);
    for (int i = 0; i < postOrder.size(); i++) {
      Node node = postOrder.get(i);
      node.index = i;
      node.requests = node.ending.size();
      for (Node child : node.children) {
        node.requests += child.requests;
      }
    }
  }

  /**
   * Returns the groups, each sharing one prefix, that save the most prefill tokens: {@code prefix *
   * (members - 1)} in each. Ties keep the longer prefix. O(nodes * levels).
   *
   * <p>Which prefixes have a group decides everything, since a request saves most in the longest of
   * them that it starts with. So a node needs to know one thing of those above: the deepest of them
   * that has a group.
   */
  List<Group> groups() {
    decideJoins();
    List<Group> groups = new ArrayList<>();
    // By node: the deepest group that its requests may join, and the level of that; 0 for none.
    Group[] deepest = new Group[postOrder.size()];
    int[] levels = new int[postOrder.size()];
    for (int i = postOrder.size() - 1; i >= 0; i--) {
      Node node = postOrder.get(i);
      Group group = deepest[node.parent.index];
      int level = levels[node.parent.index];
      if (level < node.joinsBelowLevel) {
        group = new Group(node.depthTokens, new ArrayList<>());
        level = node.level;
        groups.add(group);
      }
      deepest[node.index] = group;
      levels[node.index] = level;
      for (int sequence : node.ending) {
        if (group != null) {
          group.sequences.add(sequence);
        } else {
          groups.add(new Group(0, new ArrayList<>(List.of(sequence))));
        }
      }
    }
    return groups;
  }

  private void decideJoins() {
    // By node: the most saved from there down, by the level of the deepest group above.
    long[][] saved = new long[postOrder.size()][];
    for (Node node : postOrder) {
      long[] most = new long[node.level + 1];
      for (Node child : node.children) {
        for (int level = 0; level <= node.level; level++) {
          most[level] += saved[child.index][level];
        }
        saved[child.index] = null;
      }
      Node above = node;
      for (int level = node.level; level >= 0; level--, above = above.parent) {
        most[level] += (long) node.ending.size() * above.depthTokens;
      }
      long own = most[node.level] - node.depthTokens;
      for (int level = 0; level < node.level; level++) {
        if (own > most[level] || (own == most[level] && level > 0)) {
          most[level] = own;
          node.joinsBelowLevel = level + 1;
        }
      }
      saved[node.index] = most;
    }
  }

  /** The tokens of one block, by the pool's own formula. */
  private static int blockTokens(BatchView view) {
    int tokens = 1;
    while (tokens < 1 << 20 && view.blocksFor(tokens + 1) <= 1) {
      tokens++;
    }
    return tokens;
  }

  private static int compare(Request a, Request b) {
    int byOwner = a.tenant().compareTo(b.tenant());
    byOwner = byOwner != 0 ? byOwner : a.cacheSalt().compareTo(b.cacheSalt());
    byOwner = byOwner != 0 ? byOwner : a.adapter().compareTo(b.adapter());
    if (byOwner != 0) {
      return byOwner;
    }
    if (a.hasTokenIds() != b.hasTokenIds()) {
      return a.hasTokenIds() ? 1 : -1;
    }
    if (a.hasTokenIds()) {
      int length = Math.min(a.promptTokens(), b.promptTokens());
      for (int i = 0; i < length; i++) {
        if (a.tokenId(i) != b.tokenId(i)) {
          return Integer.compare(a.tokenId(i), b.tokenId(i));
        }
      }
      return Integer.compare(a.promptTokens(), b.promptTokens());
    }
    int blocks = Math.min(a.blockKeyCount(), b.blockKeyCount());
    for (int i = 0; i < blocks; i++) {
      if (a.blockKey(i) != b.blockKey(i)) {
        return Long.compare(a.blockKey(i), b.blockKey(i));
      }
    }
    int byBlocks = Integer.compare(a.blockKeyCount(), b.blockKeyCount());
    return byBlocks != 0 ? byBlocks : Integer.compare(a.promptTokens(), b.promptTokens());
  }

  private static int sharedTokens(Request a, Request b, int blockTokens) {
    boolean comparable =
        a.tenant().equals(b.tenant())
            && a.cacheSalt().equals(b.cacheSalt())
            && a.adapter().equals(b.adapter())
            && a.hasTokenIds() == b.hasTokenIds();
    if (!comparable) {
      return 0;
    }
    int shared = 0;
    if (a.hasTokenIds()) {
      int length = Math.min(a.promptTokens(), b.promptTokens());
      while (shared < length && a.tokenId(shared) == b.tokenId(shared)) {
        shared++;
      }
      return shared;
    }
    int blocks = Math.min(a.blockKeyCount(), b.blockKeyCount());
    while (shared < blocks && a.blockKey(shared) == b.blockKey(shared)) {
      shared++;
    }
    return (int)
        Math.min((long) shared * blockTokens, Math.min(a.promptTokens(), b.promptTokens()));
  }
}
