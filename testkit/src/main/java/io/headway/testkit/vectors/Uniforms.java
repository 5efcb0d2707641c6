package io.headway.testkit.vectors;

import com.fasterxml.jackson.databind.JsonNode;
import io.headway.api.RandomSource;

/** The draws that a vector gives, in order. */
final class Uniforms implements RandomSource {
  private final double[] draws;
  private int consumed;

  private Uniforms(double[] draws) {
    this.draws = draws;
  }

  /** Reads {@code uniforms} of an input; none if it has no such field. */
  static Uniforms of(JsonNode input) {
    return new Uniforms(
        input.has("uniforms") ? JsonFields.doublesOf(input, "uniforms") : new double[0]);
  }

  int consumed() {
    return consumed;
  }

  @Override
  public double nextDouble() {
    if (consumed == draws.length) {
      throw new IllegalStateException(
          "the vector gives " + draws.length + " draws, one more asked");
    }
    return draws[consumed++];
  }

  @Override
  public long nextLong() {
    throw new IllegalStateException("the vectors give uniform numbers, not bits");
  }
}
