/** KV block pools, prefix caches, eviction, tiers and retention. */
module io.headway.memory {
  requires transitive io.headway.api;
  requires static org.jspecify;

  exports io.headway.memory.eviction;
  exports io.headway.memory.footprint;
  exports io.headway.memory.pool;
  exports io.headway.memory.prefix;
  exports io.headway.memory.tiering;

  provides io.headway.api.config.PolicyCatalog with
      io.headway.memory.eviction.EvictionPolicies;
}
