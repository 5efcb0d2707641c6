/**
 * What a comparison found, for people and programs: a table on the console, JSON, CSV and one
 * self-contained HTML page. All but the real cost of policies is reproducible to the byte.
 */
@NullMarked
package io.headway.simulator.report;

import org.jspecify.annotations.NullMarked;
