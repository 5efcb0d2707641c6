package io.headway.testkit.trace;

import io.headway.testkit.trace.TraceEvent.Blocks;
import io.headway.testkit.trace.TraceEvent.Row;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads a log of scheduler outputs in the manner of vLLM's v1 engine as a trace. The lines are
 * described in {@code docs/trace-format.md} of the project; they carry the fields of {@code
 * SchedulerOutput} under their own names, so that an exporter need only dump them. Those fields
 * change between versions of the engine; the exporter belongs to one.
 *
 * <p>Block tables are followed, so that what a finished or preempted request held is released here:
 * the engine says so by silence. Block 0 stands for nothing and is left out. What the engine does
 * not say (free blocks without {@code free_blocks}, refused attempts, keys of blocks) stays absent,
 * and checks that need it answer UNKNOWN.
 */
public final class VllmTrace implements TraceSource {
  private final JsonLines lines;
  private final ArrayDeque<TraceEvent> ready = new ArrayDeque<>();
  private final Map<String, List<List<Long>>> tables = new HashMap<>();
  private final Map<String, Long> prompts = new HashMap<>();
  private final Map<String, Long> delivered = new HashMap<>();
  private long blockTokens;

  private VllmTrace(JsonLines lines) {
    this.lines = lines;
  }

  /**
   * Opens a file.
   *
   * @param file a log
   * @return a reader, to be closed
   * @throws IOException if it cannot be opened
   */
  public static VllmTrace open(Path file) throws IOException {
    return of(file.toString(), Files.newInputStream(file));
  }

  /**
   * Reads from a stream.
   *
   * @param origin its name in messages
   * @param in the stream, closed with the reader
   * @return a reader
   */
  public static VllmTrace of(String origin, InputStream in) {
    return new VllmTrace(new JsonLines(origin, in));
  }

  @Override
  public @Nullable TraceEvent next() throws IOException {
    while (ready.isEmpty()) {
      Map<String, Object> values = lines.next();
      if (values == null) {
        return null;
      }
      try {
        String event = new Fields("log", values).required("event");
        convert(event, new Fields(event, values));
      } catch (Fields.Unfit e) {
        throw lines.wrong(e);
      }
    }
    return ready.poll();
  }

  @Override
  public long line() {
    return lines.line();
  }

  @Override
  public String text() {
    return lines.text();
  }

  @Override
  public void close() throws IOException {
    lines.close();
  }

  private void convert(String event, Fields f) throws Fields.Unfit {
    Long now = nanos(f.decimal("time"));
    switch (event) {
      case "config" -> config(f, now);
      case "arrive" -> arrive(f, now);
      case "abort" -> end(f.required("req_id"), TraceEvent.Ended.Kind.CANCEL, "abort", now);
      case "schedule" -> schedule(f, now);
      case "output" -> output(f, now);
      case "idle" ->
          ready.add(
              new TraceEvent.Idle(
                  now,
                  "",
                  f.number("num_waiting"),
                  f.number("num_running"),
                  f.number("free_blocks"),
                  null));
      case "kv_stored" -> index(f, "add", now);
      case "kv_removed" -> index(f, "remove", now);
      case "kv_cleared" -> index(f, "clear", now);
      default -> {
        // Events of other versions are skipped.
      }
    }
  }

  private static @Nullable Long nanos(@Nullable Double seconds) {
    return seconds == null ? null : Math.round(seconds * 1e9);
  }

  private void config(Fields f, @Nullable Long now) throws Fields.Unfit {
    Long blocks = f.number("num_gpu_blocks");
    Long size = f.number("block_size");
    blockTokens = size == null ? 0 : size;
    List<String> rules = new ArrayList<>(List.of("in-order"));
    if (Boolean.FALSE.equals(f.flag("enable_chunked_prefill"))) {
      rules.add("no-chunking");
    }
    List<String> order = null;
    String policy = f.text("policy");
    if ("fcfs".equals(policy)) {
      order = List.of("arrival");
    } else if ("priority".equals(policy)) {
      order = List.of("priority", "arrival");
    }
    ready.add(
        new TraceEvent.Config(
            now,
            "",
            null,
            "vllm-v1",
            null,
            "paged",
            size,
            f.number("num_groups"),
            blocks == null ? null : blocks - 1,
            null,
            null,
            f.number("max_num_batched_tokens"),
            f.number("max_num_seqs"),
            f.number("max_loras"),
            null,
            f.number("long_prefill_token_threshold"),
            null,
            null,
            null,
            0L,
            null,
            f.number("max_model_len"),
            order,
            rules,
            null,
            null));
  }

  private void arrive(Fields f, @Nullable Long now) throws Fields.Unfit {
    String id = f.required("req_id");
    Long prompt = f.number("num_prompt_tokens");
    if (prompt != null) {
      prompts.put(id, prompt);
    }
    ready.add(
        new TraceEvent.Arrive(
            now,
            "",
            id,
            prompt,
            f.number("max_tokens"),
            nanos(f.decimal("arrival_time")),
            f.number("priority"),
            null,
            f.text("lora"),
            null,
            f.number("min_tokens"),
            null,
            f.text("cache_salt"),
            null,
            null,
            null,
            null));
  }

  private void end(String id, TraceEvent.Ended.Kind kind, String reason, @Nullable Long now) {
    ready.add(new TraceEvent.Ended(now, "", kind, id, reason, delivered.remove(id)));
    release(id, now);
    prompts.remove(id);
  }

  private void release(String id, @Nullable Long now) {
    List<List<Long>> table = tables.remove(id);
    for (int group = 0; table != null && group < table.size(); group++) {
      List<Long> blocks = new ArrayList<>(table.get(group));
      Collections.reverse(blocks);
      blocks(Blocks.Kind.RELEASE, id, group, table.size(), blocks, now);
    }
  }

  private void blocks(
      Blocks.Kind kind, String id, int group, int groups, List<Long> blocks, @Nullable Long now) {
    if (!blocks.isEmpty()) {
      ready.add(
          new Blocks(
              now, "", kind, id, blocks, null, groups > 1 ? (long) group : null, null, null, null));
    }
  }

  private void schedule(Fields f, @Nullable Long now) throws Fields.Unfit {
    List<String> finished = orEmpty(f.texts("finished_req_ids"));
    for (String id : finished) {
      end(id, TraceEvent.Ended.Kind.FINISH, "stopped", now);
    }
    for (String id : orEmpty(f.texts("preempted_req_ids"))) {
      ready.add(new TraceEvent.Preempt(now, "", id, "recompute", null, null));
      release(id, now);
    }
    Map<String, Long> starts = new HashMap<>();
    for (Fields request : f.objects("scheduled_new_reqs")) {
      String id = request.required("req_id");
      Long computed = request.number("num_computed_tokens");
      starts.put(id, computed == null ? 0 : computed);
      Long prompt = request.number("num_prompt_tokens");
      if (prompt != null) {
        prompts.putIfAbsent(id, prompt);
      }
      take(id, request.matrix("block_ids"), computed == null ? 0 : computed, now);
    }
    cached(f, starts, now);
    batch(f, starts, now);
  }

  /** Requests that ran before: new blocks are appended, or replace the table after a preemption. */
  private void cached(Fields f, Map<String, Long> starts, @Nullable Long now) throws Fields.Unfit {
    Fields cached = f.object("scheduled_cached_reqs");
    if (cached == null) {
      return;
    }
    List<String> ids = orEmpty(cached.texts("req_ids"));
    List<Long> computed = cached.numbers("num_computed_tokens");
    Set<String> resumed = new HashSet<>(orEmpty(cached.texts("resumed_req_ids")));
    List<List<List<Long>>> blocks = cached.matrices("new_block_ids");
    for (int i = 0; i < ids.size(); i++) {
      String id = ids.get(i);
      long start = computed != null && i < computed.size() ? computed.get(i) : 0;
      starts.put(id, start);
      List<List<Long>> more = i < blocks.size() ? blocks.get(i) : List.of();
      if (resumed.contains(id)) {
        ready.add(new TraceEvent.Resume(now, "", id, start));
        take(id, more, start, now);
      } else {
        take(id, more, 0, now);
      }
    }
  }

  /** Puts blocks behind a request's table; the leading ones of a hit are shared. */
  private void take(String id, List<List<Long>> groups, long hitTokens, @Nullable Long now) {
    if (hitTokens > 0) {
      ready.add(new TraceEvent.Hit(now, "", id, hitTokens, null, null));
    }
    List<List<Long>> table = tables.computeIfAbsent(id, r -> new ArrayList<>());
    for (int group = 0; group < groups.size(); group++) {
      while (table.size() <= group) {
        table.add(new ArrayList<>());
      }
      long shared = blockTokens == 0 ? 0 : hitTokens / blockTokens;
      List<Long> hit = new ArrayList<>();
      List<Long> fresh = new ArrayList<>();
      for (int i = 0; i < groups.get(group).size(); i++) {
        long block = groups.get(group).get(i);
        if (block != 0) {
          (i < shared ? hit : fresh).add(block);
        }
      }
      blocks(Blocks.Kind.SHARE, id, group, groups.size(), hit, now);
      blocks(Blocks.Kind.ALLOC, id, group, groups.size(), fresh, now);
      table.get(group).addAll(hit);
      table.get(group).addAll(fresh);
    }
  }

  private void batch(Fields f, Map<String, Long> starts, @Nullable Long now) throws Fields.Unfit {
    Map<String, Long> tokens = f.wholes("num_scheduled_tokens");
    Fields drafts = f.object("scheduled_spec_decode_tokens");
    List<Row> rows = new ArrayList<>();
    for (Map.Entry<String, Long> entry : tokens.entrySet()) {
      String id = entry.getKey();
      List<Long> ids = drafts == null ? null : drafts.numbers(id);
      List<Long> real = ids == null || ids.isEmpty() ? null : ids;
      Long start = starts.get(id);
      Long prompt = prompts.get(id);
      boolean decodes = entry.getValue() == 1 && start != null && prompt != null && start >= prompt;
      rows.add(
          new Row(
              id,
              start,
              entry.getValue(),
              real != null ? "verify" : decodes ? "decode" : "prefill",
              real == null ? null : Long.valueOf(real.size()),
              null,
              real,
              null));
    }
    ready.add(
        new TraceEvent.Step(
            now,
            "",
            f.number("step"),
            rows,
            f.number("total_num_scheduled_tokens"),
            null,
            f.number("num_waiting"),
            f.number("num_running"),
            f.number("free_blocks")));
  }

  private void output(Fields f, @Nullable Long now) throws Fields.Unfit {
    Long step = f.number("step");
    ready.add(new TraceEvent.Complete(now, "", step));
    Map<String, Long> counts = f.counts("sampled_token_ids");
    for (Map.Entry<String, Long> entry : counts.entrySet()) {
      if (entry.getValue() > 0) {
        long position = delivered.merge(entry.getKey(), entry.getValue(), Long::sum);
        ready.add(
            new TraceEvent.Output(
                now, "", step, entry.getKey(), entry.getValue(), position - entry.getValue()));
      }
    }
  }

  private void index(Fields f, String action, @Nullable Long now) throws Fields.Unfit {
    String instance = f.text("instance");
    ready.add(
        new TraceEvent.Index(
            now,
            "",
            instance == null ? "engine" : instance,
            null,
            action,
            f.texts("block_hashes"),
            null,
            null));
  }

  private static List<String> orEmpty(@Nullable List<String> list) {
    return list == null ? List.of() : list;
  }
}
