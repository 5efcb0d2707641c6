package io.headway.testkit.trace;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One record of a trace. {@code now} is the time in nanoseconds on the clock of whoever wrote it,
 * {@code on} the instance whose scheduler wrote it, empty in the trace of one scheduler. A
 * component that is null was not written: a trace of another engine may lack any of them, and a
 * check that needs it answers {@code UNKNOWN}. Immutable.
 */
public sealed interface TraceEvent {
  /**
   * Returns the name of the record in the log.
   *
   * @return for example {@code STEP}
   */
  String type();

  /**
   * Returns when it happened.
   *
   * @return nanoseconds, or null if the trace has no clock
   */
  @Nullable Long now();

  /**
   * Returns whose record it is.
   *
   * @return name of an instance, or the empty string in the trace of one scheduler
   */
  String on();

  /**
   * Returns the request the record is about.
   *
   * @return its id, or null if it is about none or several
   */
  default @Nullable String r() {
    return null;
  }

  /**
   * Gives all fields but {@code type}, {@code now} and {@code on} to a writer.
   *
   * @param out the writer
   */
  void write(FieldSink out);

  /**
   * What the run was configured with; the first record of a scheduler.
   *
   * @param now when, in nanoseconds
   * @param on whose record
   * @param schema version of the format
   * @param policy id of the batching policy
   * @param routing id of the routing policy
   * @param kvMode {@code paged} or {@code accounted}
   * @param blockTokens tokens a block holds
   * @param groups cache groups
   * @param blocks blocks a request can get
   * @param hostBlocks blocks of the host tier
   * @param watermark blocks that an admission leaves free
   * @param tokenBudget most tokens in one iteration
   * @param slots most running requests
   * @param adapterCap most distinct adapters
   * @param queueCap most waiting requests
   * @param chunkCap most tokens of one prefill chunk
   * @param depth most plans in flight
   * @param retries recomputations before a request fails
   * @param lease how long a transfer may take, in nanoseconds
   * @param nullBlock id of the block that stands for positions nobody reads
   * @param spans tokens that each cache group looks back, 0 for all
   * @param window most tokens of prompt and output together
   * @param order the order of admission: fields, the first decides
   * @param rules rules that the policy declares, such as {@code bypass}
   * @param claims bounds that the policy promises, by name
   * @param pools further counted resources: units by name
   */
  record Config(
      @Nullable Long now,
      String on,
      @Nullable Long schema,
      @Nullable String policy,
      @Nullable String routing,
      @Nullable String kvMode,
      @Nullable Long blockTokens,
      @Nullable Long groups,
      @Nullable Long blocks,
      @Nullable Long hostBlocks,
      @Nullable Long watermark,
      @Nullable Long tokenBudget,
      @Nullable Long slots,
      @Nullable Long adapterCap,
      @Nullable Long queueCap,
      @Nullable Long chunkCap,
      @Nullable Long depth,
      @Nullable Long retries,
      @Nullable Long lease,
      @Nullable Long nullBlock,
      @Nullable List<Long> spans,
      @Nullable Long window,
      @Nullable List<String> order,
      @Nullable List<String> rules,
      @Nullable Map<String, Double> claims,
      @Nullable Map<String, Double> pools)
      implements TraceEvent {
    /** Copies the collections. */
    public Config {
      spans = spans == null ? null : List.copyOf(spans);
      order = order == null ? null : List.copyOf(order);
      rules = rules == null ? null : List.copyOf(rules);
      claims = claims == null ? null : Fields.ordered(claims);
      pools = pools == null ? null : Fields.ordered(pools);
    }

    @Override
    public String type() {
      return "CONFIG";
    }

    @Override
    public void write(FieldSink out) {
      out.number("schema", schema);
      out.text("policy", policy);
      out.text("routing", routing);
      out.text("kvMode", kvMode);
      out.number("blockTokens", blockTokens);
      out.number("groups", groups);
      out.number("blocks", blocks);
      out.number("hostBlocks", hostBlocks);
      out.number("watermark", watermark);
      out.number("tokenBudget", tokenBudget);
      out.number("slots", slots);
      out.number("adapterCap", adapterCap);
      out.number("queueCap", queueCap);
      out.number("chunkCap", chunkCap);
      out.number("depth", depth);
      out.number("retries", retries);
      out.number("lease", lease);
      out.number("nullBlock", nullBlock);
      out.numbers("spans", spans);
      out.number("window", window);
      out.texts("order", order);
      out.texts("rules", rules);
      out.decimals("claims", claims);
      out.decimals("pools", pools);
    }
  }

  /**
   * A request was accepted.
   *
   * @param now when, in nanoseconds
   * @param on whose record
   * @param r request
   * @param prompt prompt tokens
   * @param maxNew most output tokens
   * @param arrival arrival time in nanoseconds
   * @param priority priority, smaller is more urgent
   * @param tenant who pays
   * @param adapter adapter
   * @param deadline deadline in nanoseconds
   * @param minNew fewest output tokens
   * @param delivered output tokens already shown elsewhere
   * @param isolation what its cached blocks are kept apart by
   * @param content digest of what each prompt block holds, made without the cache keys
   * @param keys cache key of each full prompt block
   * @param flow flow or band it is queued in
   * @param bytes its size in its queue
   */
  record Arrive(
      @Nullable Long now,
      String on,
      String r,
      @Nullable Long prompt,
      @Nullable Long maxNew,
      @Nullable Long arrival,
      @Nullable Long priority,
      @Nullable String tenant,
      @Nullable String adapter,
      @Nullable Long deadline,
      @Nullable Long minNew,
      @Nullable Long delivered,
      @Nullable String isolation,
      @Nullable List<String> content,
      @Nullable List<String> keys,
      @Nullable String flow,
      @Nullable Long bytes)
      implements TraceEvent {
    /** Copies the collections. */
    public Arrive {
      content = content == null ? null : List.copyOf(content);
      keys = keys == null ? null : List.copyOf(keys);
    }

    @Override
    public String type() {
      return "ARRIVE";
    }

    @Override
    public void write(FieldSink out) {
      out.text("r", r);
      out.number("prompt", prompt);
      out.number("maxNew", maxNew);
      out.number("arrival", arrival);
      out.number("priority", priority);
      out.text("tenant", tenant);
      out.text("adapter", adapter);
      out.number("deadline", deadline);
      out.number("minNew", minNew);
      out.number("delivered", delivered);
      out.text("isolation", isolation);
      out.texts("content", content);
      out.texts("keys", keys);
      out.text("flow", flow);
      out.number("bytes", bytes);
    }
  }

  /**
   * A request was refused, at submission or later.
   *
   * @param now when, in nanoseconds
   * @param on whose record
   * @param r request
   * @param reason why
   * @param prompt prompt tokens, at submission
   * @param maxNew most output tokens, at submission
   * @param arrival arrival time in nanoseconds
   * @param priority priority
   * @param tenant who pays
   * @param adapter adapter
   * @param deadline deadline in nanoseconds
   * @param output tokens generated, if it had been accepted
   * @param detail explanation
   * @param flow flow or band
   * @param bytes its size
   */
  record Reject(
      @Nullable Long now,
      String on,
      String r,
      @Nullable String reason,
      @Nullable Long prompt,
      @Nullable Long maxNew,
      @Nullable Long arrival,
      @Nullable Long priority,
      @Nullable String tenant,
      @Nullable String adapter,
      @Nullable Long deadline,
      @Nullable Long output,
      @Nullable String detail,
      @Nullable String flow,
      @Nullable Long bytes)
      implements TraceEvent {
    @Override
    public String type() {
      return "REJECT";
    }

    @Override
    public void write(FieldSink out) {
      out.text("r", r);
      out.text("reason", reason);
      out.number("prompt", prompt);
      out.number("maxNew", maxNew);
      out.number("arrival", arrival);
      out.number("priority", priority);
      out.text("tenant", tenant);
      out.text("adapter", adapter);
      out.number("deadline", deadline);
      out.number("output", output);
      out.text("detail", detail);
      out.text("flow", flow);
      out.number("bytes", bytes);
    }
  }

  /**
   * An accepted request is over.
   *
   * @param now when, in nanoseconds
   * @param on whose record
   * @param kind which record
   * @param r request
   * @param reason why
   * @param output tokens generated
   */
  record Ended(
      @Nullable Long now,
      String on,
      Ended.Kind kind,
      String r,
      @Nullable String reason,
      @Nullable Long output)
      implements TraceEvent {
    /** The records of this shape. */
    public enum Kind {
      /** The record of this name. */
      CANCEL,
      /** The record of this name. */
      EXPIRE,
      /** The record of this name. */
      FINISH
    }

    @Override
    public String type() {
      return kind.name();
    }

    @Override
    public void write(FieldSink out) {
      out.text("r", r);
      out.text("reason", reason);
      out.number("output", output);
    }
  }

  /**
   * A request waits for something outside.
   *
   * @param now when, in nanoseconds
   * @param on whose record
   * @param r request
   * @param awaits transfer, grammar, adapter, encoder or instance
   * @param reason explanation
   */
  record Defer(
      @Nullable Long now, String on, String r, @Nullable String awaits, @Nullable String reason)
      implements TraceEvent {
    @Override
    public String type() {
      return "DEFER";
    }

    @Override
    public void write(FieldSink out) {
      out.text("r", r);
      out.text("for", awaits);
      out.text("reason", reason);
    }
  }

  /**
   * A deferred request may run.
   *
   * @param now when, in nanoseconds
   * @param on whose record
   * @param r request
   * @param event what ended the wait
   */
  record Promote(@Nullable Long now, String on, String r, @Nullable String event)
      implements TraceEvent {
    @Override
    public String type() {
      return "PROMOTE";
    }

    @Override
    public void write(FieldSink out) {
      out.text("r", r);
      out.text("event", event);
    }
  }

  /**
   * An admission, allocation or load was tried.
   *
   * @param now when, in nanoseconds
   * @param on whose record
   * @param r request
   * @param outcome {@code done} or why not
   * @param fits what the check before it said
   * @param tokens tokens asked for
   * @param demand blocks the check counted as needed
   * @param supply blocks the check counted as there
   * @param reserve tokens set aside at admission
   * @param headroom blocks to stay free
   */
  record Attempt(
      @Nullable Long now,
      String on,
      String r,
      @Nullable String outcome,
      @Nullable Boolean fits,
      @Nullable Long tokens,
      @Nullable Long demand,
      @Nullable Long supply,
      @Nullable Long reserve,
      @Nullable Long headroom)
      implements TraceEvent {
    @Override
    public String type() {
      return "ATTEMPT";
    }

    @Override
    public void write(FieldSink out) {
      out.text("r", r);
      out.text("outcome", outcome);
      out.flag("fits", fits);
      out.number("tokens", tokens);
      out.number("demand", demand);
      out.number("supply", supply);
      out.number("reserve", reserve);
      out.number("headroom", headroom);
    }
  }

  /**
   * Leading tokens came from the prefix cache.
   *
   * @param now when, in nanoseconds
   * @param on whose record
   * @param r request
   * @param tokens how many
   * @param tier from which tier
   * @param keys keys of the blocks
   */
  record Hit(
      @Nullable Long now,
      String on,
      String r,
      @Nullable Long tokens,
      @Nullable String tier,
      @Nullable List<String> keys)
      implements TraceEvent {
    /** Copies the collections. */
    public Hit {
      keys = keys == null ? null : List.copyOf(keys);
    }

    @Override
    public String type() {
      return "HIT";
    }

    @Override
    public void write(FieldSink out) {
      out.text("r", r);
      out.number("tokens", tokens);
      out.text("tier", tier);
      out.texts("keys", keys);
    }
  }

  /**
   * Blocks joined or left a table, or were pinned.
   *
   * @param now when, in nanoseconds
   * @param on whose record
   * @param kind which record
   * @param r holder
   * @param blocks block ids in table order
   * @param units how many, of a resource without ids
   * @param group cache group
   * @param pool which resource; KV blocks by default
   * @param at place of the first in its table; behind the last by default
   * @param refs reference count of each block afterwards
   */
  record Blocks(
      @Nullable Long now,
      String on,
      Blocks.Kind kind,
      String r,
      @Nullable List<Long> blocks,
      @Nullable Long units,
      @Nullable Long group,
      @Nullable String pool,
      @Nullable Long at,
      @Nullable List<Long> refs)
      implements TraceEvent {
    /** The records of this shape. */
    public enum Kind {
      /** The record of this name. */
      ALLOC,
      /** The record of this name. */
      SHARE,
      /** The record of this name. */
      RELEASE,
      /** The record of this name. */
      PIN,
      /** The record of this name. */
      UNPIN
    }

    /** Copies the collections. */
    public Blocks {
      blocks = blocks == null ? null : List.copyOf(blocks);
      refs = refs == null ? null : List.copyOf(refs);
    }

    @Override
    public String type() {
      return kind.name();
    }

    @Override
    public void write(FieldSink out) {
      out.text("r", r);
      out.numbers("blocks", blocks);
      out.number("units", units);
      out.number("group", group);
      out.text("pool", pool);
      out.number("at", at);
      out.numbers("refs", refs);
    }
  }

  /**
   * A block became matchable, or ceased to be.
   *
   * @param now when, in nanoseconds
   * @param on whose record
   * @param kind which record
   * @param block block
   * @param key content key
   * @param parent key of the block before it
   * @param group cache group
   * @param tier tier
   * @param copies copies of the key that are left
   */
  record Keyed(
      @Nullable Long now,
      String on,
      Keyed.Kind kind,
      @Nullable Long block,
      @Nullable String key,
      @Nullable String parent,
      @Nullable Long group,
      @Nullable String tier,
      @Nullable Long copies)
      implements TraceEvent {
    /** The records of this shape. */
    public enum Kind {
      /** The record of this name. */
      PUBLISH,
      /** The record of this name. */
      EVICT
    }

    @Override
    public String type() {
      return kind.name();
    }

    @Override
    public void write(FieldSink out) {
      out.number("block", block);
      out.text("key", key);
      out.text("parent", parent);
      out.number("group", group);
      out.text("tier", tier);
      out.number("copies", copies);
    }
  }

  /**
   * A batch was decided.
   *
   * @param now when, in nanoseconds
   * @param on whose record
   * @param step number of the iteration
   * @param batch its rows
   * @param total declared tokens
   * @param padding tokens of padding
   * @param waiting requests in the queue afterwards
   * @param running requests running afterwards
   * @param free blocks an allocation could take afterwards
   */
  record Step(
      @Nullable Long now,
      String on,
      @Nullable Long step,
      List<Row> batch,
      @Nullable Long total,
      @Nullable Long padding,
      @Nullable Long waiting,
      @Nullable Long running,
      @Nullable Long free)
      implements TraceEvent {
    /** Copies the collections. */
    public Step {
      batch = List.copyOf(batch);
    }

    @Override
    public String type() {
      return "STEP";
    }

    @Override
    public void write(FieldSink out) {
      out.number("step", step);
      out.objects("batch", batch);
      out.number("total", total);
      out.number("padding", padding);
      out.number("waiting", waiting);
      out.number("running", running);
      out.number("free", free);
    }
  }

  /**
   * A decision planned nothing.
   *
   * @param now when, in nanoseconds
   * @param on whose record
   * @param waiting requests in the queue
   * @param running requests running
   * @param free blocks an allocation could take
   * @param until when time alone will help, in nanoseconds
   */
  record Idle(
      @Nullable Long now,
      String on,
      @Nullable Long waiting,
      @Nullable Long running,
      @Nullable Long free,
      @Nullable Long until)
      implements TraceEvent {
    @Override
    public String type() {
      return "IDLE";
    }

    @Override
    public void write(FieldSink out) {
      out.number("waiting", waiting);
      out.number("running", running);
      out.number("free", free);
      out.number("until", until);
    }
  }

  /**
   * What a scheduler rebuilt from primary state decides at the same moment as the step that
   * follows.
   *
   * @param now when, in nanoseconds
   * @param on whose record
   * @param batch its rows
   */
  record Rebuilt(@Nullable Long now, String on, List<Row> batch) implements TraceEvent {
    /** Copies the collections. */
    public Rebuilt {
      batch = List.copyOf(batch);
    }

    @Override
    public String type() {
      return "REBUILT";
    }

    @Override
    public void write(FieldSink out) {
      out.objects("batch", batch);
    }
  }

  /**
   * The result of an iteration arrived.
   *
   * @param now when, in nanoseconds
   * @param on whose record
   * @param step which
   */
  record Complete(@Nullable Long now, String on, @Nullable Long step) implements TraceEvent {
    @Override
    public String type() {
      return "COMPLETE";
    }

    @Override
    public void write(FieldSink out) {
      out.number("step", step);
    }
  }

  /**
   * An iteration was lost as a whole.
   *
   * @param now when, in nanoseconds
   * @param on whose record
   * @param step which
   * @param reason why
   */
  record Fail(@Nullable Long now, String on, @Nullable Long step, @Nullable String reason)
      implements TraceEvent {
    @Override
    public String type() {
      return "FAIL";
    }

    @Override
    public void write(FieldSink out) {
      out.number("step", step);
      out.text("reason", reason);
    }
  }

  /**
   * Tokens may be delivered.
   *
   * @param now when, in nanoseconds
   * @param on whose record
   * @param step iteration that produced them
   * @param r request
   * @param accepted how many
   * @param position output position of the first
   */
  record Output(
      @Nullable Long now,
      String on,
      @Nullable Long step,
      String r,
      @Nullable Long accepted,
      @Nullable Long position)
      implements TraceEvent {
    @Override
    public String type() {
      return "OUTPUT";
    }

    @Override
    public void write(FieldSink out) {
      out.number("step", step);
      out.text("r", r);
      out.number("accepted", accepted);
      out.number("position", position);
    }
  }

  /**
   * A transfer is pending from here on.
   *
   * @param now when, in nanoseconds
   * @param on whose record
   * @param transfer its number
   * @param r request
   * @param direction {@code in} or {@code out}
   * @param blocks blocks it reads or writes
   * @param tokens tokens it covers
   * @param reserve KV entries that a request coming here takes blocks for
   */
  record XferBegin(
      @Nullable Long now,
      String on,
      @Nullable Long transfer,
      @Nullable String r,
      @Nullable String direction,
      @Nullable List<Long> blocks,
      @Nullable Long tokens,
      @Nullable Long reserve)
      implements TraceEvent {
    /** Copies the collections. */
    public XferBegin {
      blocks = blocks == null ? null : List.copyOf(blocks);
    }

    @Override
    public String type() {
      return "XFER_BEGIN";
    }

    @Override
    public void write(FieldSink out) {
      out.number("transfer", transfer);
      out.text("r", r);
      out.text("direction", direction);
      out.numbers("blocks", blocks);
      out.number("tokens", tokens);
      out.number("reserve", reserve);
    }
  }

  /**
   * A transfer is over.
   *
   * @param now when, in nanoseconds
   * @param on whose record
   * @param transfer its number
   * @param r request
   * @param direction {@code in} or {@code out}
   * @param result {@code done}, or how it failed
   * @param tokens tokens whose KV is here now
   * @param known tokens of the request that are known here now
   * @param delivered output tokens already shown
   */
  record XferEnd(
      @Nullable Long now,
      String on,
      @Nullable Long transfer,
      @Nullable String r,
      @Nullable String direction,
      @Nullable String result,
      @Nullable Long tokens,
      @Nullable Long known,
      @Nullable Long delivered)
      implements TraceEvent {
    @Override
    public String type() {
      return "XFER_END";
    }

    @Override
    public void write(FieldSink out) {
      out.number("transfer", transfer);
      out.text("r", r);
      out.text("direction", direction);
      out.text("result", result);
      out.number("tokens", tokens);
      out.number("known", known);
      out.number("delivered", delivered);
    }
  }

  /**
   * An entry moved between tiers, or failed to.
   *
   * @param now when, in nanoseconds
   * @param on whose record
   * @param r request whose KV moved
   * @param entry entry that moved
   * @param from tier it leaves
   * @param to tier it goes to, or {@code none}
   * @param result {@code done} or {@code failed}
   * @param blocks its size
   */
  record Tier(
      @Nullable Long now,
      String on,
      @Nullable String r,
      @Nullable String entry,
      @Nullable String from,
      @Nullable String to,
      @Nullable String result,
      @Nullable Long blocks)
      implements TraceEvent {
    @Override
    public String type() {
      return "TIER";
    }

    @Override
    public void write(FieldSink out) {
      out.text("r", r);
      out.text("entry", entry);
      out.text("from", from);
      out.text("to", to);
      out.text("result", result);
      out.number("blocks", blocks);
    }
  }

  /**
   * A running request went back to the queue.
   *
   * @param now when, in nanoseconds
   * @param on whose record
   * @param r request
   * @param mode {@code recompute} or {@code swap}
   * @param beneficiary for whom
   * @param cause {@code failure} if its iteration was lost
   */
  record Preempt(
      @Nullable Long now,
      String on,
      String r,
      @Nullable String mode,
      @Nullable String beneficiary,
      @Nullable String cause)
      implements TraceEvent {
    @Override
    public String type() {
      return "PREEMPT";
    }

    @Override
    public void write(FieldSink out) {
      out.text("r", r);
      out.text("mode", mode);
      out.text("beneficiary", beneficiary);
      out.text("cause", cause);
    }
  }

  /**
   * A preempted request runs again.
   *
   * @param now when, in nanoseconds
   * @param on whose record
   * @param r request
   * @param computed tokens it need not compute
   */
  record Resume(@Nullable Long now, String on, String r, @Nullable Long computed)
      implements TraceEvent {
    @Override
    public String type() {
      return "RESUME";
    }

    @Override
    public void write(FieldSink out) {
      out.text("r", r);
      out.number("computed", computed);
    }
  }

  /**
   * A request is started again elsewhere.
   *
   * @param now when, in nanoseconds
   * @param on whose record
   * @param r request
   * @param from instance it leaves
   * @param to instance it goes to
   * @param delivered output tokens already shown
   * @param minNew fewest tokens still to come
   * @param maxNew most tokens still to come
   * @param movable whether its state can be moved
   */
  record Migrate(
      @Nullable Long now,
      String on,
      String r,
      @Nullable String from,
      @Nullable String to,
      @Nullable Long delivered,
      @Nullable Long minNew,
      @Nullable Long maxNew,
      @Nullable Boolean movable)
      implements TraceEvent {
    @Override
    public String type() {
      return "MIGRATE";
    }

    @Override
    public void write(FieldSink out) {
      out.text("r", r);
      out.text("from", from);
      out.text("to", to);
      out.number("delivered", delivered);
      out.number("minNew", minNew);
      out.number("maxNew", maxNew);
      out.flag("movable", movable);
    }
  }

  /**
   * A router chose an instance.
   *
   * @param now when, in nanoseconds
   * @param on whose record
   * @param r request
   * @param policy id of the policy
   * @param instance chosen instance
   * @param incarnation its life
   * @param prefill instance that computes the prompt
   * @param rule rule that decided
   * @param deadline deadline in nanoseconds
   * @param fallbacks further instances, best first
   * @param keys content keys of the request
   * @param candidates what was seen of each
   */
  record Route(
      @Nullable Long now,
      String on,
      String r,
      @Nullable String policy,
      @Nullable String instance,
      @Nullable Long incarnation,
      @Nullable String prefill,
      @Nullable String rule,
      @Nullable Long deadline,
      @Nullable List<String> fallbacks,
      @Nullable List<String> keys,
      @Nullable List<Candidate> candidates)
      implements TraceEvent {
    /** Copies the collections. */
    public Route {
      fallbacks = fallbacks == null ? null : List.copyOf(fallbacks);
      keys = keys == null ? null : List.copyOf(keys);
      candidates = candidates == null ? null : List.copyOf(candidates);
    }

    @Override
    public String type() {
      return "ROUTE";
    }

    @Override
    public void write(FieldSink out) {
      out.text("r", r);
      out.text("policy", policy);
      out.text("instance", instance);
      out.number("incarnation", incarnation);
      out.text("prefill", prefill);
      out.text("rule", rule);
      out.number("deadline", deadline);
      out.texts("fallbacks", fallbacks);
      out.texts("keys", keys);
      out.objects("candidates", candidates);
    }
  }

  /**
   * The load of an instance changed.
   *
   * @param now when, in nanoseconds
   * @param on whose record
   * @param instance instance
   * @param incarnation its life
   * @param amount by how much
   * @param r request
   * @param cause why
   * @param phase {@code prefill} or {@code decode}
   */
  record Ledger(
      @Nullable Long now,
      String on,
      @Nullable String instance,
      @Nullable Long incarnation,
      @Nullable Long amount,
      @Nullable String r,
      @Nullable String cause,
      @Nullable String phase)
      implements TraceEvent {
    @Override
    public String type() {
      return "LEDGER";
    }

    @Override
    public void write(FieldSink out) {
      out.text("instance", instance);
      out.number("incarnation", incarnation);
      out.number("amount", amount);
      out.text("r", r);
      out.text("cause", cause);
      out.text("phase", phase);
    }
  }

  /**
   * An instance changed state.
   *
   * @param now when, in nanoseconds
   * @param on whose record
   * @param instance instance
   * @param incarnation its life
   * @param state starting, ready, draining or down
   * @param role prefill, decode or mixed
   * @param cap most requests at once
   */
  record InstanceState(
      @Nullable Long now,
      String on,
      @Nullable String instance,
      @Nullable Long incarnation,
      @Nullable String state,
      @Nullable String role,
      @Nullable Long cap)
      implements TraceEvent {
    @Override
    public String type() {
      return "INSTANCE";
    }

    @Override
    public void write(FieldSink out) {
      out.text("instance", instance);
      out.number("incarnation", incarnation);
      out.text("state", state);
      out.text("role", role);
      out.number("cap", cap);
    }
  }

  /**
   * Content keys of an instance were added to an index or removed.
   *
   * @param now when, in nanoseconds
   * @param on whose record
   * @param instance instance; absent in the log of one
   * @param incarnation its life
   * @param action add, remove or clear
   * @param keys keys
   * @param r request they were learnt from
   * @param copies copies the instance still has
   */
  record Index(
      @Nullable Long now,
      String on,
      @Nullable String instance,
      @Nullable Long incarnation,
      @Nullable String action,
      @Nullable List<String> keys,
      @Nullable String r,
      @Nullable Long copies)
      implements TraceEvent {
    /** Copies the collections. */
    public Index {
      keys = keys == null ? null : List.copyOf(keys);
    }

    @Override
    public String type() {
      return "INDEX";
    }

    @Override
    public void write(FieldSink out) {
      out.text("instance", instance);
      out.number("incarnation", incarnation);
      out.text("action", action);
      out.texts("keys", keys);
      out.text("r", r);
      out.number("copies", copies);
    }
  }

  /**
   * A flow or band changed.
   *
   * @param now when, in nanoseconds
   * @param on whose record
   * @param flow flow or band
   * @param action open or collect
   * @param count requests it counts
   * @param bytes bytes it counts
   * @param limitCount most requests
   * @param limitBytes most bytes
   */
  record Flow(
      @Nullable Long now,
      String on,
      @Nullable String flow,
      @Nullable String action,
      @Nullable Long count,
      @Nullable Long bytes,
      @Nullable Long limitCount,
      @Nullable Long limitBytes)
      implements TraceEvent {
    @Override
    public String type() {
      return "FLOW";
    }

    @Override
    public void write(FieldSink out) {
      out.text("flow", flow);
      out.text("action", action);
      out.number("count", count);
      out.number("bytes", bytes);
      out.number("limitCount", limitCount);
      out.number("limitBytes", limitBytes);
    }
  }

  /**
   * A figure was published, or used by a decision.
   *
   * @param now when, in nanoseconds
   * @param on whose record
   * @param name which
   * @param value its value
   * @param used whether a decision used it
   */
  record Gauge(
      @Nullable Long now,
      String on,
      @Nullable String name,
      @Nullable Double value,
      @Nullable Boolean used)
      implements TraceEvent {
    @Override
    public String type() {
      return "GAUGE";
    }

    @Override
    public void write(FieldSink out) {
      out.text("name", name);
      out.decimal("value", value);
      out.flag("used", used);
    }
  }

  /**
   * The recorder vouches that no more work comes and everything had time to end.
   *
   * @param now when, in nanoseconds
   * @param on whose record
   */
  record Drained(@Nullable Long now, String on) implements TraceEvent {
    @Override
    public String type() {
      return "DRAINED";
    }

    @Override
    public void write(FieldSink out) {}
  }

  /**
   * One row of a batch.
   *
   * @param r request
   * @param start first position computed
   * @param n tokens
   * @param kind {@code prefill}, {@code decode} or {@code verify}
   * @param drafts drafts among the tokens
   * @param slot place in the engine's arrays
   * @param draftIds token ids of the drafts
   * @param pending results the scheduler believes to be outstanding, this one included
   */
  record Row(
      String r,
      @Nullable Long start,
      @Nullable Long n,
      @Nullable String kind,
      @Nullable Long drafts,
      @Nullable Long slot,
      @Nullable List<Long> draftIds,
      @Nullable Long pending)
      implements FieldSink.Part {
    /** Copies the draft ids. */
    public Row {
      draftIds = draftIds == null ? null : List.copyOf(draftIds);
    }

    @Override
    public void write(FieldSink out) {
      out.text("r", r);
      out.number("start", start);
      out.number("n", n);
      out.text("kind", kind);
      out.number("drafts", drafts);
      out.number("slot", slot);
      out.numbers("draftIds", draftIds);
      out.number("pending", pending);
    }
  }

  /**
   * What a router saw of one instance that it could choose.
   *
   * @param instance its id
   * @param incarnation its life
   * @param waiting requests waiting there
   * @param running requests running there
   * @param inFlight requests routed there that are not over
   * @param hit leading content keys of the request that it is credited with
   * @param observed time of the snapshot that the figures are from, in nanoseconds
   * @param scores parts of its score by name
   */
  record Candidate(
      String instance,
      @Nullable Long incarnation,
      @Nullable Long waiting,
      @Nullable Long running,
      @Nullable Long inFlight,
      @Nullable Long hit,
      @Nullable Long observed,
      @Nullable Map<String, Double> scores)
      implements FieldSink.Part {
    /** Copies the scores. */
    public Candidate {
      scores = scores == null ? null : Fields.ordered(scores);
    }

    @Override
    public void write(FieldSink out) {
      out.text("instance", instance);
      out.number("incarnation", incarnation);
      out.number("waiting", waiting);
      out.number("running", running);
      out.number("inFlight", inFlight);
      out.number("hit", hit);
      out.number("observed", observed);
      out.decimals("scores", scores);
    }
  }
}
