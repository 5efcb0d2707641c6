package io.headway.testkit.vectors;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@code headway-vectors/1} files into plain trees; no type named in a file is ever
 * instantiated.
 *
 * <p>Every complaint is a {@link VectorFormatException} of one line with file and vector id. A file
 * may have at most {@value #MAX_FILE_BYTES} bytes, {@value #MAX_VECTORS} vectors, {@value
 * #MAX_DEPTH} levels of nesting and {@value #MAX_STRING_CHARACTERS} characters in a string.
 */
public final class VectorReader {
  /** The only format this reader knows. */
  public static final String FORMAT = "headway-vectors/1";

  /** Most bytes of one file. */
  public static final int MAX_FILE_BYTES = 64 << 20;

  /** Most vectors of one file. */
  public static final int MAX_VECTORS = 100_000;

  /** Deepest nesting of arrays and objects. */
  public static final int MAX_DEPTH = 64;

  /** Longest string or name. */
  public static final int MAX_STRING_CHARACTERS = 1 << 20;

  /** Most files read from one folder. */
  public static final int MAX_FILES = 1_000;

  private static final List<String> BUNDLED =
      List.of("batching", "cluster", "memory", "moe-routing", "predictors", "speculation");

  private static final ObjectReader READER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxDocumentLength(MAX_FILE_BYTES)
                          .maxNestingDepth(MAX_DEPTH)
                          .maxStringLength(MAX_STRING_CHARACTERS)
                          .maxNameLength(MAX_STRING_CHARACTERS)
                          .maxNumberLength(400)
                          .build())
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build()
          .readerFor(JsonNode.class);

  private VectorReader() {}

  /**
   * Returns the names of the suites that come with this library.
   *
   * @return the names in ascending order
   */
  public static List<String> bundledNames() {
    return BUNDLED;
  }

  /**
   * Reads one suite that comes with this library.
   *
   * @param name one of {@link #bundledNames()}
   * @return the suite
   * @throws IllegalArgumentException if no such suite is bundled
   * @throws VectorFormatException if the bundled file is damaged
   */
  public static VectorSuite bundled(String name) {
    if (!BUNDLED.contains(name)) {
      throw new IllegalArgumentException(
          "suite must be one of " + BUNDLED + ", but was '" + name + "'");
    }
    String origin = name + ".json";
    try (InputStream in = VectorReader.class.getResourceAsStream(origin)) {
      if (in == null) {
        throw new VectorFormatException(origin + ": the bundled suite is missing from the archive");
      }
      return parse(READER.readTree(in), origin, null);
    } catch (IOException e) {
      throw new VectorFormatException(origin + ": " + reason(e), e);
    }
  }

  /**
   * Reads one file, or every {@code *.json} file directly inside a folder in order of name.
   *
   * @param path a file or a folder
   * @return the suites, at least one
   * @throws VectorFormatException if the path, or anything in a file, cannot be read
   */
  public static List<VectorSuite> read(Path path) {
    if (!Files.isDirectory(path)) {
      return List.of(readFile(path));
    }
    List<Path> files;
    try (Stream<Path> entries = Files.list(path)) {
      files =
          entries
              .filter(file -> file.toString().endsWith(".json") && Files.isRegularFile(file))
              .limit(MAX_FILES + 1L)
              .sorted()
              .toList();
    } catch (IOException e) {
      throw new VectorFormatException(path + ": the folder cannot be listed: " + reason(e), e);
    }
    if (files.isEmpty()) {
      throw new VectorFormatException(path + ": the folder has no *.json file");
    }
    if (files.size() > MAX_FILES) {
      throw new VectorFormatException(
          path + ": the folder has more than " + MAX_FILES + " *.json files");
    }
    List<VectorSuite> suites = new ArrayList<>();
    for (Path file : files) {
      suites.add(readFile(file));
    }
    return suites;
  }

  private static VectorSuite readFile(Path file) {
    try {
      if (!Files.isRegularFile(file)) {
        throw new VectorFormatException(file + ": no such file");
      }
      long bytes = Files.size(file);
      if (bytes > MAX_FILE_BYTES) {
        throw new VectorFormatException(
            file + ": a file may have at most " + MAX_FILE_BYTES + " bytes, but has " + bytes);
      }
      try (InputStream in = Files.newInputStream(file)) {
        return parse(READER.readTree(in), file.toString(), file);
      }
    } catch (IOException e) {
      throw new VectorFormatException(file + ": " + reason(e), e);
    }
  }

  private static VectorSuite parse(JsonNode root, String origin, @Nullable Path file) {
    if (!root.isObject()) {
      throw new VectorFormatException(origin + ": the file must hold one JSON object");
    }
    String format = text(root, "format", origin);
    if (!format.equals(FORMAT)) {
      throw new VectorFormatException(
          origin + ": format must be \"" + FORMAT + "\", but was \"" + shorten(format) + "\"");
    }
    String suite = text(root, "suite", origin);
    JsonNode list = root.path("vectors");
    if (!list.isArray()) {
      throw new VectorFormatException(origin + ": vectors must be an array");
    }
    if (list.size() > MAX_VECTORS) {
      throw new VectorFormatException(
          origin + ": a file may have at most " + MAX_VECTORS + " vectors, but has " + list.size());
    }
    List<ConformanceVector> vectors = new ArrayList<>(list.size());
    Set<String> ids = new HashSet<>();
    for (int i = 0; i < list.size(); i++) {
      ConformanceVector vector = vector(suite, list.get(i), origin + ": vectors[" + i + "]", file);
      if (!ids.add(vector.id())) {
        throw new VectorFormatException(origin + ": id \"" + vector.id() + "\" occurs twice");
      }
      vectors.add(vector);
    }
    return new VectorSuite(suite, origin, vectors);
  }

  private static ConformanceVector vector(
      String suite, JsonNode node, String place, @Nullable Path file) {
    if (!node.isObject()) {
      throw new VectorFormatException(place + " must be an object");
    }
    String id = text(node, "id", place);
    String where = place + " (" + id + ")";
    JsonNode tolerance = object(node, "tolerance", where);
    return new ConformanceVector(
        suite,
        id,
        text(node, "kind", where),
        text(node, "algorithm", where),
        text(node, "sheet", where),
        object(node, "params", where),
        object(node, "input", where),
        object(node, "expect", where),
        tolerance(tolerance, "abs", where),
        tolerance(tolerance, "rel", where),
        file);
  }

  private static String text(JsonNode node, String field, String where) {
    JsonNode value = node.path(field);
    if (!value.isTextual() || value.asText().isEmpty()) {
      throw new VectorFormatException(where + ": " + field + " must be a non-empty string");
    }
    return value.asText();
  }

  private static JsonNode object(JsonNode node, String field, String where) {
    JsonNode value = node.path(field);
    if (!value.isObject()) {
      throw new VectorFormatException(where + ": " + field + " must be an object");
    }
    return value;
  }

  private static double tolerance(JsonNode node, String field, String where) {
    JsonNode value = node.path(field);
    double number = value.asDouble(Double.NaN);
    if (!value.isNumber() || !(number >= 0) || Double.isInfinite(number)) {
      throw new VectorFormatException(
          where + ": tolerance." + field + " must be a number of at least 0");
    }
    return number;
  }

  private static String reason(IOException e) {
    if (e instanceof JsonProcessingException json) {
      String message = shorten(json.getOriginalMessage().replaceAll("\\s+", " "));
      return json.getLocation() == null
          ? message
          : "line "
              + json.getLocation().getLineNr()
              + ", column "
              + json.getLocation().getColumnNr()
              + ": "
              + message;
    }
    String message = e.getMessage();
    return message == null ? e.getClass().getSimpleName() : shorten(message);
  }

  private static String shorten(String text) {
    return text.length() <= 200 ? text : text.substring(0, 200) + "...";
  }
}
