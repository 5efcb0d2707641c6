package io.headway.testkit.subject;

/**
 * What a fair queue under test is built with. Limits are for queues that claim {@link
 * FairQueueFeature#LIMITS}.
 *
 * @param limitItems most items that wait in one flow; 0 for no limit
 * @param limitCost most that the items in one flow may cost together; 0 for no limit
 */
public record FairQueueConfig(int limitItems, int limitCost) {}
