/**
 * Policy interfaces and value types of Headway, an embeddable scheduling-policy SDK for LLM
 * serving.
 */
module io.headway.api {
  requires static transitive org.jspecify;

  exports io.headway.api;
  exports io.headway.api.batching;
  exports io.headway.api.config;
  exports io.headway.api.memory;
  exports io.headway.api.model;
  exports io.headway.api.moe;
  exports io.headway.api.prediction;
  exports io.headway.api.routing;
  exports io.headway.api.speculation;

  uses io.headway.api.config.PolicyCatalog;
}
