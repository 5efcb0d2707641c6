package io.headway.executor.gpu.check;

/**
 * One kind of step, measured.
 *
 * @param name what the step was
 * @param millis median time by the device's clock
 * @param hostMicros median time the host took to enqueue it
 * @param work what it had to move and compute; zeros where it was not measured
 * @param note why it was not measured, empty if it was
 */
record StepTiming(String name, double millis, double hostMicros, Work work, String note) {
  static StepTiming skipped(String name, String why) {
    return new StepTiming(name, Double.NaN, Double.NaN, new Work(0, 0, 0), why);
  }

  boolean measured() {
    return note.isEmpty();
  }
}
