/**
 * Policy interfaces and value types of Headway, an embeddable scheduling-policy SDK for LLM
 * serving.
 */
module io.headway.api {
  requires static org.jspecify;
}
