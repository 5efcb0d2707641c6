package io.headway.cli;

import io.headway.simulator.report.ReportFolder;
import java.io.IOException;
import java.nio.file.Path;

/** Where commands write reports. */
final class Output {
  private Output() {}

  /** Refuses a folder for a report before anything is computed for it. */
  static void requireWritable(Path out) {
    try {
      ReportFolder.requireWritable(out);
    } catch (IOException e) {
      throw new BadInputException("--out " + out + ": " + Failure.messageOf(e), e);
    }
  }
}
