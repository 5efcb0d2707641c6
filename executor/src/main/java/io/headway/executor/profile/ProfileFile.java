package io.headway.executor.profile;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.headway.api.model.DecoderShape;
import io.headway.executor.Precision;
import io.headway.predictors.iteration.ProfiledIterationTime;
import io.headway.predictors.iteration.ProfiledIterationTime.Accuracy;
import io.headway.predictors.iteration.ProfiledIterationTime.Part;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/**
 * Writes and reads {@link IterationProfile}s as JSON. Reading is strict: bounded in size and depth,
 * every field there, of its type and in its range, and none besides.
 */
public final class ProfileFile {
  /** What the field {@code schema} of a file must say. */
  public static final String SCHEMA = "headway-iteration-profile/1";

  private static final long MAX_BYTES = 64 << 10;
  private static final int MAX_DEPTH = 8;
  private static final int MAX_STRING = 1_000;

  private static final List<String> FIELDS =
      List.of(
          "schema",
          "executor",
          "device",
          "model",
          "weights",
          "precision",
          "blockTokens",
          "threads",
          "clock",
          "measuredAt",
          "repetitions",
          "largest",
          "nanosPer",
          "fit",
          "heldOut");

  private static final List<String> MODEL_FIELDS =
      List.of(
          "name",
          "vocabularySize",
          "hiddenSize",
          "intermediateSize",
          "layers",
          "queryHeads",
          "kvHeads",
          "headDim",
          "maxPositions",
          "ropeTheta",
          "normEpsilon",
          "qkvBias",
          "tiedEmbeddings",
          "experts",
          "expertsPerToken");

  private static final List<String> ACCURACY_FIELDS =
      List.of("steps", "meanRelativeError", "p95RelativeError", "totalRelativeError");

  private final Path file;

  private ProfileFile(Path file) {
    this.file = file;
  }

  /** A profile that cannot be used: the message names file and field and what would be right. */
  public static final class ProfileException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ProfileException(Path file, String problem) {
      super(file + ": " + problem);
    }
  }

  /**
   * Writes a profile, whole or not at all.
   *
   * @param profile the profile
   * @param file where; replaced if it is there
   * @throws IOException if it cannot be written
   */
  public static void write(IterationProfile profile, Path file) throws IOException {
    JsonMapper mapper = mapper();
    ObjectNode root = mapper.createObjectNode();
    root.put("schema", SCHEMA);
    root.put("executor", profile.executor());
    root.put("device", profile.device());
    DecoderShape model = profile.model();
    root.putObject("model")
        .put("name", model.name())
        .put("vocabularySize", model.vocabularySize())
        .put("hiddenSize", model.hiddenSize())
        .put("intermediateSize", model.intermediateSize())
        .put("layers", model.layers())
        .put("queryHeads", model.queryHeads())
        .put("kvHeads", model.kvHeads())
        .put("headDim", model.headDim())
        .put("maxPositions", model.maxPositions())
        .put("ropeTheta", model.ropeTheta())
        .put("normEpsilon", model.normEpsilon())
        .put("qkvBias", model.qkvBias())
        .put("tiedEmbeddings", model.tiedEmbeddings())
        .put("experts", model.experts())
        .put("expertsPerToken", model.expertsPerToken());
    root.put("weights", profile.weights());
    root.put("precision", profile.precision().name().toLowerCase(Locale.ROOT));
    root.put("blockTokens", profile.blockTokens());
    root.put("threads", profile.threads());
    root.put("clock", profile.clock());
    root.put("measuredAt", profile.measuredAt());
    root.put("repetitions", profile.repetitions());
    ObjectNode most = root.putObject("largest");
    ObjectNode nanosPer = root.putObject("nanosPer");
    for (Part part : Part.values()) {
      most.put(part.label(), profile.largest().get(part.index()));
      nanosPer.put(part.label(), profile.time().nanosPer(part));
    }
    put(root.putObject("fit"), profile.fit());
    put(root.putObject("heldOut"), profile.heldOut());
    String text = mapper.writerWithDefaultPrettyPrinter().writeValueAsString(root) + "\n";
    Path target = file.toAbsolutePath();
    // Readable as any new file is, which a temporary file of the library would not be.
    Path temporary =
        target.resolveSibling(
            "." + target.getFileName() + "." + ProcessHandle.current().pid() + ".tmp");
    try {
      Files.writeString(temporary, text, StandardCharsets.UTF_8);
      Files.move(temporary, target, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private static void put(ObjectNode into, Accuracy accuracy) {
    into.put("steps", accuracy.steps())
        .put("meanRelativeError", accuracy.meanRelativeError())
        .put("p95RelativeError", accuracy.p95RelativeError())
        .put("totalRelativeError", accuracy.totalRelativeError());
  }

  /**
   * Reads a profile.
   *
   * @param file a file that {@link #write} wrote, or one like it
   * @return the profile
   * @throws ProfileException if it is no such file; the message names the field
   * @throws IOException if it cannot be read
   */
  public static IterationProfile read(Path file) throws IOException {
    ProfileFile reader = new ProfileFile(file);
    long size = Files.size(file);
    if (size > MAX_BYTES) {
      throw reader.wrong("must have at most " + MAX_BYTES + " bytes, but has " + size);
    }
    try {
      JsonNode root = mapper().readTree(Files.readAllBytes(file));
      return reader.profile(root);
    } catch (JsonProcessingException e) {
      throw reader.wrong("is not valid JSON: " + e.getOriginalMessage());
    }
  }

  private IterationProfile profile(JsonNode root) {
    if (root == null || !root.isObject()) {
      throw wrong("must hold a JSON object");
    }
    // Told first, since the other fields depend on it.
    String schema = root.path("schema").asText("");
    if (!schema.equals(SCHEMA)) {
      throw wrong("schema must be '" + SCHEMA + "', but was '" + schema + "'");
    }
    requireFields("", root, FIELDS);
    double[] nanosPer = new double[Part.values().length];
    List<Long> largest = new ArrayList<>();
    List<String> labels = Arrays.stream(Part.values()).map(Part::label).toList();
    requireFields("nanosPer.", root.get("nanosPer"), labels);
    requireFields("largest.", root.get("largest"), labels);
    for (Part part : Part.values()) {
      String label = part.label();
      nanosPer[part.index()] = number("nanosPer." + label, root.get("nanosPer").get(label), 0);
      largest.add(whole("largest." + label, root.get("largest").get(label), 0));
    }
    ProfiledIterationTime time;
    try {
      time = new ProfiledIterationTime(nanosPer);
    } catch (IllegalArgumentException e) {
      throw wrong("nanosPer: " + e.getMessage());
    }
    return new IterationProfile(
        text("executor", root.get("executor")),
        text("device", root.get("device")),
        model(root.get("model")),
        text("weights", root.get("weights")),
        precision(root.get("precision")),
        integer("blockTokens", root.get("blockTokens"), 1),
        integer("threads", root.get("threads"), 1),
        text("clock", root.get("clock")),
        instant(root.get("measuredAt")),
        integer("repetitions", root.get("repetitions"), 1),
        largest,
        time,
        accuracy("fit", root.get("fit")),
        accuracy("heldOut", root.get("heldOut")));
  }

  private DecoderShape model(JsonNode node) {
    requireFields("model.", node, MODEL_FIELDS);
    try {
      return new DecoderShape(
          text("model.name", node.get("name")),
          modelInteger(node, "vocabularySize"),
          modelInteger(node, "hiddenSize"),
          modelInteger(node, "intermediateSize"),
          modelInteger(node, "layers"),
          modelInteger(node, "queryHeads"),
          modelInteger(node, "kvHeads"),
          modelInteger(node, "headDim"),
          modelInteger(node, "maxPositions"),
          number("model.ropeTheta", node.get("ropeTheta"), 0),
          number("model.normEpsilon", node.get("normEpsilon"), 0),
          flag("model.qkvBias", node.get("qkvBias")),
          flag("model.tiedEmbeddings", node.get("tiedEmbeddings")),
          modelInteger(node, "experts"),
          modelInteger(node, "expertsPerToken"));
    } catch (IllegalArgumentException e) {
      throw wrong("model: " + e.getMessage());
    }
  }

  private int modelInteger(JsonNode node, String field) {
    return integer("model." + field, node.get(field), 0);
  }

  private Accuracy accuracy(String name, JsonNode node) {
    requireFields(name + ".", node, ACCURACY_FIELDS);
    return new Accuracy(
        integer(name + ".steps", node.get("steps"), 1),
        number(name + ".meanRelativeError", node.get("meanRelativeError"), 0),
        number(name + ".p95RelativeError", node.get("p95RelativeError"), 0),
        number(name + ".totalRelativeError", node.get("totalRelativeError"), -1));
  }

  private Precision precision(JsonNode node) {
    String text = text("precision", node);
    for (Precision precision : Precision.values()) {
      if (precision.name().toLowerCase(Locale.ROOT).equals(text)) {
        return precision;
      }
    }
    throw wrong(
        "precision must be one of "
            + Arrays.toString(Precision.values()).toLowerCase(Locale.ROOT)
            + ", but was '"
            + text
            + "'");
  }

  private String instant(JsonNode node) {
    String text = text("measuredAt", node);
    try {
      return Instant.parse(text).toString();
    } catch (DateTimeException e) {
      throw wrong(
          "measuredAt must be an instant such as 2026-01-31T12:00:00Z, but was '" + text + "'");
    }
  }

  // ---- fields

  private void requireFields(String prefix, JsonNode node, List<String> fields) {
    if (!node.isObject()) {
      throw wrong(prefix.substring(0, prefix.length() - 1) + " must be an object");
    }
    for (String field : fields) {
      if (!node.has(field)) {
        throw wrong(prefix + field + " is missing");
      }
    }
    Set<String> names = new TreeSet<>();
    node.fieldNames().forEachRemaining(names::add);
    for (String name : names) {
      if (!fields.contains(name)) {
        throw wrong(prefix + name + " is no field of a profile; there are " + fields);
      }
    }
  }

  private String text(String name, JsonNode node) {
    if (!node.isTextual() || node.textValue().isBlank()) {
      throw wrong(name + " must be text, but was " + node);
    }
    return node.textValue();
  }

  private boolean flag(String name, JsonNode node) {
    if (!node.isBoolean()) {
      throw wrong(name + " must be true or false, but was " + node);
    }
    return node.booleanValue();
  }

  private long whole(String name, JsonNode node, long least) {
    if (!node.isIntegralNumber() || !node.canConvertToLong() || node.longValue() < least) {
      throw wrong(name + " must be a whole number of at least " + least + ", but was " + node);
    }
    return node.longValue();
  }

  private int integer(String name, JsonNode node, int least) {
    long value = whole(name, node, least);
    if (value > Integer.MAX_VALUE) {
      throw wrong(name + " must be at most " + Integer.MAX_VALUE + ", but was " + value);
    }
    return (int) value;
  }

  private double number(String name, JsonNode node, double least) {
    double value = node.isNumber() ? node.doubleValue() : Double.NaN;
    if (!(value >= least) || Double.isInfinite(value)) {
      throw wrong(name + " must be a finite number of at least " + least + ", but was " + node);
    }
    return value;
  }

  private ProfileException wrong(String problem) {
    String line = problem.replaceAll("\\p{Cntrl}", "?");
    return new ProfileException(
        file, line.length() <= MAX_STRING ? line : line.substring(0, MAX_STRING) + "...");
  }

  private static JsonMapper mapper() {
    return JsonMapper.builder(
            JsonFactory.builder()
                .streamReadConstraints(
                    StreamReadConstraints.builder()
                        .maxNestingDepth(MAX_DEPTH)
                        .maxStringLength(MAX_STRING)
                        .maxNumberLength(40)
                        .build())
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .build())
        .build();
  }
}
