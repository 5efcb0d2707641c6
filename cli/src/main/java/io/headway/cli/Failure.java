package io.headway.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Objects;

/**
 * What the user is told about an exception that ended a command.
 *
 * @param exitCode the exit code of the process
 * @param message the error line, without the command's name
 */
record Failure(int exitCode, String message) {

  static Failure of(Throwable exception) {
    if (exception instanceof BadInputException) {
      return new Failure(Main.BAD_INPUT, messageOf(exception));
    }
    if (exception instanceof UncheckedIOException unchecked) {
      return new Failure(Main.BAD_INPUT, describe(Objects.requireNonNull(unchecked.getCause())));
    }
    if (exception instanceof IOException io) {
      return new Failure(Main.BAD_INPUT, describe(io));
    }
    return new Failure(Main.DEFECT, defect(exception));
  }

  private static String describe(IOException exception) {
    if (exception instanceof NoSuchFileException missing) {
      return "no such file or directory: " + missing.getFile();
    }
    if (exception instanceof AccessDeniedException denied) {
      return "permission denied: " + denied.getFile();
    }
    if (exception instanceof FileAlreadyExistsException existing) {
      return "already exists: " + existing.getFile();
    }
    return "input or output failed: " + messageOf(exception);
  }

  private static String defect(Throwable exception) {
    if (exception instanceof OutOfMemoryError) {
      return "out of memory ("
          + (Runtime.getRuntime().maxMemory() >> 20)
          + " MiB heap); give more with JAVA_TOOL_OPTIONS=-Xmx8g";
    }
    String what = "defect: " + exception.getClass().getSimpleName() + ": " + messageOf(exception);
    try {
      Path trace = Files.createTempFile("headway-defect-", ".txt");
      try (PrintWriter writer =
          new PrintWriter(Files.newBufferedWriter(trace, StandardCharsets.UTF_8))) {
        exception.printStackTrace(writer);
      }
      return what + " (stack trace in " + trace + ")";
    } catch (IOException e) {
      return what + " (run it with --debug for the stack trace)";
    }
  }

  /** Returns the message of an exception, or its type where it has none. */
  static String messageOf(Throwable exception) {
    String message = exception.getMessage();
    return message == null ? exception.getClass().getSimpleName() : message;
  }
}
