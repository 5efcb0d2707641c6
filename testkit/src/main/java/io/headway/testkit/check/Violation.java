package io.headway.testkit.check;

import io.headway.api.Invariant;
import java.util.List;

/**
 * A broken rule: where, and what it concerns.
 *
 * @param invariant the rule
 * @param line record that broke it, from 1
 * @param message what happened and what would have been right
 * @param requests requests concerned, the most important first
 * @param blocks blocks concerned
 */
public record Violation(
    Invariant invariant, long line, String message, List<String> requests, List<Long> blocks) {
  /** Copies the lists. */
  public Violation {
    requests = List.copyOf(requests);
    blocks = List.copyOf(blocks);
  }
}
