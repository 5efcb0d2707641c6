package io.headway.testkit.vectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.headway.api.memory.BlockExtras;
import io.headway.api.memory.BlockKey;
import io.headway.api.memory.BlockKeyChain;
import io.headway.api.memory.KvDemand;
import io.headway.api.memory.KvEventSink;
import io.headway.api.memory.KvMoveKind;
import io.headway.api.memory.KvOutcome;
import io.headway.api.memory.KvTier;
import io.headway.api.memory.MediaItem;
import io.headway.api.memory.OwnerKind;
import io.headway.api.memory.PrefixAttributes;
import io.headway.api.memory.ReleaseOrder;
import io.headway.memory.pool.FreeOrder;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.memory.pool.SequenceGroups;
import io.headway.memory.prefix.BlockEncoding;
import io.headway.memory.prefix.Sha256BlockHash;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Runs the vectors of the suite {@code memory} that drive block pools and name their content. */
final class MemoryVectors implements VectorAdapter {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  @Override
  public String suite() {
    return "memory";
  }

  @Override
  public boolean supports(ConformanceVector vector) {
    return switch (vector.algorithm()) {
      case "paged-pool", "prefix-cache" -> vector.kind().equals("pool.ops");
      case "prefix-keys" -> vector.kind().equals("pool.keys");
      default -> false;
    };
  }

  @Override
  public JsonNode run(ConformanceVector vector) {
    return switch (vector.algorithm()) {
      case "paged-pool" -> steps(vector, new PagedPool(vector.params()));
      case "prefix-cache" -> steps(vector, new PrefixCache(vector.params()));
      case "prefix-keys" -> keys(vector.params(), vector.input());
      default ->
          throw new IllegalArgumentException(
              "algorithm must be a supported one, but was " + vector.algorithm());
    };
  }

  /** A pool under a list of operations. */
  private interface Subject {
    /** Carries out one operation and writes its outcome. */
    void run(String op, JsonNode arguments, ObjectNode step);

    /** Writes the whole state. */
    void state(ObjectNode step);
  }

  private static JsonNode steps(ConformanceVector vector, Subject subject) {
    ObjectNode result = JSON.objectNode();
    ArrayNode steps = result.putArray("steps");
    for (JsonNode op : JsonFields.arrayOf(vector.input(), "ops")) {
      ObjectNode step = steps.addObject();
      subject.run(JsonFields.textOf(op, "op"), op, step);
      subject.state(step);
    }
    return result;
  }

  private static void refuse(ObjectNode step, String code) {
    step.put("result", "error").put("error", code);
  }

  private static ArrayNode ints(int[] values) {
    ArrayNode array = JSON.arrayNode(values.length);
    for (int value : values) {
      array.add(value);
    }
    return array;
  }

  private static ArrayNode table(PagedKvBlockPool pool, long owner) {
    ArrayNode table = JSON.arrayNode();
    for (int i = 0; i < pool.blockCount(owner, 0); i++) {
      table.add(pool.block(owner, 0, i));
    }
    return table;
  }

  private static ObjectNode references(PagedKvBlockPool pool, Iterable<Integer> blocks) {
    ObjectNode counts = JSON.objectNode();
    for (int block : blocks) {
      int count = pool.referenceCount(KvTier.DEVICE, block);
      if (count > 0) {
        counts.put(Integer.toString(block), count);
      }
    }
    return counts;
  }

  /** Sheet 1: {@link SequenceGroups} over a pool without prefix cache. */
  private static final class PagedPool implements Subject {
    private final PagedKvBlockPool pool;
    private final SequenceGroups<String> groups;
    private final boolean recovering;

    PagedPool(JsonNode params) {
      pool =
          PagedKvBlockPool.of(
              PagedKvConfig.of(
                      JsonFields.intOf(params, "blockTokens"),
                      JsonFields.intOf(params, "totalBlocks"))
                  .withWatermarkFraction(JsonFields.doubleOf(params, "watermarkFraction", 0.01))
                  .withHostBlocks(JsonFields.intOf(params, "cpuBlocks", 0))
                  .withPrefixCaching(false));
      recovering = params.has("recovery");
      groups = new SequenceGroups<>(pool, recovery(JsonFields.textOf(params, "recovery", "auto")));
    }

    private static SequenceGroups.Recovery recovery(String name) {
      return switch (name) {
        case "recompute" -> SequenceGroups.Recovery.RECOMPUTE;
        case "swap" -> SequenceGroups.Recovery.SWAP;
        case "auto" -> SequenceGroups.Recovery.AUTO;
        default ->
            throw new VectorFormatException(
                "field recovery must be recompute, swap or auto, but was " + name);
      };
    }

    @Override
    public void run(String op, JsonNode arguments, ObjectNode step) {
      boolean preempting = op.equals("appendPreempting");
      switch (op) {
        case "admit" -> admit(arguments, step);
        case "fork" -> {
          String child = JsonFields.textOf(arguments, "child");
          if (known(arguments, step)) {
            if (groups.contains(child)) {
              refuse(step, "owner-exists");
            } else {
              put(step, groups.fork(owner(arguments), child));
            }
          }
        }
        case "append" -> {
          if (known(arguments, step)) {
            // The suite has no "never" for growth: the pool might be enlarged.
            SequenceGroups.Result result = groups.append(owner(arguments));
            put(step, result == SequenceGroups.Result.NEVER ? SequenceGroups.Result.LATER : result);
          }
        }
        case "appendPreempting" -> {
          if (known(arguments, step)) {
            put(step, groups.appendPreempting(owner(arguments)));
          } else {
            preempting = false;
          }
        }
        case "free" -> {
          if (known(arguments, step)) {
            groups.free(owner(arguments));
            put(step, SequenceGroups.Result.OK);
          }
        }
        case "swapIn" -> {
          if (groups.swapped().isEmpty()) {
            refuse(step, "nothing-swapped");
          } else {
            put(step, groups.swapIn());
          }
        }
        case "resize" -> {
          boolean done = pool.resize(JsonFields.intOf(arguments, "deltaBlocks")).ok();
          step.put("result", done ? "ok" : "later");
        }
        default -> throw new VectorFormatException("field op must be known, but was " + op);
      }
      if (recovering) {
        ArrayNode preempted = step.putArray("preempted");
        if (preempting) {
          for (SequenceGroups.Preemption<String> each : groups.preempted()) {
            preempted
                .addObject()
                .put("group", each.group())
                .put("mode", each.swapped() ? "swap" : "recompute");
          }
        }
      }
    }

    private void admit(JsonNode arguments, ObjectNode step) {
      String name = owner(arguments);
      int tokens = JsonFields.intOf(arguments, "tokens");
      if (tokens <= 0) {
        refuse(step, "invalid-argument");
      } else if (groups.contains(name)) {
        refuse(step, "owner-exists");
      } else {
        put(step, groups.admit(name, JsonFields.textOf(arguments, "group", name), tokens));
      }
    }

    private static String owner(JsonNode arguments) {
      return JsonFields.textOf(arguments, "owner");
    }

    private boolean known(JsonNode arguments, ObjectNode step) {
      boolean known = groups.contains(owner(arguments));
      if (!known) {
        refuse(step, "unknown-owner");
      }
      return known;
    }

    private static void put(ObjectNode step, SequenceGroups.Result result) {
      step.put(
          "result",
          switch (result) {
            case OK -> "ok";
            case LATER -> "later";
            case NEVER -> "never";
            case FAILED -> "failed";
            case PREEMPTED -> "preempted";
          });
    }

    @Override
    public void state(ObjectNode step) {
      ObjectNode tables = step.putObject("tables");
      ObjectNode hostTables = JSON.objectNode();
      List<Integer> held = new ArrayList<>();
      for (String name : groups.sequences()) {
        long owner = groups.owner(name);
        boolean onDevice = pool.tier(owner) == KvTier.DEVICE;
        ArrayNode table = table(pool, owner);
        (onDevice ? tables : hostTables).set(name, table);
        if (onDevice) {
          table.forEach(block -> held.add(block.intValue()));
        }
      }
      step.set("refCounts", references(pool, held));
      step.set("freeList", ints(pool.availableOrder(KvTier.DEVICE)));
      ArrayNode moves = step.putArray("moves");
      pool.drainMoves(
          (kind, source, target, group, transfer) -> {
            if (kind != KvMoveKind.DROP) {
              moves.addObject().put("kind", kind.name()).put("from", source).put("to", target);
            }
          });
      if (recovering) {
        groups.waiting().forEach(step.putArray("waiting")::add);
        groups.swapped().forEach(step.putArray("swapped")::add);
        step.set("cpuTables", hostTables);
        step.set("cpuFreeList", ints(pool.availableOrder(KvTier.HOST)));
      }
    }
  }

  /** Sheet 3: the pool itself. */
  private static final class PrefixCache implements Subject {
    private record Sequence(long owner, BlockKeyChain keys) {}

    private final PagedKvBlockPool pool;
    private final Map<String, Sequence> sequences = new LinkedHashMap<>();

    PrefixCache(JsonNode params) {
      pool =
          PagedKvBlockPool.of(
              PagedKvConfig.of(
                      JsonFields.intOf(params, "blockTokens"),
                      JsonFields.intOf(params, "totalBlocks"))
                  .withNullBlock(true)
                  .withEvents(true)
                  .withDropLastHit(JsonFields.booleanOf(params, "dropLastHit", false))
                  .withFreeOrder(freeOrder(JsonFields.textOf(params, "freeOrder", "append"))));
    }

    private static FreeOrder freeOrder(String name) {
      return switch (name) {
        case "append" -> FreeOrder.APPEND;
        case "uncachedFirst" -> FreeOrder.UNCACHED_FIRST;
        default ->
            throw new VectorFormatException(
                "field freeOrder must be append or uncachedFirst, but was " + name);
      };
    }

    @Override
    public void run(String op, JsonNode arguments, ObjectNode step) {
      switch (op) {
        case "start" -> start(arguments, step);
        case "decode" -> decode(arguments, step);
        case "free" -> {
          Sequence sequence = sequences.remove(JsonFields.textOf(arguments, "owner"));
          if (sequence == null) {
            refuse(step, "unknown-owner");
          } else {
            pool.release(sequence.owner(), ReleaseOrder.DEEPEST_FIRST);
            step.put("result", "ok");
          }
        }
        case "probe" -> {
          BlockKeyChain keys = keys(arguments);
          int[] hits = pool.hitBlocks(keys, Math.max(0, keys.tokenCount() - 1), 0);
          step.put("result", "ok").set("hitBlocks", ints(hits));
          step.put("hitTokens", hits.length * keys.blockTokens());
        }
        case "reset" -> step.put("result", pool.reset() ? "ok" : "refused");
        case "evictKeys" -> {
          int[] blocks = JsonFields.intsOf(arguments, "blocks");
          pool.evictKeys(blocks, blocks.length);
          step.put("result", "ok");
        }
        default -> throw new VectorFormatException("field op must be known, but was " + op);
      }
    }

    private BlockKeyChain keys(JsonNode arguments) {
      JsonNode extras = arguments.path("extras");
      BlockKeyChain keys =
          pool.newKeys(
              PrefixAttributes.NONE
                  .withAdapter(JsonFields.textOf(extras, "adapter", ""))
                  .withSalt(JsonFields.textOf(extras, "salt", "")));
      int[] tokens = JsonFields.intsOf(arguments, "tokens");
      keys.append(tokens, 0, tokens.length);
      return keys;
    }

    private void start(JsonNode arguments, ObjectNode step) {
      String name = JsonFields.textOf(arguments, "owner");
      BlockKeyChain keys = keys(arguments);
      int tokens = keys.tokenCount();
      if (tokens == 0) {
        refuse(step, "invalid-argument");
        return;
      }
      if (sequences.containsKey(name)) {
        refuse(step, "owner-exists");
        return;
      }
      boolean skipRead = JsonFields.booleanOf(arguments, "skipRead", false);
      KvDemand demand =
          new KvDemand(
              tokens,
              JsonFields.intOf(arguments, "lookaheadTokens", 0),
              skipRead ? 0 : tokens - 1,
              JsonFields.intOf(arguments, "watermarkBlocks", 0),
              JsonFields.intOf(arguments, "reservedBlocks", 0));
      long owner = pool.open(OwnerKind.SEQUENCE, keys);
      KvOutcome outcome = pool.tryAllocate(owner, demand);
      if (!outcome.ok()) {
        pool.release(owner, ReleaseOrder.DEEPEST_FIRST);
        step.put("result", outcome.verdict() == KvOutcome.Verdict.NEVER ? "never" : "later");
        return;
      }
      pool.publish(owner, tokens);
      sequences.put(name, new Sequence(owner, keys));
      step.put("result", "ok").put("hitTokens", pool.hitTokens(owner));
      int hits = pool.hitTokens(owner) / keys.blockTokens();
      ArrayNode table = table(pool, owner);
      ArrayNode hitBlocks = step.putArray("hitBlocks");
      ArrayNode newBlocks = step.putArray("newBlocks");
      for (int i = 0; i < table.size(); i++) {
        (i < hits ? hitBlocks : newBlocks).add(table.get(i));
      }
    }

    private void decode(JsonNode arguments, ObjectNode step) {
      Sequence sequence = sequences.get(JsonFields.textOf(arguments, "owner"));
      if (sequence == null) {
        refuse(step, "unknown-owner");
        return;
      }
      int[] tokens = JsonFields.intsOf(arguments, "tokens");
      BlockKeyChain keys = sequence.keys();
      int length = keys.tokenCount() + tokens.length;
      int before = pool.blockCount(sequence.owner(), 0);
      if (!pool.growTo(sequence.owner(), length).ok()) {
        step.put("result", "later");
        return;
      }
      keys.append(tokens, 0, tokens.length);
      pool.publish(
          sequence.owner(), Math.min(length, JsonFields.intOf(arguments, "finalTokens", length)));
      ArrayNode newBlocks = step.put("result", "ok").putArray("newBlocks");
      for (int i = before; i < pool.blockCount(sequence.owner(), 0); i++) {
        newBlocks.add(pool.block(sequence.owner(), 0, i));
      }
    }

    @Override
    public void state(ObjectNode step) {
      ArrayNode removed = JSON.arrayNode();
      ArrayNode stored = JSON.arrayNode();
      pool.drainEvents(
          new KvEventSink() {
            @Override
            public void stored(
                BlockKey key, BlockKey parent, int block, int group, KvTier tier, int copies) {
              stored.add(block);
            }

            @Override
            public void removed(BlockKey key, int block, int group, KvTier tier, int copies) {
              removed.add(block);
            }

            @Override
            public void cleared() {
              step.put("cleared", true);
            }
          });
      if (!removed.isEmpty()) {
        step.set("removed", removed);
      }
      if (!stored.isEmpty()) {
        step.set("stored", stored);
      }
      step.set("queue", ints(pool.availableOrder(KvTier.DEVICE)));
      ArrayNode keyed = step.putArray("keyed");
      List<Integer> blocks = new ArrayList<>();
      for (int block = 1; block < pool.config().deviceBlocks(); block++) {
        blocks.add(block);
        if (pool.isKeyed(KvTier.DEVICE, block)) {
          keyed.add(block);
        }
      }
      step.set("refCounts", references(pool, blocks));
      ObjectNode tables = step.putObject("tables");
      sequences.forEach((name, sequence) -> tables.set(name, table(pool, sequence.owner())));
    }
  }

  private static JsonNode keys(JsonNode params, JsonNode input) {
    int blockTokens = JsonFields.intOf(params, "blockTokens");
    Sha256BlockHash hash =
        new Sha256BlockHash(JsonFields.textOf(params, "seed"), BlockEncoding.PLAIN);
    PrefixAttributes attributes =
        PrefixAttributes.NONE
            .withAdapter(JsonFields.textOf(input, "adapter", ""))
            .withSalt(JsonFields.textOf(input, "salt", ""))
            .withMedia(media(input))
            .withEmbeddingDigests(digests(input));
    // Token ids of this suite may exceed 32 bits, which a chain of a request's tokens never does.
    long[] tokens = JsonFields.longsOf(input, "tokens");
    ObjectNode result = JSON.objectNode();
    ArrayNode extras = result.putArray("extras");
    ArrayNode keys = result.putArray("keys");
    ArrayNode mapKeys = JSON.arrayNode();
    long[] key = new long[hash.words()];
    hash.root(key, 0);
    result.put("none", BlockKey.of(key, 0, hash.words()).toString());
    for (int i = 0; i < tokens.length / blockTokens; i++) {
      BlockExtras each = attributes.extras(i, blockTokens);
      int from = i * blockTokens;
      hash.next(key, 0, tokens, from, from + blockTokens, each, key, 0);
      String hex = BlockKey.of(key, 0, hash.words()).toString();
      keys.add(hex);
      extras.add(list(each));
      if (params.has("groupId")) {
        mapKeys.add(hex + String.format(Locale.ROOT, "%08x", JsonFields.intOf(params, "groupId")));
      }
    }
    if (params.has("groupId")) {
      result.set("mapKeys", mapKeys);
    }
    return result;
  }

  private static List<MediaItem> media(JsonNode input) {
    List<MediaItem> items = new ArrayList<>();
    for (JsonNode item : input.path("items")) {
      items.add(
          new MediaItem(
              JsonFields.textOf(item, "digest"),
              JsonFields.intOf(item, "offset"),
              JsonFields.intOf(item, "length")));
    }
    return items;
  }

  private static List<String> digests(JsonNode input) {
    List<String> digests = new ArrayList<>();
    for (JsonNode digest : input.path("embeddingDigests")) {
      digests.add(digest.isNull() ? "" : digest.textValue());
    }
    return digests;
  }

  /** The attributes as the plain encoding hashes them. */
  private static JsonNode list(BlockExtras extras) {
    if (extras.isEmpty()) {
      return JSON.nullNode();
    }
    ArrayNode list = JSON.arrayNode();
    if (!extras.adapter().isEmpty()) {
      list.add(extras.adapter());
    }
    for (BlockExtras.MediaSlice slice : extras.media()) {
      list.addArray().add(slice.digest()).add(slice.offsetTokens());
    }
    if (!extras.salt().isEmpty()) {
      list.add(extras.salt());
    }
    if (!extras.embeddingDigest().isEmpty()) {
      list.add(extras.embeddingDigest());
    }
    return list;
  }
}
