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

    /** Its place in {@link PrefixTree#postOrder}. */
    int index;

    /** Prefill tokens that the best groups within this prefix save. */
    long savedTokens;

    /** Whether a group shares exactly this prefix. */
    boolean joins;

    /** Whether all requests of this prefix would rather join a group of the parent's prefix. */
    boolean joinsParent;

    private Node(int depthTokens) {
      this.depthTokens = depthTokens;
    }

    /** Collects everybody who starts with this prefix. */
    void addAll(List<Integer> sequences) {
      Deque<Node> path = new ArrayDeque<>();
      path.push(this);
      while (!path.isEmpty()) {
        Node node = path.pop();
        sequences.addAll(node.ending);
        node.children.forEach(path::push);
      }
    }
  }

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
      node.children.forEach(path::push);
    }
    Collections.reverse(postOrder);
    for (int i = 0; i < postOrder.size(); i++) {
      Node node = postOrder.get(i);
      node.index = i;
      node.requests = node.ending.size();
      for (Node child : node.children) {
        node.requests += child.requests;
        child.parentDepthTokens = node.depthTokens;
      }
    }
  }

  /**
   * Decides the groups, each sharing one prefix, that save the most prefill tokens. At a node, a
   * child's requests save {@code prefix} tokens each if they join, less one prefix in all, or what
   * the child's own groups save.
   */
  void decideGroups() {
    for (Node node : postOrder) {
      long apart = 0;
      long together = -node.depthTokens + (long) node.ending.size() * node.depthTokens;
      int joining = node.ending.size();
      for (Node child : node.children) {
        long joined = (long) node.depthTokens * child.requests;
        child.joinsParent = joined > child.savedTokens;
        joining += child.joinsParent ? child.requests : 0;
        apart += child.savedTokens;
        together += Math.max(joined, child.savedTokens);
      }
      node.joins = joining > 1 && together > apart;
      node.savedTokens = node.joins ? together : apart;
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
