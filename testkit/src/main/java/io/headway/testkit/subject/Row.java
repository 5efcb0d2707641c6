package io.headway.testkit.subject;

import static java.util.Objects.requireNonNull;

import io.headway.api.batching.WorkKind;

/**
 * What one request does in a decision.
 *
 * @param id the request
 * @param kind prefill, decode or verify
 * @param start position of the first token computed
 * @param count tokens computed; for a verify 1 + drafts
 * @param blocks block table, or empty if the scheduler has none; not to be changed
 * @param emission whether it yields a token
 */
@SuppressWarnings("ArrayRecordComponent") // Read on every position of every step.
public record Row(String id, WorkKind kind, int start, int count, int[] blocks, Emission emission) {
  /** Checks that nothing is null. */
  public Row {
    requireNonNull(id, "id");
    requireNonNull(kind, "kind");
    requireNonNull(blocks, "blocks");
    requireNonNull(emission, "emission");
  }

  /**
   * Makes a row of a scheduler without block tables: a decode if one token is computed, else a
   * prefill.
   *
   * @param id the request
   * @param start position of the first token computed
   * @param count tokens computed
   * @return the row
   */
  public static Row of(String id, int start, int count) {
    return of(id, start, count, new int[0]);
  }

  /**
   * Makes a row of a scheduler with block tables.
   *
   * @param id the request
   * @param start position of the first token computed
   * @param count tokens computed
   * @param blocks block table
   * @return the row
   */
  public static Row of(String id, int start, int count, int[] blocks) {
    WorkKind kind = count == 1 ? WorkKind.DECODE : WorkKind.PREFILL;
    return new Row(id, kind, start, count, blocks, Emission.WHEN_CAUGHT_UP);
  }

  /**
   * Returns how many drafts are verified.
   *
   * @return drafts, 0 unless this is a verify
   */
  public int drafts() {
    return kind == WorkKind.VERIFY ? count - 1 : 0;
  }
}
