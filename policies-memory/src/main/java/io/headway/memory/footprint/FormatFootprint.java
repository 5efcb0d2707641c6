package io.headway.memory.footprint;

import static java.util.Objects.requireNonNull;

import io.headway.api.memory.KvFootprint;
import io.headway.api.memory.KvFormat;

/**
 * The bytes of a format in units: {@code ceil(bytes(n) / unitBytes)}.
 *
 * @param format bytes by length
 * @param unitBytes bytes per unit, at least 1
 */
public record FormatFootprint(KvFormat format, long unitBytes) implements KvFootprint {
  /**
   * Checks the components.
   *
   * @param format bytes by length
   * @param unitBytes bytes per unit
   * @throws IllegalArgumentException if {@code unitBytes} is below 1
   */
  public FormatFootprint {
    requireNonNull(format, "format");
    Checks.atLeast("unitBytes", unitBytes, 1, "byte");
  }

  @Override
  public int blocks(int lengthTokens) {
    Checks.atLeast("lengthTokens", lengthTokens, 0, "token");
    return units(format.bytes(lengthTokens));
  }

  @Override
  public int peakBlocks(int fromTokens, int toTokens) {
    return units(format.peakBytes(fromTokens, toTokens));
  }

  private int units(long bytes) {
    return Checks.toInt("units", bytes == 0 ? 0 : (bytes - 1) / unitBytes + 1);
  }
}
