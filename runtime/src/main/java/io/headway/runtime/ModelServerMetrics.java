package io.headway.runtime;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Collection;

/**
 * Writes a scheduler's counts as Prometheus text (exposition format 0.0.4) under the names that
 * endpoint pickers of the Gateway API Inference Extension scrape from vLLM, so that an engine is
 * routable by existing gateways as it is. Stateless.
 */
public final class ModelServerMetrics {
  private ModelServerMetrics() {}

  /**
   * Writes queue, running requests, KV use and pool size.
   *
   * <p>{@code vllm:num_requests_waiting}, {@code vllm:num_requests_running} and {@code
   * vllm:kv_cache_usage_perc} (0 to 1, of blocks held by sequences) are gauges; {@code
   * vllm:cache_config_info} is 1 with the labels {@code block_size} and {@code num_gpu_blocks};
   * {@code vllm:num_preemptions_total}, {@code vllm:prompt_tokens_total} and {@code
   * vllm:generation_tokens_total} are counters since the start.
   *
   * @param stats the counts
   * @param out receives the text
   * @throws UncheckedIOException if {@code out} fails
   */
  public static void render(EngineStats stats, Appendable out) {
    Check.notNull("stats", stats);
    try {
      gauge(out, "vllm:num_requests_waiting", "Requests in the queue.", stats.waiting());
      gauge(out, "vllm:num_requests_running", "Requests in the running batch.", stats.running());
      double usage =
          stats.totalBlocks() == 0 ? 0 : (double) stats.usedBlocks() / stats.totalBlocks();
      head(out, "vllm:kv_cache_usage_perc", "Share of KV blocks in use, 0 to 1.", "gauge");
      out.append("vllm:kv_cache_usage_perc ").append(Double.toString(usage)).append('\n');
      head(out, "vllm:cache_config_info", "KV cache configuration.", "gauge");
      out.append("vllm:cache_config_info{block_size=\"")
          .append(Integer.toString(stats.blockTokens()))
          .append("\",num_gpu_blocks=\"")
          .append(Integer.toString(stats.totalBlocks()))
          .append("\"} 1\n");
      counter(out, "vllm:num_preemptions_total", "Preemptions.", stats.preemptions());
      counter(out, "vllm:prompt_tokens_total", "Prompt tokens computed.", stats.prefillTokens());
      counter(
          out, "vllm:generation_tokens_total", "Output tokens delivered.", stats.outputTokens());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Writes which LoRA adapters run and which are waited for, as {@code vllm:lora_requests_info};
   * pickers take the series with the largest value, so the value is a time.
   *
   * @param maxAdapters places for adapters, at least 0
   * @param running adapters of running requests
   * @param waiting adapters that queued requests wait for
   * @param epochSeconds wall-clock time of these facts
   * @param out receives the text
   * @throws UncheckedIOException if {@code out} fails
   */
  public static void renderAdapters(
      int maxAdapters,
      Collection<String> running,
      Collection<String> waiting,
      double epochSeconds,
      Appendable out) {
    Check.atLeast("maxAdapters", maxAdapters, 0, "adapters");
    try {
      head(out, "vllm:lora_requests_info", "Running and waiting LoRA adapters.", "gauge");
      out.append("vllm:lora_requests_info{max_lora=\"")
          .append(Integer.toString(maxAdapters))
          .append("\",running_lora_adapters=\"");
      names(out, running);
      out.append("\",waiting_lora_adapters=\"");
      names(out, waiting);
      out.append("\"} ").append(Double.toString(epochSeconds)).append('\n');
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void gauge(Appendable out, String name, String help, long value)
      throws IOException {
    head(out, name, help, "gauge");
    out.append(name).append(' ').append(Long.toString(value)).append('\n');
  }

  private static void counter(Appendable out, String name, String help, long value)
      throws IOException {
    head(out, name, help, "counter");
    out.append(name).append(' ').append(Long.toString(value)).append('\n');
  }

  private static void head(Appendable out, String name, String help, String type)
      throws IOException {
    out.append("# HELP ").append(name).append(' ').append(help).append('\n');
    out.append("# TYPE ").append(name).append(' ').append(type).append('\n');
  }

  private static void names(Appendable out, Collection<String> names) throws IOException {
    boolean first = true;
    for (String name : names) {
      if (!first) {
        out.append(',');
      }
      first = false;
      for (int i = 0; i < name.length(); i++) {
        char c = name.charAt(i);
        switch (c) {
          case '\\' -> out.append("\\\\");
          case '"' -> out.append("\\\"");
          case '\n' -> out.append("\\n");
          default -> out.append(c);
        }
      }
    }
  }
}
