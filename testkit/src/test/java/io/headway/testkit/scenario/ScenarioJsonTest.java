package io.headway.testkit.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ScenarioJsonTest {
  private static final Field SIZE = Field.of("size", 1, 9);
  private static final Field WHICH = Field.of("which", 0, 99);
  private static final EventType COME = EventType.request("come", WHICH);
  private static final EventType GO = EventType.of("go");
  private static final Vocabulary WORDS = new Vocabulary("test", List.of(SIZE), List.of(COME, GO));

  @Test
  void whatIsWrittenIsRead() {
    Scenario scenario =
        WORDS.scenario(7).set(SIZE, 3).add(COME.with(5)).add(GO.with()).add(COME.with()).build();
    String json = ScenarioJson.write(scenario);
    assertThat(json)
        .isEqualTo(
            "{\"v\":1,\"domain\":\"test\",\"seed\":7,\n \"config\":{\"size\":3},\n \"events\":[\n"
                + "  {\"do\":\"come\",\"which\":5},\n  {\"do\":\"go\"},\n  {\"do\":\"come\"}]}\n");
    Scenario read = ScenarioJson.read(json, "text", WORDS);
    assertThat(read).isEqualTo(scenario);
    assertThat(read.seed()).isEqualTo(7);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[]|the file must be an object, but was a list of 0",
        "{'v':2,'domain':'test','events':[]}|v must be 1, but was 2",
        "{'v':1,'domain':'other','events':[]}|domain must be 'test', but was 'other'",
        "{'v':1,'domain':'test'}|events must be a list of at most 10000, but was missing",
        "{'v':1,'domain':'test','events':[{'do':'fly'}]}|be one of [come, go], but was 'fly'",
        "{'v':1,'domain':'test','events':[{'do':'come','which':100}]}|must be from 0 to 99",
        "{'v':1,'domain':'test','events':[{'do':'come','x':1}]}|events[0].x is unknown",
        "{'v':1,'domain':'test','config':{'size':0},'events':[]}|must be from 1 to 9, but was 0",
        "{'v':1,'domain':'test','config':{'size':1.5},'events':[]}|whole number of 64 bits",
        "{'v':1,'domain':'test','more':1,'events':[]}|field 'more' of the file is unknown",
        "{'v':1,'v':1}|Duplicate",
        "{'v':1}{|Trailing",
        "{'v':[[[[[[[[[[1]]]]]]]]]]}|nesting depth",
      })
  void whatIsNoScenarioIsRefusedWithItsPlace(String json, String message) {
    assertThatThrownBy(() -> ScenarioJson.read(json.replace('\'', '"'), "here", WORDS))
        .isInstanceOf(ScenarioFormatException.class)
        .hasMessageStartingWith("here: ")
        .hasMessageContaining(message);
  }

  @Test
  void largeFilesAreRefused(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("large.json");
    Files.write(file, new byte[ScenarioJson.MAX_BYTES + 1]);
    assertThatThrownBy(() -> ScenarioJson.read(file, WORDS))
        .isInstanceOf(ScenarioFormatException.class)
        .hasMessageContaining("at most 1048576 bytes");
  }
}
