package io.headway.simulator.report;

import static java.util.Objects.requireNonNull;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Set;

/**
 * Writes a report as a folder: {@code index.html}, {@code report.json}, {@code summary.csv} and, if
 * asked for, {@code requests.csv}.
 *
 * <p>The folder appears as a whole or not at all: everything is written beside it under a temporary
 * name and moved there at the end. An existing folder is replaced only if all it holds is an
 * earlier report.
 */
public final class ReportFolder {
  private static final String REQUESTS = "requests.csv";
  private static final Set<String> FILES =
      Set.of("index.html", "report.json", "summary.csv", REQUESTS);
  private static final int MAX_ATTEMPTS = 100;

  private ReportFolder() {}

  /**
   * Writes a report.
   *
   * @param report what to write
   * @param folder the folder to make or to replace; missing parents are made
   * @param requests whether to write {@code requests.csv}, one line per request
   * @return the folder's real path
   * @throws IOException if the folder holds anything but a report, or if writing fails; what was
   *     there before is then still there
   */
  public static Path write(Report report, Path folder, boolean requests) throws IOException {
    return write(
        folder,
        fresh -> {
          file(fresh, "index.html", out -> HtmlReport.write(report, out));
          file(fresh, "report.json", out -> JsonReport.write(report, out));
          file(fresh, "summary.csv", out -> CsvReport.writeSummary(report, out));
          if (requests) {
            file(fresh, REQUESTS, out -> CsvReport.writeRequests(report, out));
          }
        });
  }

  /**
   * Checks that a report can be written to a folder, so that nobody waits for results that have no
   * place to go. Changes nothing.
   *
   * @param folder the folder to make or to replace
   * @throws IOException if {@link #write} would refuse the folder
   */
  public static void requireWritable(Path folder) throws IOException {
    Path target = target(folder);
    requireReplaceable(target);
    Path above = target.getParent();
    while (above != null && !Files.exists(above)) {
      above = above.getParent();
    }
    if (above != null && !(Files.isDirectory(above) && Files.isWritable(above))) {
      throw new IOException("no folder can be made in " + above);
    }
  }

  private static Path target(Path folder) throws IOException {
    Path absolute = folder.toAbsolutePath().normalize();
    Path target = Files.exists(absolute) ? absolute.toRealPath() : absolute;
    if (target.getParent() == null) {
      throw new IOException("the report cannot replace the root folder " + target);
    }
    return target;
  }

  /** Fills a new folder. */
  @FunctionalInterface
  interface Contents {
    void writeTo(Path folder) throws IOException;
  }

  /** Fills one file. */
  @FunctionalInterface
  interface Content {
    void writeTo(BufferedWriter out) throws IOException;
  }

  /** Writes one of the files that a report may have. */
  static void file(Path folder, String name, Content content) throws IOException {
    try (BufferedWriter out =
        Files.newBufferedWriter(folder.resolve(name), StandardCharsets.UTF_8)) {
      content.writeTo(out);
    }
  }

  /** Makes or replaces a folder of files that are written by {@link #file}. */
  static Path write(Path folder, Contents contents) throws IOException {
    Path target = target(folder);
    requireReplaceable(target);
    Files.createDirectories(requireNonNull(target.getParent(), "parent"));
    Path fresh = createBeside(target, "new");
    try {
      contents.writeTo(fresh);
      replace(target, fresh);
    } catch (IOException | RuntimeException e) {
      try {
        delete(fresh);
      } catch (IOException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e;
    }
    return target;
  }

  private static void replace(Path target, Path fresh) throws IOException {
    if (!Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
      Files.move(fresh, target, StandardCopyOption.ATOMIC_MOVE);
      return;
    }
    // A folder cannot be moved over another, so the old one steps aside first.
    Path old = createBeside(target, "old");
    Files.delete(old);
    Files.move(target, old, StandardCopyOption.ATOMIC_MOVE);
    try {
      Files.move(fresh, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      Files.move(old, target, StandardCopyOption.ATOMIC_MOVE);
      throw e;
    }
    delete(old);
  }

  private static void requireReplaceable(Path target) throws IOException {
    if (!Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    if (!Files.isDirectory(target)) {
      throw new IOException(target + " must be a folder to hold a report, but is a file");
    }
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(target)) {
      for (Path entry : entries) {
        boolean ours =
            FILES.contains(entry.getFileName().toString())
                && Files.isRegularFile(entry, LinkOption.NOFOLLOW_LINKS);
        if (!ours) {
          throw new IOException(
              target
                  + " must be empty or hold an earlier report only, but has "
                  + entry.getFileName()
                  + "; choose another folder");
        }
      }
    }
  }

  private static Path createBeside(Path target, String purpose) throws IOException {
    for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      Path candidate = target.resolveSibling("." + target.getFileName() + "." + purpose + attempt);
      try {
        return Files.createDirectory(candidate);
      } catch (FileAlreadyExistsException e) {
        // Left by a run that was killed, or in use by one beside this: the next name will do.
      } catch (IOException e) {
        throw new IOException("no folder can be made in " + candidate.getParent(), e);
      }
    }
    throw new IOException(
        "too many unfinished reports beside "
            + target
            + "; remove ."
            + target.getFileName()
            + ".*");
  }

  private static void delete(Path folder) throws IOException {
    if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    for (String name : FILES) {
      Files.deleteIfExists(folder.resolve(name));
    }
    Files.delete(folder);
  }
}
