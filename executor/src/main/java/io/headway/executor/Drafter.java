package io.headway.executor;

import io.headway.api.ImplementedByUsers;

/**
 * Proposes the tokens that a verify row tests. The plan says how many tokens may be proposed, the
 * drafter says which; what is accepted is decided by the model alone, so a drafter changes how fast
 * an output comes and never what it is.
 *
 * <p>Called on the host, once per verify row. A drafter that keeps state belongs to one executor.
 */
@ImplementedByUsers
public interface Drafter {
  /**
   * Proposes a tree of tokens behind a sequence. Node 0 is the sequence's last token; proposed
   * nodes are numbered from 1, parents before children.
   *
   * @param tokens the sequence's tokens, prompt and output; only read
   * @param length how many of them there are, at least 1
   * @param room most nodes that may be proposed, at least 1
   * @param nodeTokens receives the token of node {@code i} at index {@code i}, 1 to {@code room}
   * @param nodeParents receives the parent of node {@code i} at index {@code i}: 0 to {@code i - 1}
   * @return nodes proposed, 0 to {@code room}
   */
  int draft(int[] tokens, int length, int room, int[] nodeTokens, int[] nodeParents);
}
