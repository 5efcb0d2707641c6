package io.headway.testkit.scenario;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Map;

/**
 * Reads and writes scenarios as JSON: one object with {@code v} (the version of the schema), {@code
 * domain}, {@code seed}, {@code config} and {@code events}. A number that has its simplest value is
 * left out. Files are bounded in size, depth and events; what is unknown or out of range is refused
 * with its place.
 *
 * <pre>{@code
 * {"v":1,"domain":"engine","seed":0,
 *  "config":{"blocks":4,"blockTokens":4},
 *  "events":[
 *   {"do":"submit","prompt":5,"maxNew":8},
 *   {"do":"decide"}]}
 * }</pre>
 */
public final class ScenarioJson {
  /** Version of the schema. */
  public static final int VERSION = 1;

  /** Longest file, in bytes. */
  public static final int MAX_BYTES = 1 << 20;

  private static final int MAX_DEPTH = 8;
  private static final ObjectMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(MAX_DEPTH)
                          .maxStringLength(1_024)
                          .maxNumberLength(64)
                          .maxDocumentLength(MAX_BYTES)
                          .build())
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private ScenarioJson() {}

  /**
   * Writes a scenario.
   *
   * @param scenario the scenario
   * @return JSON text, one event per line, ending with a line end
   */
  public static String write(Scenario scenario) {
    StringBuilder json = new StringBuilder(256);
    json.append("{\"v\":").append(VERSION);
    json.append(",\"domain\":\"").append(scenario.vocabulary().domain());
    json.append("\",\"seed\":").append(scenario.seed()).append(",\n \"config\":{");
    String comma = "";
    int i = 0;
    for (Field field : scenario.vocabulary().config()) {
      long value = scenario.configValue(i++);
      if (value != field.simplest()) {
        json.append(comma).append('"').append(field.name()).append("\":").append(value);
        comma = ",";
      }
    }
    json.append("},\n \"events\":[");
    comma = "";
    for (Event event : scenario.events()) {
      json.append(comma).append("\n  {\"do\":\"").append(event.type().name()).append('"');
      int f = 0;
      for (Field field : event.type().fields()) {
        long value = event.value(f++);
        if (value != field.simplest()) {
          json.append(",\"").append(field.name()).append("\":").append(value);
        }
      }
      json.append('}');
      comma = ",";
    }
    return json.append("]}\n").toString();
  }

  /**
   * Reads a scenario.
   *
   * @param file a file of at most {@value #MAX_BYTES} bytes
   * @param vocabulary what it must consist of
   * @return the scenario
   * @throws ScenarioFormatException if it is no such scenario, naming the file and the place
   * @throws UncheckedIOException if it cannot be read
   */
  public static Scenario read(Path file, Vocabulary vocabulary) {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(MAX_BYTES + 1);
      if (bytes.length > MAX_BYTES) {
        throw new ScenarioFormatException(
            file + ": a scenario file must have at most " + MAX_BYTES + " bytes, but has more");
      }
      return read(new String(bytes, StandardCharsets.UTF_8), file.toString(), vocabulary);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read scenario " + file, e);
    }
  }

  /**
   * Reads a scenario.
   *
   * @param json JSON text
   * @param source where it comes from, for messages
   * @param vocabulary what it must consist of
   * @return the scenario
   * @throws ScenarioFormatException if it is no such scenario, naming the source and the place
   */
  public static Scenario read(String json, String source, Vocabulary vocabulary) {
    JsonNode root;
    try {
      root = JSON.readTree(json);
    } catch (JsonProcessingException e) {
      throw new ScenarioFormatException(source + ": " + e.getOriginalMessage());
    }
    return new Reader(source, vocabulary).scenario(root);
  }

  /**
   * Reads only which domain a scenario file is of.
   *
   * @param file a file of at most {@value #MAX_BYTES} bytes
   * @return the domain
   * @throws ScenarioFormatException if it does not say
   * @throws UncheckedIOException if it cannot be read
   */
  public static String domain(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      JsonNode domain = JSON.readTree(in.readNBytes(MAX_BYTES)).path("domain");
      if (!domain.isTextual()) {
        throw new ScenarioFormatException(file + ": domain must be a text, but was " + domain);
      }
      return domain.textValue();
    } catch (JsonProcessingException e) {
      throw new ScenarioFormatException(file + ": " + e.getOriginalMessage());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read scenario " + file, e);
    }
  }

  private record Reader(String source, Vocabulary vocabulary) {
    Scenario scenario(JsonNode root) {
      object(root, "the file");
      only(root, "the file", "v", "domain", "seed", "config", "events");
      long version = integer(root.path("v"), "v");
      if (version != VERSION) {
        throw refused("v", "be " + VERSION, version);
      }
      String domain = root.path("domain").asText();
      if (!domain.equals(vocabulary.domain())) {
        throw refused("domain", "be '" + vocabulary.domain() + "'", "'" + domain + "'");
      }
      Scenario.Builder scenario =
          vocabulary.scenario(root.has("seed") ? integer(root.get("seed"), "seed") : 0);
      if (root.has("config")) {
        config(root.get("config"), scenario);
      }
      JsonNode events = root.path("events");
      if (!events.isArray() || events.size() > Scenario.MAX_EVENTS) {
        throw refused("events", "be a list of at most " + Scenario.MAX_EVENTS, summary(events));
      }
      for (int i = 0; i < events.size(); i++) {
        scenario.add(event(events.get(i), "events[" + i + "]"));
      }
      return scenario.build();
    }

    private void config(JsonNode node, Scenario.Builder scenario) {
      object(node, "config");
      for (Map.Entry<String, JsonNode> entry : node.properties()) {
        String place = "config." + entry.getKey();
        Field field = field(vocabulary.config(), entry.getKey(), place);
        scenario.set(field, value(entry.getValue(), field, place));
      }
    }

    private Event event(JsonNode node, String place) {
      object(node, place);
      String name = node.path("do").asText();
      EventType type = null;
      for (EventType known : vocabulary.events()) {
        if (known.name().equals(name)) {
          type = known;
        }
      }
      if (type == null) {
        throw refused(
            place + ".do",
            "be one of " + vocabulary.events().stream().map(EventType::name).toList(),
            "'" + name + "'");
      }
      Event event = type.with();
      for (Map.Entry<String, JsonNode> entry : node.properties()) {
        if (!entry.getKey().equals("do")) {
          String at = place + "." + entry.getKey();
          Field field = field(type.fields(), entry.getKey(), at);
          event = event.with(field, value(entry.getValue(), field, at));
        }
      }
      return event;
    }

    private Field field(Iterable<Field> fields, String name, String place) {
      for (Field field : fields) {
        if (field.name().equals(name)) {
          return field;
        }
      }
      throw new ScenarioFormatException(source + ": " + place + " is unknown");
    }

    private long value(JsonNode node, Field field, String place) {
      long value = integer(node, place);
      if (value < field.min() || value > field.max()) {
        throw refused(place, "be from " + field.min() + " to " + field.max(), value);
      }
      return value;
    }

    private long integer(JsonNode node, String place) {
      if (!node.isIntegralNumber() || !node.canConvertToLong()) {
        throw refused(place, "be a whole number of 64 bits", summary(node));
      }
      return node.longValue();
    }

    private void object(JsonNode node, String place) {
      if (!node.isObject()) {
        throw refused(place, "be an object", summary(node));
      }
    }

    private void only(JsonNode node, String place, String... names) {
      Iterator<String> given = node.fieldNames();
      while (given.hasNext()) {
        String name = given.next();
        boolean known = false;
        for (String legal : names) {
          known |= legal.equals(name);
        }
        if (!known) {
          throw new ScenarioFormatException(
              source + ": field '" + name + "' of " + place + " is unknown");
        }
      }
    }

    private ScenarioFormatException refused(String place, String rule, Object value) {
      return new ScenarioFormatException(
          source + ": " + place + " must " + rule + ", but was " + value);
    }

    private static String summary(JsonNode node) {
      return switch (node.getNodeType()) {
        case ARRAY -> "a list of " + node.size();
        case OBJECT -> "an object";
        case MISSING -> "missing";
        default -> node.toString().length() > 40 ? "a long value" : node.toString();
      };
    }
  }
}
