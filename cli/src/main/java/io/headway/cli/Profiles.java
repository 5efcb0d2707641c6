package io.headway.cli;

import io.headway.executor.profile.IterationProfile;
import io.headway.executor.profile.ProfileFile;
import java.io.IOException;
import java.nio.file.Path;

/** Reads the profile that {@code --profile} names. */
final class Profiles {
  private Profiles() {}

  static IterationProfile read(Path file) throws IOException {
    try {
      return ProfileFile.read(file);
    } catch (ProfileFile.ProfileException e) {
      throw new BadInputException("--profile " + Failure.messageOf(e), e);
    }
  }
}
