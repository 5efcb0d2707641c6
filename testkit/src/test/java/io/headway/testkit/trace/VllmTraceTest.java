package io.headway.testkit.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headway.api.Invariant;
import io.headway.testkit.check.CheckReport;
import io.headway.testkit.check.TraceChecks;
import io.headway.testkit.check.Verdict;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class VllmTraceTest {
  @Test
  void theSampleLogIsConvertedAndHolds() throws IOException {
    List<TraceEvent> events = read(sample());
    assertThat(events)
        .extracting(TraceEvent::type)
        .startsWith("CONFIG", "ARRIVE", "ARRIVE", "ALLOC", "ALLOC", "STEP", "COMPLETE", "OUTPUT")
        .endsWith("FINISH", "RELEASE", "FINISH", "RELEASE", "STEP", "INDEX");
    CheckReport report = TraceChecks.check(events);
    assertThat(report.violations()).isEmpty();
    for (Invariant rule :
        List.of(
            Invariant.INV_03,
            Invariant.INV_05,
            Invariant.INV_06,
            Invariant.INV_07,
            Invariant.INV_08,
            Invariant.INV_13,
            Invariant.INV_19,
            Invariant.INV_29,
            Invariant.INV_30)) {
      assertThat(report.verdict(rule).convincing()).as(rule.code()).isTrue();
    }
    assertThat(report.verdict(Invariant.INV_16).kind()).isEqualTo(Verdict.Kind.UNKNOWN);
  }

  @Test
  void preemptionResumptionAndHitsAreFollowed() throws IOException {
    List<TraceEvent> events =
        read(
            """
            {"event":"arrive","req_id":"a","num_prompt_tokens":8,"max_tokens":4}
            {"event":"config","block_size":4,"num_gpu_blocks":9,"enable_chunked_prefill":false,"policy":"priority"}
            {"event":"schedule","step":0,"scheduled_new_reqs":[{"req_id":"a","block_ids":[[1,2],[0,3]],"num_computed_tokens":4}],"num_scheduled_tokens":{"a":4},"total_num_scheduled_tokens":4}
            {"event":"schedule","step":1,"preempted_req_ids":["a"],"num_scheduled_tokens":{},"total_num_scheduled_tokens":0}
            {"event":"schedule","step":2,"scheduled_cached_reqs":{"req_ids":["a"],"new_block_ids":[[[5,6],[7]]],"num_computed_tokens":[0],"resumed_req_ids":["a"]},"num_scheduled_tokens":{"a":8},"total_num_scheduled_tokens":8}
            {"event":"idle","num_waiting":0}
            {"event":"abort","req_id":"a"}
            {"event":"kv_stored","block_hashes":["x"]}
            {"event":"kv_removed","block_hashes":["x"]}
            {"event":"later_version"}
            """);
    StringBuilder text = new StringBuilder();
    events.forEach(new TraceWriter(text)::accept);
    assertThat(text.toString())
        .contains(
            "\"rules\":[\"in-order\",\"no-chunking\"]", "\"order\":[\"priority\",\"arrival\"]")
        .contains("{\"type\":\"HIT\",\"r\":\"a\",\"tokens\":4}")
        .contains("{\"type\":\"SHARE\",\"r\":\"a\",\"blocks\":[1],\"group\":0}")
        .contains("{\"type\":\"ALLOC\",\"r\":\"a\",\"blocks\":[3],\"group\":1}")
        .contains("{\"type\":\"PREEMPT\",\"r\":\"a\",\"mode\":\"recompute\"}")
        .contains("{\"type\":\"RELEASE\",\"r\":\"a\",\"blocks\":[2,1],\"group\":0}")
        .contains("{\"type\":\"RESUME\",\"r\":\"a\",\"computed\":0}")
        .contains("{\"type\":\"IDLE\",\"waiting\":0}")
        .contains("{\"type\":\"CANCEL\",\"r\":\"a\",\"reason\":\"abort\"}")
        .contains("\"action\":\"add\"", "\"action\":\"remove\"");
  }

  @Test
  void anErrorNamesTheLine() {
    assertThatThrownBy(() -> read("{\"event\":\"config\"}\n{\"event\":\"abort\"}"))
        .isInstanceOf(TraceFormatException.class)
        .hasMessage("log:2: a abort record needs the field 'req_id', a text");
    assertThatThrownBy(() -> read("{\"event\":\"schedule\",\"step\":1}"))
        .hasMessageContaining("'num_scheduled_tokens', an object of whole numbers");
    assertThatThrownBy(
            () ->
                read(
                    "{\"event\":\"schedule\",\"scheduled_new_reqs\":[{\"req_id\":\"a\","
                        + "\"block_ids\":[1]}],\"num_scheduled_tokens\":{}}"))
        .hasMessageContaining("'block_ids'")
        .hasMessageContaining("an array of block ids per group, but was [1]");
  }

  private static String sample() throws IOException {
    try (InputStream in = VllmTraceTest.class.getResourceAsStream("vllm-sample.jsonl")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static List<TraceEvent> read(String text) throws IOException {
    List<TraceEvent> events = new ArrayList<>();
    try (VllmTrace trace =
        VllmTrace.of("log", new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)))) {
      TraceEvent event;
      while ((event = trace.next()) != null) {
        events.add(event);
      }
    }
    return events;
  }
}
