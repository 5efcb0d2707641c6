/**
 * Routers of mixture-of-experts layers: one class per published algorithm, with its capacity, fill
 * order, gate and drop rules.
 */
@NullMarked
package io.headway.routing.moe;

import org.jspecify.annotations.NullMarked;
