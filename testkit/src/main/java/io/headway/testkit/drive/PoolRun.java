package io.headway.testkit.drive;

import io.headway.api.Invariant;
import io.headway.api.PolicyViolationException;
import io.headway.testkit.scenario.Event;
import io.headway.testkit.scenario.Observations;
import io.headway.testkit.scenario.Scenario;
import io.headway.testkit.subject.EngineConfig;
import io.headway.testkit.subject.PoolFactory;
import io.headway.testkit.subject.PoolSubject;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;
import java.util.function.Predicate;

/** Plays one scenario against one pool, beside a model of tables and contents. */
final class PoolRun {
  /** What the model knows of a holder. */
  private static final class Holder {
    final int number;
    final String isolation;
    int[] tokens;
    int published;
    int pins;
    boolean released;
    boolean onHost;
    int[] table = {};

    Holder(int number, int[] tokens, String isolation) {
      this.number = number;
      this.tokens = tokens;
      this.isolation = isolation;
    }

    boolean holds() {
      return !released || pins > 0;
    }
  }

  private static final class Halt extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Halt() {
      super(null, null, false, false);
    }
  }

  private interface Call {
    void run();
  }

  private final Scenario scenario;
  private final Observations seen;
  private final PoolSubject pool;
  private final int blocks;
  private final int blockTokens;
  private final boolean realHash;
  private final Map<Integer, Holder> holders = new LinkedHashMap<>();

  /** What each device block holds: the whole prefix up to and with it; absent if unknown. */
  private final Map<Integer, String> contents = new HashMap<>();

  /** Prefixes that are matchable on the device as far as the model knows, by block. */
  private final Map<Integer, String> matchable = new HashMap<>();

  private final StringBuilder journal = new StringBuilder();
  private int number;
  private int attempt = 1_000_000;

  PoolRun(PoolFactory factory, Scenario scenario, Observations seen) {
    this.scenario = scenario;
    this.seen = seen;
    EngineConfig config =
        new EngineConfig(
            scenario.intOf(Engine.BLOCK_TOKENS),
            scenario.intOf(Engine.BLOCKS),
            scenario.intOf(Engine.HOST_BLOCKS),
            1,
            1,
            1,
            1,
            scenario.intOf(Engine.HASH_VALUES),
            EngineConfig.Keys.TOKENS,
            1);
    pool = factory.create(config);
    blocks = config.blocks();
    blockTokens = config.blockTokens();
    realHash = config.hashValues() == 0;
  }

  String journal() {
    return journal.toString();
  }

  void play() {
    try {
      List<Event> events = scenario.events();
      for (int i = 0; i < events.size(); i++) {
        seen.event(i);
        seen.step(i);
        play(events.get(i));
        look();
      }
      seen.event(events.size());
      seen.step(events.size());
      drain();
    } catch (Halt halt) {
      // What went wrong was recorded where it happened.
    }
  }

  private void call(String what, Call call) {
    try {
      call.run();
    } catch (PolicyViolationException e) {
      violated(e.rule(), "policy", what + " threw: " + e.getMessage());
    } catch (RuntimeException e) {
      violated(Invariant.INV_02, "exception", what + " threw " + e);
    }
    seen.exercised(Invariant.INV_02);
  }

  private void violated(Invariant rule, String entity, String sentence) {
    seen.exercised(rule);
    seen.violated(rule, entity, sentence, "");
    throw new Halt();
  }

  private void play(Event event) {
    if (event.is(Pool.ALLOCATE)) {
      allocate(event);
    } else if (event.is(Pool.UNDONE)) {
      undone(event);
    } else if (event.is(Pool.CLEAR)) {
      clear();
    } else {
      int which = event.intOf(Engine.WHICH);
      if (event.is(Pool.GROW)) {
        pick(which, h -> !h.released && !h.onHost).ifPresent(h -> grow(h, event.intOf(Pool.MORE)));
      } else if (event.is(Pool.PUBLISH)) {
        pick(which, h -> h.holds() && !h.onHost).ifPresent(h -> publish(h, event));
      } else if (event.is(Pool.RELEASE)) {
        pick(which, h -> !h.released).ifPresent(this::release);
      } else if (event.is(Pool.PIN)) {
        pick(which, h -> !h.released && !h.onHost).ifPresent(this::pin);
      } else if (event.is(Pool.UNPIN)) {
        pick(which, h -> h.pins > 0).ifPresent(this::unpin);
      } else if (event.is(Pool.SWAP_OUT)) {
        pick(which, h -> !h.released && !h.onHost && h.pins == 0).ifPresent(this::swapOut);
      } else if (event.is(Pool.SWAP_IN)) {
        pick(which, h -> !h.released && h.onHost).ifPresent(this::swapIn);
      }
    }
  }

  private java.util.Optional<Holder> pick(int which, Predicate<Holder> among) {
    List<Holder> fit = new ArrayList<>();
    for (Holder holder : holders.values()) {
      if (among.test(holder)) {
        fit.add(holder);
      }
    }
    return fit.isEmpty()
        ? java.util.Optional.empty()
        : java.util.Optional.of(fit.get(which % fit.size()));
  }

  private String prefix(Holder h, int block) {
    int to = Math.min(h.tokens.length, (block + 1) * blockTokens);
    return h.isolation + Arrays.toString(Arrays.copyOf(h.tokens, to));
  }

  private void allocate(Event event) {
    int[] tokens = Engine.prompt(event, blockTokens);
    String tenant = Engine.name(event.get(Engine.TENANT));
    String adapter = Engine.name(event.get(Engine.ADAPTER));
    String salt = Engine.name(event.get(Engine.SALT));
    Holder h = new Holder(number++, tokens, tenant + "/" + adapter + "/" + salt + "/");
    boolean[] fits = new boolean[1];
    call("fits", () -> fits[0] = pool.fits(tokens, tenant, adapter, salt));
    String before = pool.picture();
    int free = pool.freeBlocks();
    int expected = residentTokens(h);
    PoolSubject.Allocation[] answer = {PoolSubject.Allocation.REFUSED};
    call("allocate", () -> answer[0] = pool.allocate(h.number, tokens, tenant, adapter, salt));
    boolean granted = answer[0].isGranted();
    seen.check(
        granted == fits[0],
        Invariant.INV_12,
        "check",
        "the check says "
            + (fits[0] ? "it fits" : "it does not fit")
            + ", but the allocation is "
            + (granted ? "granted" : "refused"));
    journal.append(h.number).append(granted ? '+' : '-').append(answer[0].hitTokens());
    line(
        "allocate " + h.number + " (" + tokens.length + " tokens)",
        granted ? "hit " + answer[0].hitTokens() : "refused");
    if (!granted) {
      seen.label("refused");
      unchanged(before, free, "a refused allocation");
      seen.check(
          blocksFor(tokens.length) > free,
          Invariant.INV_12,
          "check",
          "refused " + blocksFor(tokens.length) + " blocks although " + free + " are free");
      return;
    }
    holders.put(h.number, h);
    int hit = answer[0].hitTokens();
    seen.check(
        hit % blockTokens == 0 && hit < tokens.length,
        Invariant.INV_17,
        "hit",
        "a hit of "
            + hit
            + " of "
            + tokens.length
            + " tokens is not a whole number of blocks that"
            + " leaves one token to compute");
    h.published = hit;
    took(h, hit / blockTokens);
    if (hit > 0) {
      seen.label("hit");
    }
    if (realHash) {
      seen.check(
          hit >= expected,
          Invariant.INV_18,
          "hit",
          "holder "
              + h.number
              + " hits "
              + hit
              + " tokens, but "
              + expected
              + " of its tokens are resident and were never evicted");
    }
  }

  private int blocksFor(int tokens) {
    return (tokens + blockTokens - 1) / blockTokens;
  }

  /** Returns how many leading tokens are matchable as far as the model knows. */
  private int residentTokens(Holder h) {
    Set<String> there = new HashSet<>(matchable.values());
    int tokens = 0;
    for (int b = 0; (b + 1) * blockTokens < h.tokens.length; b++) {
      if (!there.contains(prefix(h, b))) {
        break;
      }
      tokens = (b + 1) * blockTokens;
    }
    return tokens;
  }

  /** Compares a table that has grown with what is held, and writes the new blocks. */
  private void took(Holder h, int hits) {
    int[] table = pool.table(h.number);
    seen.check(
        table.length == blocksFor(h.tokens.length),
        Invariant.INV_11,
        "table",
        "holder "
            + h.number
            + " has "
            + table.length
            + " blocks for "
            + h.tokens.length
            + " tokens of "
            + blockTokens
            + " a block");
    Set<Integer> mine = new HashSet<>();
    for (int i = 0; i < table.length; i++) {
      int block = table[i];
      if (!mine.add(block) || block < 0 || block > blocks) {
        violated(
            Invariant.INV_10,
            "block",
            "the table "
                + Arrays.toString(table)
                + " names block "
                + block
                + " twice, or it does not exist");
      }
      boolean kept = i < h.table.length && h.table[i] == block;
      if (i < hits) {
        hit(h, i, block);
      } else if (!kept) {
        fresh(h, i, block);
      }
    }
    h.table = table;
    journal.append(Arrays.toString(table)).append('\n');
  }

  private void hit(Holder h, int index, int block) {
    seen.exercised(Invariant.INV_14);
    String held = contents.get(block);
    if (held == null || !matchable.containsKey(block)) {
      violated(
          Invariant.INV_15,
          "block",
          "holder " + h.number + " hits block " + block + ", whose content was never published");
    } else if (!held.equals(prefix(h, index))) {
      violated(
          Invariant.INV_14,
          "block",
          "holder "
              + h.number
              + " hits block "
              + block
              + ", which holds "
              + held
              + " and not "
              + prefix(h, index));
    }
  }

  private void fresh(Holder h, int index, int block) {
    seen.exercised(Invariant.INV_10);
    for (Holder other : holders.values()) {
      if (other != h && other.holds() && !other.onHost && names(other, block)) {
        violated(
            Invariant.INV_10,
            "block",
            "block "
                + block
                + " is given to holder "
                + h.number
                + " while holder "
                + other.number
                + " holds it");
      }
    }
    contents.put(block, prefix(h, index));
    matchable.remove(block);
  }

  private static boolean names(Holder h, int block) {
    for (int mine : h.table) {
      if (mine == block) {
        return true;
      }
    }
    return false;
  }

  private void grow(Holder h, int more) {
    int[] added = new int[more];
    Arrays.fill(added, 1 + h.number % 22);
    String before = pool.picture();
    int free = pool.freeBlocks();
    boolean[] granted = new boolean[1];
    call("grow", () -> granted[0] = pool.grow(h.number, added));
    line("grow " + h.number + " by " + more, granted[0] ? "" : "refused");
    if (!granted[0]) {
      seen.label("refused");
      unchanged(before, free, "a refused growth");
      return;
    }
    int old = h.tokens.length;
    h.tokens = Arrays.copyOf(h.tokens, old + more);
    Arrays.fill(h.tokens, old, old + more, 1 + h.number % 22);
    took(h, 0);
    for (int i = old / blockTokens; i < h.table.length; i++) {
      contents.put(h.table[i], prefix(h, i));
    }
  }

  private void publish(Holder h, Event event) {
    int upTo = (int) (h.tokens.length * event.get(Pool.COMPUTED) / 16);
    if (upTo <= h.published) {
      return;
    }
    call("publish", () -> pool.publish(h.number, upTo));
    h.published = upTo;
    for (int i = 0; i < upTo / blockTokens; i++) {
      // With a poor hash another content may keep the key; a hit is checked by content all the
      // same.
      matchable.put(h.table[i], prefix(h, i));
    }
    journal.append("publish ").append(h.number).append(' ').append(upTo).append('\n');
    line("publish " + h.number + " up to " + upTo, "");
  }

  private void release(Holder h) {
    call("release", () -> pool.release(h.number));
    h.released = true;
    line("release " + h.number, h.pins > 0 ? "pinned" : "");
  }

  private void pin(Holder h) {
    call("pin", () -> pool.pin(h.number));
    h.pins++;
    line("pin " + h.number, "");
  }

  private void unpin(Holder h) {
    call("unpin", () -> pool.unpin(h.number));
    h.pins--;
    line("unpin " + h.number, "");
  }

  private void swapOut(Holder h) {
    String before = pool.picture();
    int free = pool.freeBlocks();
    boolean[] granted = new boolean[1];
    call("swapOut", () -> granted[0] = pool.swapOut(h.number));
    line("swap out " + h.number, granted[0] ? "" : "refused");
    if (granted[0]) {
      seen.label("swapped out");
      h.onHost = true;
      h.table = new int[0];
    } else {
      unchanged(before, free, "a refused swap");
    }
  }

  private void swapIn(Holder h) {
    String before = pool.picture();
    int free = pool.freeBlocks();
    boolean[] granted = new boolean[1];
    call("swapIn", () -> granted[0] = pool.swapIn(h.number));
    line("swap in " + h.number, granted[0] ? "" : "refused");
    if (granted[0]) {
      h.onHost = false;
      seen.exercised(Invariant.INV_32);
      took(h, 0);
    } else {
      unchanged(before, free, "a refused swap");
    }
  }

  private void clear() {
    boolean anything = holders.values().stream().anyMatch(Holder::holds);
    boolean[] done = new boolean[1];
    call("clear", () -> done[0] = pool.clear());
    seen.check(
        !done[0] || !anything,
        Invariant.INV_10,
        "cache",
        "the cache was cleared while blocks are held");
    if (done[0]) {
      matchable.clear();
    }
    line("clear", done[0] ? "" : "refused");
  }

  /** Tries things and undoes them: nothing may have changed. */
  private void undone(Event event) {
    int[] tokens = Engine.prompt(event, blockTokens);
    String before = pool.picture();
    int free = pool.freeBlocks();
    int tried = attempt++;
    call("begin", pool::begin);
    call("allocate", () -> pool.allocate(tried, tokens, "", "", ""));
    pick(event.intOf(Engine.WHICH), h -> !h.released && h.pins == 0)
        .ifPresent(h -> call("release", () -> pool.release(h.number)));
    call("rollBack", pool::rollBack);
    unchanged(before, free, "an attempt that was rolled back");
    for (Holder h : holders.values()) {
      if (h.holds() && !h.onHost) {
        seen.check(
            Arrays.equals(pool.table(h.number), h.table),
            Invariant.INV_04,
            "table",
            "a rolled-back attempt changed the table of holder " + h.number);
      }
    }
    line("attempt undone", "");
  }

  private void unchanged(String before, int free, String what) {
    seen.check(
        pool.freeBlocks() == free,
        Invariant.INV_04,
        "pool",
        what + " changed the free blocks from " + free + " to " + pool.freeBlocks());
    seen.check(
        pool.picture().equals(before),
        Invariant.INV_04,
        "pool",
        what + " changed the pool from " + before + " to " + pool.picture());
  }

  private void look() {
    Set<Integer> held = new HashSet<>();
    for (Holder h : holders.values()) {
      if (h.holds() && !h.onHost) {
        for (int block : h.table) {
          held.add(block);
        }
      }
    }
    int free = pool.freeBlocks();
    seen.check(
        free == blocks - held.size(),
        free > blocks - held.size() ? Invariant.INV_08 : Invariant.INV_09,
        "pool",
        free + " blocks are free, but " + held.size() + " of " + blocks + " are held");
    seen.exercised(Invariant.INV_08);
    seen.exercised(Invariant.INV_09);
    if (free == 0) {
      seen.label("pool exactly full");
    }
  }

  private void drain() {
    for (Holder h : holders.values()) {
      if (!h.released) {
        release(h);
      }
      while (h.pins > 0) {
        unpin(h);
      }
    }
    seen.check(
        pool.freeBlocks() == blocks,
        Invariant.INV_13,
        "pool",
        "with no holder left, " + pool.freeBlocks() + " of " + blocks + " blocks are free");
  }

  private void line(String text, String note) {
    if (seen.detailed()) {
      StringJoiner live = new StringJoiner(",");
      for (Holder h : holders.values()) {
        if (h.holds()) {
          live.add(Integer.toString(h.number));
        }
      }
      seen.line(text, live.toString(), Integer.toString(pool.freeBlocks()), note);
      seen.trace(text);
    }
  }
}
