package io.headway.api.speculation;

import static java.util.Objects.requireNonNull;

import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Who drafts what in one iteration. Reused from iteration to iteration: the scheduler {@link
 * #reset}s it, the policy fills it in, the scheduler reads it. Not thread-safe.
 */
public final class SpeculationPlan {
  private int requests;
  private int[] limits = new int[16];
  private int[] draftTokens = new int[16];
  private @Nullable DraftTree[] trees = new DraftTree[16];
  private long totalTokens;

  /** Makes a plan for no requests. */
  public SpeculationPlan() {}

  /**
   * Starts anew with nobody drafting.
   *
   * @param view the iteration to plan
   */
  public void reset(SpeculationView view) {
    requests = view.requests();
    if (requests > limits.length) {
      int capacity = Math.max(requests, 2 * limits.length);
      limits = new int[capacity];
      draftTokens = new int[capacity];
      trees = new DraftTree[capacity];
    }
    for (int i = 0; i < requests; i++) {
      limits[i] = view.maxDraftTokens(i);
    }
    Arrays.fill(draftTokens, 0, requests, 0);
    Arrays.fill(trees, 0, requests, null);
    totalTokens = 0;
  }

  /**
   * Drafts a chain for a request, in place of what was planned for it before. More than the request
   * may use is cut off.
   *
   * @param request position, 0 to {@code requests - 1}
   * @param tokens at least 0; 0 means no speculation
   * @throws IllegalArgumentException if {@code tokens} is negative
   * @throws IndexOutOfBoundsException if there is no such request
   */
  public void chain(int request, int tokens) {
    if (tokens < 0) {
      throw new IllegalArgumentException("tokens must be at least 0 tokens, but was " + tokens);
    }
    set(request, Math.min(tokens, limits[Objects.checkIndex(request, requests)]), null);
  }

  /**
   * Drafts a tree for a request, in place of what was planned for it before.
   *
   * @param request position, 0 to {@code requests - 1}
   * @param tree a shape whose depth the request may use
   * @throws IllegalArgumentException if an accepted path could be longer than {@link
   *     SpeculationView#maxDraftTokens}
   * @throws IndexOutOfBoundsException if there is no such request
   */
  public void tree(int request, DraftTree tree) {
    requireNonNull(tree, "tree");
    int limit = limits[Objects.checkIndex(request, requests)];
    if (tree.levels() - 1 > limit) {
      throw new IllegalArgumentException(
          "tree must have at most maxDraftTokens = "
              + limit
              + " levels below the root for request "
              + request
              + ", but has "
              + (tree.levels() - 1));
    }
    set(request, tree.draftTokens(), tree.draftTokens() == 0 ? null : tree);
  }

  /**
   * Returns how many requests the plan is for.
   *
   * @return a count
   */
  public int requests() {
    return requests;
  }

  /**
   * Returns the tokens drafted for a request.
   *
   * @param request position, 0 to {@code requests - 1}
   * @return tokens; 0 without speculation
   * @throws IndexOutOfBoundsException if there is no such request
   */
  public int draftTokens(int request) {
    return draftTokens[Objects.checkIndex(request, requests)];
  }

  /**
   * Returns the shape drafted for a request.
   *
   * @param request position, 0 to {@code requests - 1}
   * @return the tree; null for a chain or no speculation
   * @throws IndexOutOfBoundsException if there is no such request
   */
  public @Nullable DraftTree tree(int request) {
    return trees[Objects.checkIndex(request, requests)];
  }

  /**
   * Returns the tokens drafted for all requests together.
   *
   * @return tokens
   */
  public long totalTokens() {
    return totalTokens;
  }

  private void set(int request, int tokens, @Nullable DraftTree tree) {
    totalTokens += tokens - draftTokens[request];
    draftTokens[request] = tokens;
    trees[request] = tree;
  }
}
