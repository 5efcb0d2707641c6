package io.headway.testkit.subject;

import io.headway.api.batching.End;

/**
 * The end of a request.
 *
 * @param id the request
 * @param end why
 */
public record Ended(String id, End end) {}
