package io.headway.executor.weights;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * The header of one safetensors file, read token by token, so that what is kept of a damaged one is
 * bounded by the number of tensors. As in the reference implementation, the tensors cover the bytes
 * behind the header without overlap or gap.
 */
final class SafetensorsHeader {
  /** Most tensors of a model. */
  static final int MAX_TENSORS = 1 << 17;

  /** Most JSON tokens of metadata and unknown fields. */
  private static final int MAX_SKIPPED = 1 << 20;

  private static final int MAX_DIMENSIONS = 8;

  private final Path file;
  private final FileChannel channel;
  private final long dataAt;
  private final long dataBytes;
  private final JsonParser json;
  private final List<Extent> extents = new ArrayList<>();
  private int skipped;

  /** The bytes of a tensor, behind the header. */
  private record Extent(String tensor, long begin, long end) {}

  SafetensorsHeader(Path file, FileChannel channel, long dataAt, long size, JsonParser json) {
    this.file = file;
    this.channel = channel;
    this.dataAt = dataAt;
    dataBytes = size - dataAt;
    this.json = json;
  }

  void read(Map<String, FileTensor> into) throws IOException {
    if (json.nextToken() != JsonToken.START_OBJECT) {
      throw wrong("the header must be a JSON object of tensors");
    }
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String name = json.currentName();
      json.nextToken();
      if (name.equals("__metadata__")) {
        skip();
        continue;
      }
      if (into.size() == MAX_TENSORS) {
        throw wrong("must have at most " + MAX_TENSORS + " tensors");
      }
      if (into.put(name, tensor(name)) != null) {
        throw wrong("tensor " + name + " stands in another file, too");
      }
    }
    if (json.nextToken() != null) {
      throw wrong("nothing may follow the JSON object of the header");
    }
    requireCovered();
  }

  private FileTensor tensor(String name) throws IOException {
    if (json.currentToken() != JsonToken.START_OBJECT) {
      throw wrong("tensor " + name + ": must be a JSON object");
    }
    String dtype = "";
    List<Long> shape = null;
    List<Long> offsets = null;
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      json.nextToken();
      switch (field) {
        case "dtype" -> dtype = json.getValueAsString("");
        case "shape" -> shape = numbers(name, field, MAX_DIMENSIONS);
        case "data_offsets" -> offsets = numbers(name, field, 2);
        default -> skip();
      }
    }
    ElementType type =
        switch (dtype) {
          case "F32" -> ElementType.F32;
          case "F16" -> ElementType.F16;
          case "BF16" -> ElementType.BF16;
          default ->
              throw wrong(
                  "tensor "
                      + name
                      + ": dtype '"
                      + dtype
                      + "' is not supported; supported formats: "
                      + ElementType.SUPPORTED);
        };
    if (shape == null || offsets == null || offsets.size() != 2) {
      throw wrong("tensor " + name + ": must have a dtype, a shape and two data_offsets");
    }
    return tensor(name, type, shape, offsets.get(0), offsets.get(1));
  }

  private FileTensor tensor(String name, ElementType type, List<Long> shape, long begin, long end) {
    long elements = 1;
    for (long dimension : shape) {
      if (dimension > 0 && elements > dataBytes / dimension) {
        throw wrong(
            "tensor "
                + name
                + ": shape "
                + shape
                + " does not fit the "
                + dataBytes
                + " bytes behind the header");
      }
      elements *= dimension;
    }
    if (end < begin || end > dataBytes) {
      throw wrong(
          "tensor "
              + name
              + ": data_offsets must lie within the "
              + dataBytes
              + " bytes behind the header, but are ["
              + begin
              + ", "
              + end
              + "]; is the file complete?");
    }
    if (end - begin != type.bytes(elements)) {
      throw wrong(
          "tensor "
              + name
              + ": "
              + elements
              + " elements of "
              + type
              + " need "
              + type.bytes(elements)
              + " bytes, but data_offsets say "
              + (end - begin));
    }
    extents.add(new Extent(name, begin, end));
    long columns = shape.isEmpty() ? 1 : shape.get(shape.size() - 1);
    long rows = columns == 0 ? 0 : elements / columns;
    return new FileTensor(file, channel, dataAt + begin, type, rows, columns, 0);
  }

  /** Reads an array of whole numbers of at least 0. */
  private List<Long> numbers(String name, String field, int most) throws IOException {
    List<Long> numbers = new ArrayList<>();
    boolean right = json.currentToken() == JsonToken.START_ARRAY;
    while (right && json.nextToken() != JsonToken.END_ARRAY) {
      right =
          json.currentToken() == JsonToken.VALUE_NUMBER_INT
              && json.getNumberType() != JsonParser.NumberType.BIG_INTEGER
              && json.getLongValue() >= 0
              && numbers.size() < most;
      if (right) {
        numbers.add(json.getLongValue());
      }
    }
    if (!right) {
      throw wrong(
          "tensor "
              + name
              + ": "
              + field
              + " must be an array of at most "
              + most
              + " whole numbers of at least 0");
    }
    return numbers;
  }

  /** Leaves out the value at hand. */
  private void skip() throws IOException {
    int depth = 0;
    for (JsonToken token = json.currentToken(); ; token = json.nextToken()) {
      if (++skipped > MAX_SKIPPED) {
        throw wrong("metadata and unknown fields must have at most " + MAX_SKIPPED + " tokens");
      }
      depth += token.isStructStart() ? 1 : token.isStructEnd() ? -1 : 0;
      if (depth == 0) {
        return;
      }
    }
  }

  private void requireCovered() {
    extents.sort(Comparator.comparingLong(Extent::begin).thenComparingLong(Extent::end));
    Extent before = new Extent("", 0, 0);
    for (Extent extent : extents) {
      if (extent.begin() < before.end()) {
        throw wrong(
            "tensors must not overlap, but "
                + extent.tensor()
                + " begins at byte "
                + extent.begin()
                + ", and "
                + before.tensor()
                + " ends at "
                + before.end());
      }
      if (extent.begin() > before.end()) {
        throw wrong(
            "tensors must follow each other, but nothing is at byte "
                + before.end()
                + ", before "
                + extent.tensor());
      }
      before = extent;
    }
    if (before.end() != dataBytes) {
      throw wrong(
          "tensors must cover the "
              + dataBytes
              + " bytes behind the header, but the last one ends at "
              + before.end());
    }
  }

  private WeightFormatException wrong(String problem) {
    return new WeightFormatException(file, problem);
  }
}
