package io.headway.testkit.scenario;

/**
 * One line of a run, for reports.
 *
 * @param event position of the event that it belongs to; the number of events while draining
 * @param step decision
 * @param text what happened
 * @param running who runs afterwards
 * @param free what is free afterwards, empty if unknown
 * @param note what is worth saying about it, mostly empty
 */
public record Moment(int event, long step, String text, String running, String free, String note) {}
