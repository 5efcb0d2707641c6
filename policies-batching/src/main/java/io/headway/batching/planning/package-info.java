/**
 * Slow plans over a window: whole batches or an order of the waiting sequences, made outside the
 * fast path. Planners and the formulas behind them hold configuration only and are thread-safe.
 */
@NullMarked
package io.headway.batching.planning;

import org.jspecify.annotations.NullMarked;
