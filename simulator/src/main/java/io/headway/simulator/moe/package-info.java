/** How long mixture-of-experts layers take under expert parallelism, and what imbalance costs. */
@NullMarked
package io.headway.simulator.moe;

import org.jspecify.annotations.NullMarked;
