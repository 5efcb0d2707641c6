package io.headway.testkit.vectors;

import java.util.List;

/**
 * The vectors of one file.
 *
 * @param name the suite's name, such as {@code moe-routing}
 * @param origin where it was read from, for messages
 * @param vectors the vectors in file order
 */
public record VectorSuite(String name, String origin, List<ConformanceVector> vectors) {
  /** Copies the list. */
  public VectorSuite {
    vectors = List.copyOf(vectors);
  }
}
