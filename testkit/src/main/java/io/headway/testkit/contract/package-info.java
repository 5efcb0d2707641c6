/**
 * Contracts as jqwik properties: extend one, say what to test and what it claims, and every rule
 * that applies is a property of its own, named after its number.
 */
@NullMarked
package io.headway.testkit.contract;

import org.jspecify.annotations.NullMarked;
