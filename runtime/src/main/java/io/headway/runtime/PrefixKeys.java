package io.headway.runtime;

import io.headway.api.Request;
import org.jspecify.annotations.Nullable;

/**
 * The index keys of one request's whole prompt blocks: the caller's block keys, or a chain over the
 * token ids, each mixed with tenant, salt, adapter and model, so that equal prompts of strangers
 * have different keys. Remembers the last request. Not thread-safe.
 */
final class PrefixKeys {
  private final int blockTokens;
  private final boolean shareAcrossTenants;
  private @Nullable Request request;
  private long[] keys = {};
  private int count;

  PrefixKeys(int blockTokens, boolean shareAcrossTenants) {
    this.blockTokens = blockTokens;
    this.shareAcrossTenants = shareAcrossTenants;
  }

  /** Computes the keys of a request, unless they are those at hand. */
  PrefixKeys of(Request next) {
    if (next != request) {
      request = next;
      compute(next);
    }
    return this;
  }

  int count() {
    return count;
  }

  long key(int block) {
    return keys[block];
  }

  /** Forgets the request, so that it is not kept alive. */
  void clear() {
    request = null;
    count = 0;
  }

  private void compute(Request next) {
    int given = next.blockKeyCount();
    count = given > 0 ? given : next.hasTokenIds() ? next.promptTokens() / blockTokens : 0;
    if (count == 0) {
      return;
    }
    if (keys.length < count) {
      keys = new long[Math.max(count, 2 * keys.length)];
    }
    long scope = scope(next.tenant(), next.cacheSalt(), next.adapter(), next.model());
    if (given > 0) {
      for (int i = 0; i < count; i++) {
        keys[i] = Mix.bits(next.blockKey(i) ^ scope);
      }
      return;
    }
    long chain = scope;
    for (int i = 0; i < count; i++) {
      for (int t = i * blockTokens; t < (i + 1) * blockTokens; t++) {
        chain = Mix.bits(chain ^ next.tokenId(t));
      }
      keys[i] = chain;
    }
  }

  /** Returns the index key of a caller's block key. */
  long key(PrefixScope scope, long blockKey) {
    return Mix.bits(blockKey ^ scope(scope.tenant(), scope.salt(), scope.adapter(), scope.model()));
  }

  private long scope(String tenant, String salt, String adapter, String model) {
    String owner = shareAcrossTenants ? "" : tenant;
    return Mix.text(Mix.text(Mix.text(Mix.text(0, owner), salt), adapter), model);
  }
}
