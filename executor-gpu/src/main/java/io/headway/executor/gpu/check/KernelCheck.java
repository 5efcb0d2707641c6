package io.headway.executor.gpu.check;

/**
 * What one kernel was found to do.
 *
 * @param kernel its name
 * @param inputs what it was tried on
 * @param error largest difference from the reference, relative to the largest reference value; 0 or
 *     1 for exact results; NaN if an output is NaN or was not written
 * @param allowed the bound
 */
public record KernelCheck(String kernel, String inputs, double error, double allowed) {
  /**
   * Returns whether the kernel passed; NaN never does.
   *
   * @return true if the error is within the bound
   */
  public boolean passed() {
    return error <= allowed;
  }
}
