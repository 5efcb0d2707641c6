/**
 * Policy interfaces and value types of Headway, an embeddable scheduling-policy SDK for LLM
 * serving.
 */
@NullMarked
package io.headway.api;

import org.jspecify.annotations.NullMarked;
