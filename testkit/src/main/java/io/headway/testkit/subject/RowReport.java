package io.headway.testkit.subject;

import java.util.List;

/**
 * What the executor reports about one row.
 *
 * @param id the request
 * @param tokens tokens sampled: none for a part of a prompt or an empty verification, else the
 *     accepted drafts and one more
 * @param stopped whether the last of them ends the request
 * @param failed whether the row failed, so that its KV cannot be trusted
 */
public record RowReport(String id, List<Integer> tokens, boolean stopped, boolean failed) {
  /** Copies the list. */
  public RowReport {
    tokens = List.copyOf(tokens);
  }
}
