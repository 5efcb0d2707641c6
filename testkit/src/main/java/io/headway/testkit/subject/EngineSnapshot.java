package io.headway.testkit.subject;

/**
 * What a scheduler says about itself: white box. Adds precision and earlier detection, never new
 * obligations.
 *
 * @param waiting requests that wait
 * @param running requests that run
 * @param live accepted requests that have not ended, and ended ones whose memory is still held
 * @param freeBlocks blocks that an allocation could take, cached ones included
 * @param totalBlocks blocks that requests can use
 * @param accepted requests accepted so far
 * @param ended requests ended so far
 */
public record EngineSnapshot(
    int waiting,
    int running,
    int live,
    int freeBlocks,
    int totalBlocks,
    long accepted,
    long ended) {}
