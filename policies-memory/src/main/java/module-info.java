/** KV block pools, prefix caches, eviction, tiers and retention. */
module io.headway.memory {
  requires transitive io.headway.api;
  requires static org.jspecify;
}
