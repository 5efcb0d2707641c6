package io.headway.executor.weights;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.headway.api.model.DecoderShape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Reads the {@code config.json} of a published model into a shape. */
final class ModelConfig {
  private static final long MAX_BYTES = 1 << 20;
  private static final int MAX_DEPTH = 16;
  private static final int MAX_STRING = 1 << 20;
  private static final List<String> SUPPORTED = List.of("llama", "mistral", "mixtral", "qwen2");

  private final Path file;
  private final JsonNode root;

  private ModelConfig(Path file, JsonNode root) {
    this.file = file;
    this.root = root;
  }

  /** A reader of untrusted JSON: bounded depth and strings, no duplicate names. */
  static JsonMapper mapper(int maxString) {
    return JsonMapper.builder(
            JsonFactory.builder()
                .streamReadConstraints(
                    StreamReadConstraints.builder()
                        .maxNestingDepth(MAX_DEPTH)
                        .maxStringLength(maxString)
                        .maxNumberLength(64)
                        .build())
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .build())
        .build();
  }

  /** Reads a small JSON file whole. */
  static JsonNode readJson(Path file, long maxBytes) {
    try {
      if (!Files.isRegularFile(file)) {
        throw new WeightFormatException(file, "no such file; a published model has one");
      }
      if (Files.size(file) > maxBytes) {
        throw new WeightFormatException(
            file, "must have at most " + maxBytes + " bytes, but has " + Files.size(file));
      }
      JsonNode root = mapper(MAX_STRING).readTree(Files.readAllBytes(file));
      if (root == null || !root.isObject()) {
        throw new WeightFormatException(file, "must hold a JSON object");
      }
      return root;
    } catch (JsonProcessingException e) {
      throw new WeightFormatException(file, "is not valid JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new WeightFormatException(file, "cannot be read: " + e, e);
    }
  }

  static DecoderShape read(Path file) {
    return new ModelConfig(file, readJson(file, MAX_BYTES)).shape();
  }

  private DecoderShape shape() {
    String type = root.path("model_type").asText("");
    if (!SUPPORTED.contains(type)) {
      throw wrong("model_type", "must be one of " + SUPPORTED + ", but was '" + type + "'");
    }
    refuseUnsupported(type);
    int hidden = integer("hidden_size", -1);
    int heads = integer("num_attention_heads", -1);
    boolean mixture = type.equals("mixtral");
    if (heads < 1) {
      throw wrong("num_attention_heads", "must be at least 1, but was " + heads);
    }
    try {
      return new DecoderShape(
          name(type),
          integer("vocab_size", -1),
          hidden,
          integer("intermediate_size", -1),
          integer("num_hidden_layers", -1),
          heads,
          integer("num_key_value_heads", heads),
          integer("head_dim", hidden / heads),
          integer("max_position_embeddings", 2048),
          number("rope_theta", root.path("rope_parameters").path("rope_theta").asDouble(1e4)),
          number("rms_norm_eps", 1e-6),
          type.equals("qwen2"),
          root.path("tie_word_embeddings").asBoolean(false),
          mixture ? integer("num_local_experts", 8) : 0,
          mixture ? integer("num_experts_per_tok", 2) : 0);
    } catch (IllegalArgumentException e) {
      throw new WeightFormatException(file, "describes no model: " + e.getMessage(), e);
    }
  }

  private void refuseUnsupported(String type) {
    String activation = root.path("hidden_act").asText("silu");
    if (!activation.equals("silu")) {
      throw wrong("hidden_act", "must be 'silu', but was '" + activation + "'");
    }
    for (String field : List.of("attention_bias", "mlp_bias")) {
      if (root.path(field).asBoolean(false)) {
        throw wrong(field, "must be false; of biases only those of " + "qwen2 are supported");
      }
    }
    for (String field : List.of("rope_scaling", "rope_parameters")) {
      JsonNode scaling = root.path(field);
      String kind = scaling.path("rope_type").asText(scaling.path("type").asText("default"));
      if (scaling.isObject() && !kind.equals("default")) {
        throw wrong(field, "must be absent or of type 'default', but was '" + kind + "'");
      }
    }
    boolean slides =
        root.path("sliding_window").isNumber()
            && (!type.equals("qwen2") || root.path("use_sliding_window").asBoolean(false));
    if (slides) {
      throw wrong("sliding_window", "must be null; sliding attention is not supported");
    }
    if (root.path("quantization_config").isObject()) {
      throw wrong(
          "quantization_config", "must be absent; supported formats: " + ElementType.SUPPORTED);
    }
  }

  private String name(String type) {
    Path folder = file.toAbsolutePath().normalize().getParent();
    Path last = folder == null ? null : folder.getFileName();
    return last == null ? type : last.toString();
  }

  private int integer(String field, int absent) {
    JsonNode node = root.path(field);
    if (node.isMissingNode() || node.isNull()) {
      if (absent < 0) {
        throw wrong(field, "is missing");
      }
      return absent;
    }
    if (!node.isIntegralNumber() || !node.canConvertToInt() || node.intValue() < 0) {
      throw wrong(field, "must be a whole number of at least 0, but was " + shown(node));
    }
    return node.intValue();
  }

  private double number(String field, double absent) {
    JsonNode node = root.path(field);
    if (node.isMissingNode() || node.isNull()) {
      return absent;
    }
    if (!node.isNumber()) {
      throw wrong(field, "must be a number, but was " + shown(node));
    }
    return node.doubleValue();
  }

  private WeightFormatException wrong(String field, String rule) {
    return new WeightFormatException(file, field + " " + rule);
  }

  private static String shown(JsonNode node) {
    String text = node.toString();
    return text.length() <= 60 ? text : text.substring(0, 60) + "...";
  }
}
