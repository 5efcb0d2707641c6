package io.headway.runtime;

import io.headway.api.Request;

/**
 * What keeps equal prompts apart in the router's prefix index. Immutable; an empty string means
 * absent.
 *
 * @param tenant whose prompt it is; ignored by a cluster that shares prefixes across tenants
 * @param salt cache salt
 * @param adapter LoRA adapter
 * @param model model asked for
 */
public record PrefixScope(String tenant, String salt, String adapter, String model) {
  /** Nothing is kept apart. */
  public static final PrefixScope NONE = new PrefixScope("", "", "", "");

  /**
   * Checks that nothing is null.
   *
   * @param tenant whose prompt it is
   * @param salt cache salt
   * @param adapter LoRA adapter
   * @param model model asked for
   */
  public PrefixScope {
    Check.notNull("tenant", tenant);
    Check.notNull("salt", salt);
    Check.notNull("adapter", adapter);
    Check.notNull("model", model);
  }

  /**
   * Returns the scope of a request.
   *
   * @param request the request
   * @return its tenant, salt, adapter and model
   */
  public static PrefixScope of(Request request) {
    return new PrefixScope(
        request.tenant(), request.cacheSalt(), request.adapter(), request.model());
  }
}
