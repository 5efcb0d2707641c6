/** The event queue of the discrete-event simulation, deterministic down to its ties. */
@NullMarked
package io.headway.simulator.event;

import org.jspecify.annotations.NullMarked;
