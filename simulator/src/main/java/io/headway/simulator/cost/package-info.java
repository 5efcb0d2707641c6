/**
 * How long an iteration takes: a roofline model over named devices and model shapes, and the linear
 * models published with DistServe, Splitwise and Preble. They are the clock of the simulator and
 * estimates for routing policies; none of them is a measurement of the engine at hand.
 */
@NullMarked
package io.headway.simulator.cost;

import org.jspecify.annotations.NullMarked;
