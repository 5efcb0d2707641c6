/**
 * The forty invariants as checks of a trace, one class per rule or family of rules.
 *
 * <p>{@link io.headway.testkit.check.TraceChecks} reads the records one by one, rebuilds from them
 * what is primary state (requests, block tables, batches in flight) and shows each record with the
 * state before it to one checker per rule. Memory is bounded by live requests and blocks. A {@link
 * io.headway.testkit.check.Verdict} says what was found, how often the rule applied, and which
 * field a trace would need for more.
 */
@NullMarked
package io.headway.testkit.check;

import org.jspecify.annotations.NullMarked;
