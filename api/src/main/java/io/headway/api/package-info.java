/**
 * The words every policy, runtime and simulator of Headway shares: requests, instances, decisions,
 * claims and the common root of all policies.
 *
 * <p>One sub-package holds one decision: {@code batching} (what runs next inside an instance),
 * {@code routing} (which instance), {@code memory} (which KV block), {@code moe} (which expert),
 * {@code prediction} and {@code speculation}. The {@code config} package turns strings such as
 * {@code sarathi-serve:tokenBudget=512} into policies. Nothing here starts a thread, reads a clock,
 * draws randomness or does I/O.
 */
@NullMarked
package io.headway.api;

import org.jspecify.annotations.NullMarked;
