package io.headway.simulator.workload;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.zip.GZIPInputStream;

/**
 * The trace formats that can be read. A new one is a {@link TraceReader}, a constant here and a
 * test.
 */
public enum TraceFormat {
  /** The Azure LLM inference traces, see {@link AzureTraceReader}. */
  AZURE,
  /** The Mooncake traces, see {@link MooncakeTraceReader}. */
  MOONCAKE,
  /** The BurstGPT traces, see {@link BurstGptTraceReader}. */
  BURSTGPT,
  /** The project's own CSV format, see {@link CsvTraceReader}. */
  CSV;

  /**
   * Returns the reader of this format.
   *
   * @return a thread-safe reader
   */
  public TraceReader reader() {
    return switch (this) {
      case AZURE -> new AzureTraceReader();
      case MOONCAKE -> new MooncakeTraceReader();
      case BURSTGPT -> new BurstGptTraceReader();
      case CSV -> new CsvTraceReader();
    };
  }

  /**
   * Reads a trace file, whose format is told by its first line. A file whose name ends in {@code
   * .gz} is decompressed; the size limits apply to the text that comes out.
   *
   * @param file the file
   * @param options treatment of irregular rows, and limits
   * @return the workload, named like the file without its extension
   * @throws IOException if the file cannot be read
   * @throws TraceFormatException if the file is no trace of a known format or passes a limit
   */
  public static Workload read(Path file, TraceOptions options) throws IOException {
    return detect(file).read(file, options, file.toString());
  }

  /**
   * Reads a trace file of this format, whatever its first line looks like.
   *
   * @param file the file
   * @param options treatment of irregular rows, and limits
   * @return the workload, named like the file without its extension
   * @throws IOException if the file cannot be read
   * @throws TraceFormatException if the file is no trace of this format or passes a limit
   */
  public Workload readFile(Path file, TraceOptions options) throws IOException {
    return read(file, options, file.toString());
  }

  /**
   * Tells the format of a trace file by its first line.
   *
   * @param file the file
   * @return its format
   * @throws IOException if the file cannot be read
   * @throws TraceFormatException if the first line belongs to no known format
   */
  public static TraceFormat detect(Path file) throws IOException {
    try (InputStream in = open(file)) {
      TraceLines lines = new TraceLines(file.toString(), in, TraceOptions.DEFAULTS);
      String first = lines.next();
      if (first == null) {
        throw lines.problem("the trace must have at least one line, but is empty");
      }
      if (first.stripLeading().startsWith("{")) {
        return MOONCAKE;
      }
      if (first.contains("ContextTokens")) {
        return AZURE;
      }
      if (first.contains("Request tokens")) {
        return BURSTGPT;
      }
      if (first.contains("prompt_tokens")) {
        return CSV;
      }
      throw lines.problem(
          "the first line must be a JSON object (Mooncake) or one of the headers "
              + AzureTraceReader.HEADER
              + " (Azure), "
              + BurstGptTraceReader.HEADER
              + " (BurstGPT), "
              + CsvTraceReader.HEADER
              + " (CSV), but was "
              + TraceRows.quote(first));
    }
  }

  private Workload read(Path file, TraceOptions options, String source) throws IOException {
    try (InputStream in = open(file)) {
      return reader().read(source, in, options);
    }
  }

  private static InputStream open(Path file) throws IOException {
    InputStream in = Files.newInputStream(file);
    if (!file.toString().toLowerCase(Locale.ROOT).endsWith(".gz")) {
      return in;
    }
    try {
      return new GZIPInputStream(new BufferedInputStream(in));
    } catch (IOException e) {
      in.close();
      throw e;
    }
  }

  /** The name of a workload: the file's, without folders and extensions of traces. */
  static String nameOf(String source) {
    int slash = Math.max(source.lastIndexOf('/'), source.lastIndexOf('\\'));
    String name = source.substring(slash + 1);
    for (String extension : new String[] {".gz", ".csv", ".jsonl", ".json"}) {
      if (name.length() > extension.length() && name.toLowerCase(Locale.ROOT).endsWith(extension)) {
        name = name.substring(0, name.length() - extension.length());
      }
    }
    return name;
  }
}
