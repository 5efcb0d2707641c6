package io.headway.cli;

import io.headway.executor.profile.IterationProfile;
import io.headway.executor.profile.ProfileFile;
import io.headway.predictors.iteration.ProfiledIterationTime.Accuracy;
import io.headway.predictors.iteration.ProfiledIterationTime.Part;
import io.headway.predictors.iteration.ProfiledIterationTime.Step;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Reads the profile that {@code --profile} names, and prints one. */
final class Profiles {
  private Profiles() {}

  static IterationProfile read(Path file) throws IOException {
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      throw new BadInputException("--profile " + file + ": is no regular file");
    }
    try {
      return ProfileFile.read(file);
    } catch (ProfileFile.ProfileException e) {
      throw new BadInputException("--profile " + Failure.messageOf(e), e);
    }
  }

  /** The time that a profile taken now is given. */
  static String measuredNow() {
    return Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
  }

  static void print(IterationProfile profile, PrintWriter print) {
    print.println(profile.summary());
    for (Part part : Part.values()) {
      print.printf(Locale.ROOT, "  %-22s %14.1f ns%n", part.label(), profile.time().nanosPer(part));
    }
    line(print, "fitted", profile.fit());
    line(print, "held out", profile.heldOut());
  }

  /** Says how far a profile is off on the steps that were executed, and whether it knew such. */
  static void printExecuted(IterationProfile profile, List<Step> steps, PrintWriter print) {
    line(print, "executed", profile.time().accuracy(steps));
    List<Part> beyond = profile.beyond(steps);
    if (!beyond.isEmpty()) {
      print.println(
          "extrapolated: some executed steps have more than any measured one of "
              + beyond.stream().map(Part::label).collect(Collectors.joining(", ")));
    }
  }

  private static void line(PrintWriter print, String which, Accuracy accuracy) {
    print.printf(
        Locale.ROOT,
        "%-9s %5d steps: mean error %.1f %%, 95 %% of steps within %.1f %%, total off by %+.1f %%%n",
        which,
        accuracy.steps(),
        100 * accuracy.meanRelativeError(),
        100 * accuracy.p95RelativeError(),
        100 * accuracy.totalRelativeError());
  }
}
