/**
 * Scenarios as data: a configuration and a list of events whose targets are symbolic, so that a
 * scenario can be stored as JSON, sent to somebody else, replayed and shrunk without any test
 * engine.
 *
 * <p>{@link io.headway.testkit.scenario.Vocabulary} says what scenarios of one domain consist of,
 * {@link io.headway.testkit.scenario.ScenarioContract} draws and runs them, {@link
 * io.headway.testkit.scenario.Campaign} looks for one that breaks a rule, {@link
 * io.headway.testkit.scenario.Minimiser} makes it small and {@link
 * io.headway.testkit.scenario.FailureReport} prints it.
 */
@NullMarked
package io.headway.testkit.scenario;

import org.jspecify.annotations.NullMarked;
