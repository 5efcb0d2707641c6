/**
 * Policy interfaces and value types of Headway, an embeddable scheduling-policy SDK for LLM
 * serving.
 */
module io.headway.api {
  requires static org.jspecify;

  exports io.headway.api;
  exports io.headway.api.batching;
  exports io.headway.api.config;
  exports io.headway.api.memory;
  exports io.headway.api.prediction;
  exports io.headway.api.routing;

  uses io.headway.api.config.PolicyCatalog;
}
