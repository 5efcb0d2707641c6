package io.headway.testkit.drive;

import io.headway.api.Invariant;
import io.headway.testkit.scenario.Event;
import io.headway.testkit.scenario.Observations;
import io.headway.testkit.scenario.Scenario;
import io.headway.testkit.subject.Content;
import io.headway.testkit.subject.Copy;
import io.headway.testkit.subject.Feature;
import io.headway.testkit.subject.Features;
import io.headway.testkit.subject.PoolConfig;
import io.headway.testkit.subject.PoolFactory;
import io.headway.testkit.subject.PoolSubject;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.StringJoiner;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Plays one scenario against one pool, beside a model of tables and contents. The model knows what
 * every block of every tier holds, as a text of the whole prefix up to and with it, and follows the
 * copies that the pool asks for.
 */
final class PoolRun {
  /** How a scenario is played. */
  enum Mode {
    /** As it is. */
    PLAIN,
    /** Every release is delayed by a pin that is taken back at once. */
    LATE_RELEASES,
    /** Nothing is asked, tried in vain or undone. */
    QUIET
  }

  /** What the model knows of a holder. */
  private static final class Holder {
    final int number;
    Content content;

    /** What keeps its content apart, then two characters per token. */
    String text;

    int published;

    /** It has come back to new blocks, which publishing again makes matchable. */
    boolean unnamed;

    int pins;
    boolean released;
    boolean onHost;
    int[][] tables;

    /** What could be hit when it was last refused. */
    Map<Integer, String> matchableThen = Map.of();

    Holder(int number, Content content, int groups) {
      this.number = number;
      this.content = content;
      text = text(content);
      tables = new int[groups][0];
    }

    boolean holds() {
      return !released || pins > 0;
    }

    private static String text(Content content) {
      StringBuilder text = new StringBuilder();
      text.append(content.tenant()).append('/').append(content.adapter()).append('/');
      text.append(content.salt()).append('/');
      for (int p = 0; p < content.length(); p++) {
        char medium = '.';
        for (Content.Media each : content.media()) {
          if (each.covers(p)) {
            medium = (char) (each.id().charAt(0) + 8 * (p - each.from()));
          }
        }
        text.append((char) ('A' + content.tokens()[p])).append(medium);
      }
      return text.toString();
    }
  }

  private final Scenario scenario;
  private final Observations seen;
  private final Mode mode;
  private final Set<Integer> refusedBefore;
  private final Set<Integer> refusals = new HashSet<>();
  private final Features features;
  private final PoolSubject pool;
  private final PoolConfig config;
  private final int blocks;
  private final int blockTokens;
  private final int groups;
  private final boolean realHash;
  private final Map<Integer, Holder> holders = new LinkedHashMap<>();
  private final List<Holder> refused = new ArrayList<>();
  private final List<Holder> ever = new ArrayList<>();

  /** What each device block holds; absent if unknown. */
  private final Map<Integer, String> contents = new HashMap<>();

  /** What each host block holds; absent if unknown. */
  private final Map<Integer, String> hostContents = new HashMap<>();

  /** What is matchable on the device as far as the model knows, by block. */
  private final Map<Integer, String> matchable = new HashMap<>();

  /** What was matchable on the device, by block, until it was forgotten or written over. */
  private final Map<Integer, Set<String>> formerly = new HashMap<>();

  /** What has ceased to be matchable during the event. */
  private final List<String> lost = new ArrayList<>();

  /** Device blocks whose last copy brought nothing. */
  private final Set<Integer> empty = new HashSet<>();

  /** What was ever to be copied to the host. */
  private final Set<String> stored = new HashSet<>();

  private final List<Copy> running = new ArrayList<>();
  private boolean loadFailed;
  private final StringBuilder journal = new StringBuilder();

  /** Calls so far that could be refused. */
  private int calls;

  private int number;
  private int attempt = 1_000_000;

  PoolRun(
      PoolFactory factory,
      Scenario scenario,
      Observations seen,
      Mode mode,
      Set<Integer> refusedBefore) {
    this.scenario = scenario;
    this.seen = seen;
    this.mode = mode;
    this.refusedBefore = refusedBefore;
    features = factory.features();
    config =
        new PoolConfig(
            scenario.intOf(Engine.BLOCK_TOKENS),
            scenario.intOf(Engine.BLOCKS),
            scenario.intOf(Engine.HOST_BLOCKS),
            scenario.intOf(Pool.WINDOW),
            scenario.intOf(Engine.HASH_VALUES));
    pool = new GuardedPool(factory.create(config), seen);
    blocks = config.blocks();
    blockTokens = config.blockTokens();
    groups = config.groups();
    realHash = config.hashValues() == 0;
  }

  String journal() {
    return journal.toString();
  }

  /** Returns which of the calls that could be refused were. */
  Set<Integer> refusals() {
    return refusals;
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
    } catch (Guarded.Halt halt) {
      // What went wrong was recorded where it happened.
    }
  }

  /** Compares the keys of everything that was held with those of another process. */
  void compareKeys(PoolFactory factory) {
    if (!features.has(Feature.STABLE_KEYS)) {
      return;
    }
    PoolSubject other = new GuardedPool(factory.create(config), seen);
    for (Holder h : ever) {
      List<String> here = pool.keys(h.content);
      List<String> there = other.keys(h.content);
      seen.check(
          here.equals(there),
          Invariant.INV_39,
          "keys",
          "the keys of a content are " + here + " here and " + there + " in another process");
    }
  }

  private void violated(Invariant rule, String entity, String sentence) {
    seen.exercised(rule);
    seen.violated(rule, entity, sentence, "");
    throw new Guarded.Halt();
  }

  private void play(Event event) {
    if (event.is(Pool.ALLOCATE)) {
      allocate(event);
    } else if (event.is(Pool.UNDONE)) {
      undone(event);
    } else if (event.is(Pool.CLEAR)) {
      if (event.get(Pool.EMPTIED) == 1) {
        empty();
      }
      clear();
    } else if (event.is(Pool.FLOOD)) {
      flood();
    } else {
      playOn(event, event.intOf(Engine.WHICH));
    }
  }

  private void playOn(Event event, int which) {
    if (event.is(Pool.RETRY)) {
      if (!refused.isEmpty()) {
        attempt(refused.remove(which % refused.size()), false);
      }
    } else if (event.is(Pool.GROW)) {
      pick(which, h -> !h.released && !h.onHost).ifPresent(h -> grow(h, event.intOf(Pool.MORE)));
    } else if (event.is(Pool.PUBLISH)) {
      pick(which, this::mayPublish).ifPresent(h -> publish(h, event));
    } else if (event.is(Pool.RELEASE)) {
      pick(which, h -> !h.released).ifPresent(this::release);
    } else if (event.is(Pool.PIN)) {
      pick(which, h -> !h.released && !h.onHost).ifPresent(this::pin);
    } else if (event.is(Pool.UNPIN)) {
      pick(which, h -> h.pins > 0).ifPresent(this::unpin);
    } else if (event.is(Pool.SWAP_OUT)) {
      pick(which, this::mayMove).ifPresent(this::swapOut);
    } else if (event.is(Pool.SWAP_IN)) {
      pick(which, h -> !h.released && h.onHost)
          .ifPresent(
              h -> {
                swapIn(h);
                served(h, event);
              });
    } else if (event.is(Pool.COPIED)) {
      if (!running.isEmpty()) {
        copied(running.remove(which % running.size()), event.get(Pool.FAILS) == 0);
      }
    } else if (!ever.isEmpty()) {
      again(event, among(event, which).content);
    }
  }

  /** Returns one of those that there were, one for whom the event has a meaning if there is one. */
  private Holder among(Event event, int which) {
    List<Holder> fit = new ArrayList<>();
    for (Holder h : ever) {
      if (groups == 1 && fits(event, h)) {
        fit.add(h);
      }
    }
    List<Holder> all = fit.isEmpty() ? ever : fit;
    return all.get(which % all.size());
  }

  private boolean fits(Event event, Holder h) {
    if (event.is(Pool.AGAIN)) {
      return running.stream()
          .map(copy -> copy.kind() == Copy.Kind.LOAD ? hostContents.get(copy.source()) : null)
          .anyMatch(text -> text != null && upTo(h, 0, h.content.length()).startsWith(text));
    }
    for (int i = 0; (i + 1) * blockTokens <= h.content.length(); i++) {
      boolean here = matchable.containsValue(prefix(h, 0, i));
      if (event.is(Pool.LOAD) && !here) {
        // What was not copied well may be taken for copied.
        return event.get(Engine.WHICH) % 2 == 0
            ? hostContents.containsValue(prefix(h, 0, i))
            : stored.contains(prefix(h, 0, i));
      } else if (event.is(Pool.STORE) && !hostContents.containsValue(prefix(h, 0, i))) {
        return here;
      }
    }
    return false;
  }

  /** Plays what is about the content of a holder that lives or has ended. */
  private void again(Event event, Content content) {
    if (event.is(Pool.AGAIN)) {
      int by = event.intOf(Pool.LONGER);
      int[] more = new int[Math.max(0, by)];
      Arrays.fill(more, 23);
      Content longer =
          by > 0 ? content.extended(more) : content.first(Math.max(1, content.length() + by));
      attempt(new Holder(number++, longer, groups), event);
    } else if (groups == 1 && features.has(Feature.TIERS)) {
      if (event.is(Pool.STORE)) {
        refusable("store", () -> pool.store(content));
      } else if (event.is(Pool.LOAD)) {
        refusable("load", () -> pool.load(content));
        for (int i = 0; i < event.get(Pool.ASKERS) && !running.isEmpty(); i++) {
          attempt(new Holder(number++, content, groups), false);
        }
      }
    }
  }

  private boolean mayPublish(Holder h) {
    boolean more = h.unnamed || h.published < h.content.length();
    return h.holds() && !h.onHost && more && !isLoading(h);
  }

  private boolean mayMove(Holder h) {
    return !h.released && !h.onHost && h.pins == 0 && !isLoading(h);
  }

  private Optional<Holder> pick(int which, Predicate<Holder> among) {
    List<Holder> fit = new ArrayList<>();
    for (Holder holder : holders.values()) {
      if (among.test(holder)) {
        fit.add(holder);
      }
    }
    return fit.isEmpty() ? Optional.empty() : Optional.of(fit.get(which % fit.size()));
  }

  private boolean isLoading(Holder h) {
    for (Copy copy : running) {
      if (copy.kind() == Copy.Kind.LOAD && names(h, copy.target())) {
        return true;
      }
    }
    return false;
  }

  /** Returns what a holder's leading tokens are in a group. */
  private String upTo(Holder h, int group, int tokens) {
    int apart = h.text.length() - 2 * h.content.length();
    return group + h.text.substring(0, apart + 2 * Math.min(tokens, h.content.length()));
  }

  private String prefix(Holder h, int group, int block) {
    return upTo(h, group, (block + 1) * blockTokens);
  }

  // ---- refusals

  private interface Asked {
    boolean granted();
  }

  /** Calls what may be refused; a refusal changes nothing. */
  private boolean refusable(String what, Asked asked) {
    int call = calls++;
    if (mode == Mode.QUIET && refusedBefore.contains(call)) {
      return false;
    }
    String before = pool.picture();
    int free = pool.freeBlocks();
    boolean granted = asked.granted();
    if (granted) {
      follow();
    } else {
      seen.label("refused");
      refusals.add(call);
      unchanged(before, free, "a " + what + " that was refused");
    }
    line(what, granted ? "" : "refused");
    return granted;
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

  // ---- allocation

  private Content content(Event event) {
    int[] tokens = Engine.prompt(event, blockTokens);
    List<Content.Media> media = List.of();
    int picture = event.intOf(Pool.MEDIA);
    if (picture > 0 && tokens.length > blockTokens) {
      int to = Math.min(tokens.length, 3 * blockTokens);
      Arrays.fill(tokens, blockTokens, to, 24);
      media = List.of(new Content.Media(Engine.name(picture), blockTokens, to - blockTokens));
    }
    return new Content(
        tokens,
        media,
        Engine.name(event.get(Engine.TENANT)),
        Engine.name(event.get(Engine.ADAPTER)),
        Engine.name(event.get(Engine.SALT)));
  }

  private void allocate(Event event) {
    attempt(new Holder(number++, content(event), groups), event);
  }

  private void attempt(Holder h, Event event) {
    attempt(h, event.get(Pool.KEPT) == 1);
    served(h, event);
  }

  /** Lets a holder be computed to its end, if that is asked for. */
  private void served(Holder h, Event event) {
    if (event.get(Pool.SERVED) == 1 && holders.containsKey(h.number) && !h.onHost) {
      if (mayPublish(h)) {
        publish(h, h.content.length());
      }
      release(h);
    }
  }

  private void attempt(Holder h, boolean kept) {
    int call = calls++;
    if (mode == Mode.QUIET && refusedBefore.contains(call)) {
      refused.add(h);
      return;
    }
    boolean fits = false;
    String before = pool.picture();
    int free = pool.freeBlocks();
    if (mode != Mode.QUIET) {
      fits = pool.fits(h.content);
      unchanged(before, free, "asking whether something fits");
    }
    int expected = residentTokens(h);
    if (kept) {
      pool.begin();
    }
    PoolSubject.Allocation answer = pool.allocate(h.number, h.content);
    boolean granted = answer.isGranted();
    if (kept && granted) {
      pool.commit();
    } else if (kept) {
      pool.rollBack();
    }
    if (mode != Mode.QUIET) {
      seen.check(
          granted == fits,
          Invariant.INV_12,
          "check",
          "the check says "
              + (fits ? "it fits" : "it does not fit")
              + ", but the allocation is "
              + (granted ? "granted" : "refused"));
    }
    line("allocate " + h.number + " (" + h.content.length() + " tokens)", answer.toString());
    int need = groups * config.blocksFor(h.content.length());
    if (!granted) {
      seen.label("refused");
      refusals.add(call);
      refused.add(h);
      h.matchableThen = Map.copyOf(matchable);
      unchanged(before, free, "a refused allocation");
      seen.check(
          need > free,
          Invariant.INV_12,
          "check",
          "refused " + need + " blocks although " + free + " are free");
      return;
    }
    holders.put(h.number, h);
    ever.add(h);
    admitted(h, answer, expected);
  }

  private void admitted(Holder h, PoolSubject.Allocation answer, int expected) {
    int hit = answer.hitTokens(0);
    boolean wholeBlocks = hit % blockTokens == 0 || features.has(Feature.PARTIAL_BLOCKS);
    seen.check(
        wholeBlocks && hit < h.content.length(),
        Invariant.INV_17,
        "hit",
        "a hit of "
            + hit
            + " of "
            + h.content.length()
            + " tokens is not a whole number of blocks that leaves one token to compute");
    for (int g = 1; g < groups; g++) {
      seen.check(
          answer.hitTokens(g) == hit,
          Invariant.INV_17,
          "groups",
          "group 0 hits " + hit + " tokens and group " + g + " " + answer.hitTokens(g));
    }
    journal.append(h.number).append('+').append(answer);
    h.published = hit;
    took(h, hit);
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

  /** Takes everything that is free, with content that nobody else has, and gives it back. */
  private void flood() {
    int[] tokens = new int[pool.freeBlocks() / groups * blockTokens];
    if (tokens.length > 0) {
      Arrays.fill(tokens, 25);
      Holder h =
          new Holder(number++, new Content(tokens, List.of(), "", "", "flood" + number), groups);
      attempt(h, false);
      if (holders.containsKey(h.number)) {
        release(h);
      }
    }
  }

  /** Returns how many leading tokens all groups could serve as far as the model knows. */
  private int residentTokens(Holder h) {
    Set<String> there = new HashSet<>();
    matchable.forEach(
        (block, text) -> {
          if (!isOnlyCopied(block)) {
            there.add(text);
          }
        });
    int limit = (h.content.length() - 1) / blockTokens;
    int hit = 0;
    while (hit < limit && there.contains(prefix(h, 0, hit))) {
      hit++;
    }
    while (groups == 2 && hit > 0 && !windowServes(h, hit, there)) {
      hit--;
    }
    return hit * blockTokens;
  }

  /** A block that nobody has may be withheld while it is copied. */
  private boolean isOnlyCopied(int block) {
    for (Copy copy : running) {
      if (copy.kind() == Copy.Kind.STORE && copy.source() == block) {
        return holders.values().stream().noneMatch(h -> h.holds() && !h.onHost && names(h, block));
      }
    }
    return false;
  }

  private boolean windowServes(Holder h, int hit, Set<String> there) {
    for (int i = Math.max(0, hit - config.windowBlocks()); i < hit; i++) {
      if (!there.contains(prefix(h, 1, i))) {
        return false;
      }
    }
    return true;
  }

  /** Compares a table that has grown with what is held, and writes the new blocks. */
  private void took(Holder h, int hitTokens) {
    Set<Integer> mine = new HashSet<>();
    for (int g = 0; g < groups; g++) {
      int[] table = table(h, g);
      int first = config.firstRead(g, h.published);
      for (int i = 0; i < table.length; i++) {
        int block = table[i];
        boolean read = i >= first;
        if (block == PoolSubject.HOLE) {
          hole(h, g, i, read);
          continue;
        }
        boolean kept = i < h.tables[g].length && h.tables[g][i] == block;
        int start = i * blockTokens;
        if (start < hitTokens) {
          hit(h, g, block, Math.min(start + blockTokens, hitTokens));
          if (start + blockTokens > hitTokens) {
            fresh(h, g, i, block);
          }
        } else if (!kept) {
          fresh(h, g, i, block);
        }
        // A window may write again what nobody reads; its table then names the block twice.
        if (read && !mine.add(block)) {
          violated(
              Invariant.INV_10,
              "block",
              "holder " + h.number + " has block " + block + " at two places that are read");
        }
      }
      h.tables[g] = table;
      journal.append(Arrays.toString(table)).append(g == groups - 1 ? '\n' : ' ');
    }
    judgeOrder();
  }

  /** Reads a table and checks its length and its numbers. */
  private int[] table(Holder h, int group) {
    int[] table = pool.table(h.number, group);
    seen.check(
        table.length == config.blocksFor(h.content.length()),
        Invariant.INV_11,
        "table",
        "holder "
            + h.number
            + " has "
            + table.length
            + " blocks for "
            + h.content.length()
            + " tokens of "
            + blockTokens
            + " a block");
    // Where one block stands for nothing there is one id more than blocks.
    int most = h.onHost ? config.hostBlocks() - 1 : blocks;
    for (int block : table) {
      if (block != PoolSubject.HOLE && (block < 0 || block > most)) {
        violated(
            Invariant.INV_10,
            "block",
            "the table " + Arrays.toString(table) + " names block " + block + ", which is none");
      }
    }
    return table;
  }

  private void hole(Holder h, int group, int place, boolean read) {
    seen.check(
        !read,
        Invariant.INV_11,
        "table",
        "holder " + h.number + " has no block " + place + " in group " + group + ", but reads it");
  }

  private void hit(Holder h, int group, int block, int tokens) {
    String wanted = upTo(h, group, tokens);
    Copy load = loading(block);
    String held = load == null ? contents.get(block) : hostContents.get(load.source());
    String shown = load == null ? matchable.get(block) : held;
    seen.exercised(Invariant.INV_14);
    seen.exercised(Invariant.INV_15);
    seen.exercised(Invariant.INV_16);
    boolean equal = holds(held, wanted);
    if (load != null) {
      seen.label("hit while it is loaded");
    }
    if (equal && holds(shown, wanted)) {
      return;
    }
    String what = "holder " + h.number + " hits block " + block;
    boolean once = formerly.getOrDefault(block, Set.of()).contains(wanted);
    if (wanted.equals(h.matchableThen.get(block))) {
      violated(
          Invariant.INV_27,
          "block",
          what + ", which could be hit when it was refused, but holds something else now");
    } else if (held == null && empty.contains(block)) {
      violated(Invariant.INV_32, "block", what + ", to which nothing was ever copied");
    } else if (once) {
      violated(
          Invariant.INV_16,
          "block",
          what + " by a key that was to be forgotten when the block was; it holds " + held);
    } else if (equal || held == null) {
      violated(Invariant.INV_15, "block", what + ", whose content was never published");
    } else if (continues(held, wanted) || prefix(h, group, place(held)).equals(held)) {
      violated(
          Invariant.INV_17,
          "block",
          what + ", which holds " + held + " and does not continue what comes before in " + wanted);
    } else {
      violated(Invariant.INV_14, "block", what + ", which holds " + held + " and not " + wanted);
    }
  }

  /** Whether a block that holds something holds what is wanted of it, or more of the same. */
  private boolean holds(@Nullable String held, String wanted) {
    return held != null && held.startsWith(wanted) && place(held) == place(wanted);
  }

  /** Returns the place in a table of the block that a prefix ends in. */
  private int place(String prefix) {
    return ((prefix.length() - prefix.lastIndexOf('/') - 1) / 2 - 1) / blockTokens;
  }

  /** Whether two prefixes differ before their last block only, which is not the first. */
  private boolean continues(String held, String wanted) {
    int from = wanted.length() - 2 * blockTokens;
    int heldFrom = held.length() - 2 * blockTokens;
    int apart = wanted.lastIndexOf('/') + 1;
    return held.startsWith(wanted.substring(0, apart))
        && from > apart
        && heldFrom >= apart
        && held.substring(heldFrom).equals(wanted.substring(from));
  }

  private @Nullable Copy loading(int block) {
    for (Copy copy : running) {
      if (copy.kind() == Copy.Kind.LOAD && copy.target() == block) {
        return copy;
      }
    }
    return null;
  }

  private void fresh(Holder h, int group, int index, int block) {
    taken(h, block);
    contents.put(block, prefix(h, group, index));
    empty.remove(block);
  }

  /** Checks that nobody else has a device block that is handed out, and forgets what it held. */
  private void taken(@Nullable Holder h, int block) {
    seen.exercised(Invariant.INV_10);
    for (Holder other : holders.values()) {
      if (other != h && other.holds() && !other.onHost && names(other, block)) {
        violated(
            Invariant.INV_10,
            "block",
            "block "
                + block
                + " is given to "
                + (h == null ? "a copy" : "holder " + h.number)
                + " while holder "
                + other.number
                + " holds it");
      }
    }
    seen.exercised(Invariant.INV_31, running.size());
    for (Copy copy : running) {
      if ((copy.kind().toHost() ? copy.source() : copy.target()) == block) {
        violated(
            Invariant.INV_31, "block", "block " + block + " is handed out while " + copy + " runs");
      }
    }
    forget(block);
  }

  private void forget(int block) {
    String was = matchable.remove(block);
    if (was != null) {
      lost.add(was);
      formerly.computeIfAbsent(block, b -> new HashSet<>()).add(was);
    }
  }

  /** What is evicted must not be continued by what stays. */
  private void judgeOrder() {
    // Where a load has failed, parts of a chain may come again later than what follows them.
    if (features.has(Feature.TAIL_FIRST) && realHash && !loadFailed) {
      for (String gone : lost) {
        seen.exercised(Invariant.INV_17);
        int tokens = (gone.length() - gone.lastIndexOf('/') - 1) / 2;
        boolean whole = tokens % blockTokens == 0 && gone.charAt(0) == '0';
        if (whole && !matchable.containsValue(gone) && !isLoading(gone)) {
          stays(gone);
        }
      }
    }
    lost.clear();
  }

  private boolean isLoading(String text) {
    return running.stream()
        .anyMatch(
            copy -> copy.kind() == Copy.Kind.LOAD && text.equals(hostContents.get(copy.source())));
  }

  private void stays(String gone) {
    matchable.forEach(
        (block, left) -> {
          if (left.startsWith(gone) && !inUse(block)) {
            violated(
                Invariant.INV_17,
                "eviction",
                gone + " is evicted while " + left + ", which continues it, could have been");
          }
        });
  }

  private boolean inUse(int block) {
    for (Holder h : holders.values()) {
      if (h.holds() && !h.onHost && names(h, block)) {
        return true;
      }
    }
    for (Copy copy : running) {
      if ((copy.kind().toHost() ? copy.source() : copy.target()) == block) {
        return true;
      }
    }
    return false;
  }

  private static boolean names(Holder h, int block) {
    for (int[] table : h.tables) {
      for (int mine : table) {
        if (mine == block) {
          return true;
        }
      }
    }
    return false;
  }

  // ---- life of a holder

  private void grow(Holder h, int more) {
    int[] added = new int[more];
    Arrays.fill(added, 1 + h.number % 22);
    if (!refusable(
        "grow " + h.number + " by " + more + " tokens", () -> pool.grow(h.number, added))) {
      return;
    }
    int old = h.content.length();
    h.content = h.content.extended(added);
    h.text = Holder.text(h.content);
    took(h, 0);
    for (int g = 0; g < groups; g++) {
      for (int i = old / blockTokens; i < h.tables[g].length; i++) {
        contents.put(h.tables[g][i], prefix(h, g, i));
      }
    }
  }

  private void publish(Holder h, Event event) {
    int upTo = (int) (h.content.length() * event.get(Pool.COMPUTED) / 16);
    if (h.unnamed) {
      upTo = Math.max(upTo, h.published);
    } else if (upTo <= h.published) {
      return;
    }
    publish(h, upTo);
  }

  private void publish(Holder h, int upTo) {
    pool.publish(h.number, upTo);
    int from = h.published;
    h.published = upTo;
    h.unnamed = false;
    for (int g = 0; g < groups; g++) {
      int[] table = table(h, g);
      for (int i = 0; i < table.length; i++) {
        int block = h.tables[g][i];
        boolean read = i >= config.firstRead(g, upTo);
        seen.check(
            table[i] == block || (!read && table[i] == PoolSubject.HOLE),
            Invariant.INV_11,
            "table",
            "publishing changes block "
                + block
                + " of holder "
                + h.number
                + ", which it reads, to "
                + table[i]);
        if (block != PoolSubject.HOLE && i * blockTokens < upTo) {
          computed(h, g, i, block, from, upTo);
        }
      }
      h.tables[g] = table;
    }
    journal.append("publish ").append(h.number).append(' ').append(upTo).append('\n');
    line("publish " + h.number + " up to " + upTo, "");
  }

  /** Notes that a block was computed as far as a length reaches into it. */
  private void computed(Holder h, int group, int index, int block, int from, int upTo) {
    String text = prefix(h, group, index);
    if ((index + 1) * blockTokens > from && !contents.containsKey(block)) {
      // Its load had failed.
      contents.put(block, text);
      empty.remove(block);
    }
    // A block that was written again for a window holds something else.
    if (!text.equals(contents.get(block))) {
      return;
    }
    if ((index + 1) * blockTokens <= upTo) {
      // With a poor hash another content may keep the key; a hit is checked by content all the
      // same.
      show(block, text);
    } else if (features.has(Feature.PARTIAL_BLOCKS)
        && group == 0
        && !matchable.getOrDefault(block, "").equals(text)) {
      show(block, upTo(h, 0, upTo));
    }
  }

  private void show(int block, String text) {
    String was = matchable.put(block, text);
    if (was != null && !was.equals(text)) {
      formerly.computeIfAbsent(block, b -> new HashSet<>()).add(was);
    }
  }

  private void release(Holder h) {
    if (mode == Mode.LATE_RELEASES && h.pins == 0 && !h.onHost) {
      pool.pin(h.number);
      pool.release(h.number);
      pool.unpin(h.number);
    } else {
      pool.release(h.number);
    }
    h.released = true;
    line("release " + h.number, h.pins > 0 ? "pinned" : "");
  }

  private void pin(Holder h) {
    pool.pin(h.number);
    h.pins++;
    line("pin " + h.number, "");
  }

  private void unpin(Holder h) {
    pool.unpin(h.number);
    h.pins--;
    line("unpin " + h.number, "");
  }

  // ---- tiers

  private void swapOut(Holder h) {
    if (refusable("swap out " + h.number, () -> pool.swapOut(h.number))) {
      seen.label("swapped out");
      h.onHost = true;
      for (int g = 0; g < groups; g++) {
        h.tables[g] = table(h, g);
      }
    }
  }

  private void swapIn(Holder h) {
    if (!refusable("swap in " + h.number, () -> pool.swapIn(h.number))) {
      return;
    }
    h.onHost = false;
    for (int g = 0; g < groups; g++) {
      int[] table = table(h, g);
      for (int i = 0; i < table.length; i++) {
        if (table[i] == PoolSubject.HOLE) {
          hole(h, g, i, i >= config.firstRead(g, h.published));
        } else {
          returned(h, g, i, table[i]);
        }
      }
      h.tables[g] = table;
      journal.append(Arrays.toString(table)).append('\n');
    }
    judgeOrder();
    h.unnamed = true;
  }

  private void returned(Holder h, int group, int index, int block) {
    seen.exercised(Invariant.INV_32);
    if (!features.has(Feature.REPORTS_COPIES)) {
      fresh(h, group, index, block);
    } else if (index >= config.firstRead(group, h.published)) {
      String held = contents.get(block);
      seen.check(
          prefix(h, group, index).equals(held),
          Invariant.INV_32,
          "block",
          "holder "
              + h.number
              + " comes back from the host with "
              + held
              + " where it had "
              + prefix(h, group, index));
    }
  }

  /** Makes the copies that the pool asks for. */
  private void follow() {
    if (!features.has(Feature.REPORTS_COPIES)) {
      return;
    }
    for (Copy copy : pool.copies()) {
      if (copy.kind().toHost()) {
        hostTaken(copy);
      } else {
        taken(null, copy.target());
        contents.remove(copy.target());
        empty.add(copy.target());
      }
      if (copy.kind() == Copy.Kind.STORE || copy.kind() == Copy.Kind.LOAD) {
        seen.label(copy.kind().toHost() ? "stored" : "loaded");
        if (copy.kind().toHost()) {
          stored.add(contents.getOrDefault(copy.source(), ""));
        }
        running.add(copy);
      } else {
        copy(copy);
      }
      // Its number is a name only.
      journal.append(copy.kind()).append(' ').append(copy.source());
      journal.append(' ').append(copy.target()).append('\n');
      if (copy.kind() == Copy.Kind.LOAD) {
        // What it continues stays for its sake, whatever its rank.
        lost.clear();
      }
    }
    judgeOrder();
  }

  private void hostTaken(Copy copy) {
    seen.exercised(Invariant.INV_31, running.size());
    for (Copy other : running) {
      if ((other.kind().toHost() ? other.target() : other.source()) == copy.target()) {
        violated(
            Invariant.INV_31,
            "block",
            "host block " + copy.target() + " is handed out while " + other + " runs");
      }
    }
    for (Holder holder : holders.values()) {
      if (holder.onHost && !holder.released && names(holder, copy.target())) {
        violated(
            Invariant.INV_10,
            "block",
            "host block " + copy.target() + " is handed out while " + holder.number + " holds it");
      }
    }
    hostContents.remove(copy.target());
  }

  private void copy(Copy copy) {
    String text =
        copy.kind().toHost() ? contents.get(copy.source()) : hostContents.get(copy.source());
    if (text == null) {
      return;
    }
    if (copy.kind().toHost()) {
      hostContents.put(copy.target(), text);
    } else {
      contents.put(copy.target(), text);
      empty.remove(copy.target());
    }
  }

  private void copied(Copy copy, boolean succeeded) {
    pool.copied(copy, succeeded);
    if (succeeded) {
      copy(copy);
      String text = contents.get(copy.target());
      if (copy.kind() == Copy.Kind.LOAD && text != null) {
        show(copy.target(), text);
      }
    }
    loadFailed |= !succeeded && copy.kind() == Copy.Kind.LOAD;
    seen.exercised(Invariant.INV_32);
    line(copy + (succeeded ? " succeeds" : " fails"), "");
  }

  private void clear() {
    boolean anything = !running.isEmpty() || holders.values().stream().anyMatch(Holder::holds);
    boolean done = pool.clear();
    seen.check(
        !done || !anything,
        Invariant.INV_10,
        "cache",
        "the cache was cleared while blocks are held");
    if (done) {
      List.copyOf(matchable.keySet()).forEach(this::forget);
      lost.clear();
    }
    line("clear", done ? "" : "refused");
  }

  // ---- attempts

  /** Tries things and undoes them: nothing may have changed. */
  private void undone(Event event) {
    if (mode == Mode.QUIET) {
      return;
    }
    int which = event.intOf(Engine.WHICH);
    int tries = event.intOf(Pool.TRIES);
    Content content = new Content(Engine.prompt(event, blockTokens), List.of(), "", "", "");
    String before = pool.picture();
    int free = pool.freeBlocks();
    int tried = attempt++;
    pool.begin();
    boolean granted = pool.allocate(tried, content).isGranted();
    if (granted && (tries & 2) != 0 && pool.validTokens(tried) >= content.length() - 1) {
      pool.publish(tried, content.length());
    }
    tryMore(which, tries);
    pool.rollBack();
    unchanged(before, free, "an attempt that was rolled back");
    seen.check(
        !features.has(Feature.REPORTS_COPIES) || pool.copies().isEmpty(),
        Invariant.INV_04,
        "copies",
        "an attempt that was rolled back asks for copies");
    for (Holder h : holders.values()) {
      for (int g = 0; g < groups && h.holds(); g++) {
        seen.check(
            Arrays.equals(pool.table(h.number, g), h.tables[g]),
            Invariant.INV_04,
            "table",
            "a rolled-back attempt changed the table of holder " + h.number);
      }
    }
    line("attempt undone", "");
  }

  private void tryMore(int which, int tries) {
    if ((tries & 1) != 0) {
      pick(which, h -> !h.released && !h.onHost).ifPresent(h -> pool.grow(h.number, new int[] {1}));
    }
    if ((tries & 2) != 0) {
      pick(which, this::mayPublish).ifPresent(h -> pool.publish(h.number, h.content.length()));
    }
    if ((tries & 32) != 0 && !ever.isEmpty() && groups == 1 && hasTiers()) {
      Content content = ever.get(which % ever.size()).content;
      pool.store(content);
    }
    Optional<Holder> gone = Optional.empty();
    if ((tries & 4) != 0) {
      gone = pick(which, h -> !h.released && h.pins == 0);
      gone.ifPresent(h -> pool.release(h.number));
    }
    Holder released = gone.orElse(null);
    if ((tries & 8) != 0 && config.hostBlocks() > 0) {
      pick(which, h -> h != released && mayMove(h)).ifPresent(h -> pool.swapOut(h.number));
    } else if ((tries & 16) != 0) {
      pick(which, h -> h != released && !h.released && !h.onHost)
          .ifPresent(h -> pool.pin(h.number));
    }
  }

  private boolean hasTiers() {
    return features.has(Feature.TIERS) && config.hostBlocks() > 0;
  }

  // ---- what must always hold

  private void look() {
    Set<Integer> held = new HashSet<>();
    Set<Integer> hostHeld = new HashSet<>();
    for (Holder h : holders.values()) {
      if (h.holds()) {
        for (int[] table : h.tables) {
          for (int block : table) {
            (h.onHost ? hostHeld : held).add(block);
          }
        }
      }
    }
    for (Copy copy : running) {
      held.add(copy.kind().toHost() ? copy.source() : copy.target());
      hostHeld.add(copy.kind().toHost() ? copy.target() : copy.source());
    }
    held.remove(PoolSubject.HOLE);
    hostHeld.remove(PoolSubject.HOLE);
    count("blocks", pool.freeBlocks(), held.size(), blocks);
    if (pool.freeHostBlocks() >= 0) {
      count("host blocks", pool.freeHostBlocks(), hostHeld.size(), config.hostBlocks());
    }
    for (Holder h : holders.values()) {
      if (h.holds() && !h.onHost) {
        readable(h);
      }
    }
    if (pool.freeBlocks() == 0) {
      seen.label("pool exactly full");
    }
  }

  private void count(String what, int free, int held, int all) {
    Invariant rule =
        free > all - held ? Invariant.INV_08 : held == 0 ? Invariant.INV_13 : Invariant.INV_09;
    seen.check(
        free == all - held,
        rule,
        what,
        free + " " + what + " are free, but " + held + " of " + all + " are held");
    seen.exercised(Invariant.INV_08);
    seen.exercised(Invariant.INV_09);
  }

  /** Checks that a holder finds in its blocks what it may compute on. */
  private void readable(Holder h) {
    int valid = pool.validTokens(h.number);
    int tokens = Math.min(valid, h.published);
    for (int g = 0; g < groups; g++) {
      for (int i = config.firstRead(g, tokens); i * blockTokens < tokens; i++) {
        int block = h.tables[g][i];
        String held = contents.get(block);
        seen.exercised(Invariant.INV_15);
        if (!holds(held, upTo(h, g, Math.min(tokens, (i + 1) * blockTokens)))) {
          violated(
              held == null ? Invariant.INV_15 : Invariant.INV_10,
              "content",
              "holder "
                  + h.number
                  + " may compute on block "
                  + block
                  + ", which "
                  + (held == null ? "nobody has filled" : "holds " + held));
        }
      }
    }
    if (!isLoading(h)) {
      // What has not come must be computed again.
      h.published = Math.min(h.published, Math.max(0, valid));
    }
  }

  /** Ends everything. */
  private void empty() {
    while (!running.isEmpty()) {
      copied(running.remove(0), true);
    }
    for (Holder h : holders.values()) {
      if (!h.released) {
        release(h);
      }
      while (h.pins > 0) {
        unpin(h);
      }
    }
  }

  private void drain() {
    empty();
    look();
    seen.exercised(Invariant.INV_13);
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
