/**
 * The trace: what a scheduler, a pool or a router did, as typed records that are read from and
 * written to the JSON Lines of the decision log.
 *
 * <p>A {@link io.headway.testkit.trace.TraceEvent} is one record. {@link
 * io.headway.testkit.trace.TraceReader} reads them from a file, line by line and with bounds on
 * everything, {@link io.headway.testkit.trace.TraceWriter} writes them, {@link
 * io.headway.testkit.trace.TraceRecorder} keeps them in memory and can be given to a scheduler as
 * its decision log. The records and their fields are described in {@code docs/trace-format.md} of
 * the project.
 */
@NullMarked
package io.headway.testkit.trace;

import org.jspecify.annotations.NullMarked;
