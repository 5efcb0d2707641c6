package io.headway.routing.instance;

import io.headway.api.Request;

/**
 * What requests must share to be sent to one instance. Absent keys fall back to the request's id.
 */
public enum AffinityKey {
  /** The session. */
  SESSION,
  /** The tenant. */
  TENANT,
  /** The adapter. */
  ADAPTER,
  /** The leading blocks of the prompt, by their keys, or else by token ids. */
  PREFIX,
  /** Nothing: every request has a key of its own. */
  REQUEST;

  /**
   * Returns where a request's key falls on a ring.
   *
   * @param request the request
   * @param prefixBlocks how many leading blocks make a {@link #PREFIX} key
   * @param blockTokens tokens per block where only token ids are known
   * @param hash the ring's hash
   * @return a position
   */
  long position(Request request, int prefixBlocks, int blockTokens, RingHash hash) {
    String text =
        switch (this) {
          case SESSION -> request.session();
          case TENANT -> request.tenant();
          case ADAPTER -> request.adapter();
          case PREFIX, REQUEST -> "";
        };
    if (!text.isEmpty()) {
      return hash.key(text);
    }
    if (this == PREFIX && request.blockKeyCount() > 0) {
      return hash.key(request.blockKey(Math.min(prefixBlocks, request.blockKeyCount()) - 1));
    }
    if (this == PREFIX && request.hasTokenIds()) {
      long mixed = 0;
      long tokens = Math.min((long) prefixBlocks * blockTokens, request.promptTokens());
      for (int i = 0; i < tokens; i++) {
        mixed = StableHash.mix(mixed ^ request.tokenId(i));
      }
      return hash.key(mixed);
    }
    return hash.key(request.id());
  }
}
