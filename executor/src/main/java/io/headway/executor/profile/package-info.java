/**
 * Measures an executor and keeps what was measured: designed steps, a fitted model of iteration
 * time, and a file with its provenance that the simulator runs on.
 */
@NullMarked
package io.headway.executor.profile;

import org.jspecify.annotations.NullMarked;
