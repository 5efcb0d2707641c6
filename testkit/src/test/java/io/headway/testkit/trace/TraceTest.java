package io.headway.testkit.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TraceTest {
  private static final String ALL =
      """
      {"type":"CONFIG","now":0,"on":"i","schema":1,"policy":"p","order":["arrival"],"claims":{"a":1.5,"b":2},"pools":{"e":3}}
      {"type":"ARRIVE","r":"a\\"b\\u0001","prompt":5,"keys":["k"]}
      {"type":"DEFER","r":"a","for":"grammar"}
      {"type":"ATTEMPT","r":"a","outcome":"done","fits":true}
      {"type":"PIN","r":"a","blocks":[1,2],"refs":[1,1]}
      {"type":"STEP","step":0,"batch":[{"r":"a","start":0,"n":3,"kind":"verify","drafts":2,"draftIds":[4,5]}],"total":3}
      {"type":"ROUTE","r":"a","instance":"x","candidates":[{"instance":"x","hit":1,"scores":{"load":0.5}}]}
      {"type":"GAUGE","name":"g","value":1.25,"used":true}
      {"type":"DRAINED"}
      """;

  @Test
  void recordsAreWrittenAsTheyWereRead() {
    List<TraceEvent> events = TraceReader.parse("t", ALL);
    TraceRecorder recorder = new TraceRecorder();
    events.forEach(recorder::accept);
    assertThat(recorder.text()).isEqualTo(ALL);
    assertThat(TraceReader.parse("t", recorder.text())).isEqualTo(events);
  }

  @Test
  void aRecorderTakesTheLinesOfAScheduler() {
    StringBuilder seen = new StringBuilder();
    TraceRecorder recorder = new TraceRecorder(new TraceWriter(seen));
    ALL.lines().forEach(recorder::line);
    recorder.line("{\"type\":\"OF-A-LATER-VERSION\",\"x\":1}");
    assertThat(recorder.events()).hasSize(9);
    assertThat(seen.toString()).isEqualTo(ALL);
  }

  @Test
  void emptyLinesUnknownTypesAndUnknownFieldsAreSkipped() {
    assertThat(
            TraceReader.parse(
                "t", "\n{\"type\":\"X\"}\r\n{\"type\":\"COMPLETE\",\"step\":3,\"new\":null}\r\n\n"))
        .containsExactly(new TraceEvent.Complete(null, "", 3L));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[1] | a line must be one JSON object",
        "{\"type\":\"STEP\",\"batch\":[]} {} | a line must be one JSON object, alone",
        "{\"type\":1} | the field 'type' of trace must be a text, but was 1",
        "{\"now\":1} | a trace record needs the field 'type', a text",
        "{\"type\":\"STEP\"} | a STEP record needs the field 'batch', an array of objects",
        "{\"type\":\"ARRIVE\"} | a ARRIVE record needs the field 'r', a text",
        "{\"type\":\"ARRIVE\",\"r\":\"a\",\"prompt\":1.5} | must be a whole number of at most 64"
            + " bits",
        "{\"type\":\"ARRIVE\",\"r\":\"a\",\"prompt\":99999999999999999999} | at most 64 bits, but"
            + " was",
        "{\"type\":\"ARRIVE\",\"r\":\"a\",\"keys\":[1]} | must be an array of texts, but was [1]",
        "{\"type\":\"ARRIVE\",\"r\":\"a\",\"r\":\"b\"} | the field 'r' is given twice",
        "{\"type\":\"ALLOC\",\"r\":\"a\",\"blocks\":[\"x\"]} | must be an array of whole numbers",
        "{\"type\":\"ALLOC\",\"r\":\"a\",\"blocks\":[null]} | must be an array of whole numbers",
        "{\"type\":\"CONFIG\",\"claims\":{\"a\":\"x\"}} | must be an object of numbers",
        "{\"type\":\"CONFIG\",\"claims\":3} | must be an object of numbers",
        "{\"type\":\"GAUGE\",\"used\":3} | must be true or false, but was 3",
        "{\"type\":\"GAUGE\",\"value\":\"x\"} | must be a number, but was x",
        "{\"type\":\"STEP\",\"batch\":[3]} | must be an array of objects, but was [3]",
        "{\"type\":\"ROUTE\",\"r\":\"a\",\"candidates\":[{}]} | needs the field 'instance', a text",
        "{\"type\":\"STEP\",\"batch\":[[[[[[[[[]]]]]]]]]} | not JSON: Document nesting depth",
        "{\"type\": | not JSON:",
      })
  void aLineThatCannotBeReadIsNamed(String line, String message) {
    assertThatThrownBy(() -> TraceReader.parse("run.jsonl", "{\"type\":\"DRAINED\"}\n" + line))
        .isInstanceOfSatisfying(TraceFormatException.class, e -> assertThat(e.line()).isEqualTo(2))
        .hasMessageStartingWith("run.jsonl:2: ")
        .hasMessageContaining(message);
  }

  @Test
  void linesAndTextsAreBounded() {
    String text = "x".repeat(TraceReader.MAX_TEXT_CHARS + 1);
    assertThatThrownBy(() -> TraceReader.parse("t", "{\"type\":\"CANCEL\",\"r\":\"" + text + "\"}"))
        .hasMessageStartingWith("t:1: not JSON: String value length");
    String line = " ".repeat(TraceReader.MAX_LINE_BYTES + 1);
    assertThatThrownBy(() -> TraceReader.parse("t", line))
        .hasMessage("t:1: a line must have at most 16777216 bytes, but this one has more");
  }

  @Test
  void theFirstDifferenceIsFound() {
    List<TraceEvent> events = TraceReader.parse("t", ALL);
    assertThat(TraceDiff.between(events, events)).isEmpty();
    TraceDiff shorter = TraceDiff.between(events, events.subList(0, 8)).orElseThrow();
    assertThat(shorter.line()).isEqualTo(9);
    assertThat(shorter.toString())
        .isEqualTo("first difference at record 9\n  left:  {\"type\":\"DRAINED\"}\n  right: (end)");
    assertThat(TraceDiff.between(List.of(), events).orElseThrow().left()).isEmpty();
  }
}
