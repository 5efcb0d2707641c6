package io.headway.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headway.api.Request;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** R28, R29: the text that endpoint pickers scrape, and that its numbers move and come back. */
class ModelServerMetricsTest {
  private static final int[] NONE = new int[8];

  /** Waiting, running, used, total and tokens of blocks, preemptions, prompt and output tokens. */
  private static EngineStats stats(int... n) {
    return new EngineStats(
        n[0], n[1], 91, 92, 93, 94, 95, n[2], 96, n[3], n[4], 97, 98, 99, n[5], 100, n[6], n[7],
        101, 102, 103);
  }

  private static String render(EngineStats stats) {
    StringBuilder out = new StringBuilder();
    ModelServerMetrics.render(stats, out);
    return out.toString();
  }

  /** Returns the one sample of a series, labels included in its name. */
  private static String sample(EngineStats stats, String series) {
    List<String> found =
        render(stats).lines().filter(line -> line.startsWith(series + " ")).toList();
    assertThat(found).as(series).hasSize(1);
    return found.get(0).substring(series.length() + 1);
  }

  private static void moves(int field, String series, String text) {
    int[] numbers = NONE.clone();
    assertThat(sample(stats(numbers), series)).isEqualTo("0");
    numbers[field] = 7;
    assertThat(sample(stats(numbers), series)).isEqualTo(text);
  }

  @Test
  void theTextIsExactlyThis() {
    assertThat(render(stats(3, 2, 5, 8, 16, 4, 1_234, 567)))
        .isEqualTo(
            """
            # HELP vllm:num_requests_waiting Requests in the queue.
            # TYPE vllm:num_requests_waiting gauge
            vllm:num_requests_waiting 3
            # HELP vllm:num_requests_running Requests in the running batch.
            # TYPE vllm:num_requests_running gauge
            vllm:num_requests_running 2
            # HELP vllm:kv_cache_usage_perc Share of KV blocks in use, 0 to 1.
            # TYPE vllm:kv_cache_usage_perc gauge
            vllm:kv_cache_usage_perc 0.625
            # HELP vllm:cache_config_info KV cache configuration.
            # TYPE vllm:cache_config_info gauge
            vllm:cache_config_info{block_size="16",num_gpu_blocks="8"} 1
            # HELP vllm:num_preemptions_total Preemptions.
            # TYPE vllm:num_preemptions_total counter
            vllm:num_preemptions_total 4
            # HELP vllm:prompt_tokens_total Prompt tokens computed.
            # TYPE vllm:prompt_tokens_total counter
            vllm:prompt_tokens_total 1234
            # HELP vllm:generation_tokens_total Output tokens delivered.
            # TYPE vllm:generation_tokens_total counter
            vllm:generation_tokens_total 567
            """);
  }

  @Test
  void everyCountFollowsItsFieldAlone() {
    moves(0, "vllm:num_requests_waiting", "7");
    moves(1, "vllm:num_requests_running", "7");
    moves(5, "vllm:num_preemptions_total", "7");
    moves(6, "vllm:prompt_tokens_total", "7");
    moves(7, "vllm:generation_tokens_total", "7");
  }

  @Test
  void kvUsageGoesFromZeroToOneAndIsZeroWithoutAPool() {
    String usage = "vllm:kv_cache_usage_perc";
    assertThat(sample(stats(0, 0, 0, 8, 16, 0, 0, 0), usage)).isEqualTo("0.0");
    assertThat(sample(stats(0, 0, 2, 8, 16, 0, 0, 0), usage)).isEqualTo("0.25");
    assertThat(sample(stats(0, 0, 8, 8, 16, 0, 0, 0), usage)).isEqualTo("1.0");
    assertThat(sample(stats(NONE), usage)).isEqualTo("0.0");
  }

  @Test
  void theCacheConfigurationIsInItsLabels() {
    assertThat(render(stats(0, 0, 0, 4_096, 32, 0, 0, 0)))
        .contains("\nvllm:cache_config_info{block_size=\"32\",num_gpu_blocks=\"4096\"} 1\n");
  }

  @Test
  void gaugesOfASchedulerMoveAndReturnToZero() {
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy(Scripted.greedy())
            .pool(PagedKvBlockPool.of(PagedKvConfig.of(4, 64)))
            .limits(Limits.of(4, 64))
            .strict()
            .build();
    String waiting = "vllm:num_requests_waiting";
    String running = "vllm:num_requests_running";
    String usage = "vllm:kv_cache_usage_perc";
    assertThat(sample(scheduler.stats(), waiting)).isEqualTo("0");
    assertThat(scheduler.submit(Request.of("a", 4, 2), 1).accepted()).isTrue();
    assertThat(sample(scheduler.stats(), waiting)).isEqualTo("1");
    assertThat(sample(scheduler.stats(), running)).isEqualTo("0");
    assertThat(sample(scheduler.stats(), usage)).isEqualTo("0.0");

    BatchPlan plan = scheduler.next(2);
    assertThat(plan.rows()).isEqualTo(1);
    assertThat(sample(scheduler.stats(), waiting)).isEqualTo("0");
    assertThat(sample(scheduler.stats(), running)).isEqualTo("1");
    assertThat(Double.parseDouble(sample(scheduler.stats(), usage))).isGreaterThan(0);
    for (int step = 0; step < 2; step++) {
      StepResult result = new StepResult().begin(plan);
      assertThat(plan.emits(0)).isTrue();
      result.token(0, 7);
      scheduler.complete(result, 3 + step);
      plan = scheduler.next(3 + step);
    }
    assertThat(plan.isEmpty()).isTrue();
    assertThat(scheduler.isIdle()).isTrue();
    assertThat(sample(scheduler.stats(), running)).isEqualTo("0");
    assertThat(sample(scheduler.stats(), usage)).isEqualTo("0.0");
    assertThat(sample(scheduler.stats(), "vllm:prompt_tokens_total")).isEqualTo("4");
    assertThat(sample(scheduler.stats(), "vllm:generation_tokens_total")).isEqualTo("2");
  }

  @Test
  void adaptersAreListedAndTheValueIsTheTime() {
    StringBuilder out = new StringBuilder();
    ModelServerMetrics.renderAdapters(4, List.of("sql", "legal"), List.of("chat"), 1234.5, out);
    assertThat(out)
        .hasToString(
            """
            # HELP vllm:lora_requests_info Running and waiting LoRA adapters.
            # TYPE vllm:lora_requests_info gauge
            vllm:lora_requests_info{max_lora="4",running_lora_adapters="sql,legal",\
            waiting_lora_adapters="chat"} 1234.5
            """);
  }

  @Test
  void withoutAdaptersTheListsAreEmpty() {
    StringBuilder out = new StringBuilder();
    ModelServerMetrics.renderAdapters(0, List.of(), List.of(), 0, out);
    assertThat(out.toString())
        .endsWith("{max_lora=\"0\",running_lora_adapters=\"\",waiting_lora_adapters=\"\"} 0.0\n");
  }

  @Test
  void backslashesQuotesAndLineBreaksAreEscaped() {
    StringBuilder out = new StringBuilder();
    ModelServerMetrics.renderAdapters(1, List.of("a\\b\"c\nd"), List.of("\n"), 1, out);
    String line = out.toString().lines().skip(2).findFirst().orElseThrow();
    assertThat(line)
        .isEqualTo(
            "vllm:lora_requests_info{max_lora=\"1\",running_lora_adapters=\"a\\\\b\\\"c\\nd\","
                + "waiting_lora_adapters=\"\\n\"} 1.0");
    assertThat(out.toString().lines()).hasSize(3);
  }

  @Test
  void errorsOfTheReceiverAndOfArgumentsAreSaid() {
    Appendable broken =
        new Appendable() {
          @Override
          public Appendable append(CharSequence text) throws IOException {
            throw new IOException("closed");
          }

          @Override
          public Appendable append(CharSequence text, int start, int end) throws IOException {
            throw new IOException("closed");
          }

          @Override
          public Appendable append(char c) throws IOException {
            throw new IOException("closed");
          }
        };
    assertThatThrownBy(() -> ModelServerMetrics.render(stats(NONE), broken))
        .isInstanceOf(UncheckedIOException.class)
        .hasRootCauseMessage("closed");
    assertThatThrownBy(() -> ModelServerMetrics.renderAdapters(1, List.of(), List.of(), 1, broken))
        .isInstanceOf(UncheckedIOException.class)
        .hasRootCauseMessage("closed");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                ModelServerMetrics.renderAdapters(-1, List.of(), List.of(), 1, new StringBuilder()))
        .withMessage("maxAdapters must be at least 0 adapters, but was -1");
    assertThatNullPointerException().isThrownBy(() -> render(nullStats())).withMessage("stats");
  }

  @SuppressWarnings("NullAway")
  private static EngineStats nullStats() {
    return null;
  }
}
