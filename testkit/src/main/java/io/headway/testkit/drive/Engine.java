package io.headway.testkit.drive;

import io.headway.testkit.scenario.Event;
import io.headway.testkit.scenario.EventType;
import io.headway.testkit.scenario.Field;
import io.headway.testkit.scenario.Scenario;
import io.headway.testkit.scenario.Vocabulary;
import io.headway.testkit.subject.EngineConfig;
import java.util.List;

/**
 * What scenarios of one engine's scheduler consist of. Times are in the clock's own units, which
 * mean nothing: a scheduler is given them as nanoseconds.
 */
public final class Engine {
  /** KV blocks of the device, N. */
  public static final Field BLOCKS = Field.of("blocks", 1, 4_096);

  /** Sequences that run at once, S. */
  public static final Field SLOTS = Field.of("slots", 1, 64);

  /** Tokens in one decision, T. */
  public static final Field TOKENS = Field.of("tokens", 1, 4_096);

  /** Results that may be outstanding. */
  public static final Field DEPTH = Field.of("depth", 1, 8);

  /** Tokens a KV block, B. */
  public static final Field BLOCK_TOKENS = Field.of("blockTokens", 1, 256);

  /** KV blocks of the host. */
  public static final Field HOST_BLOCKS = Field.of("hostBlocks", 0, 4_096);

  /** Distinct adapters that run at once. */
  public static final Field ADAPTERS = new Field("adapters", 1, 8, 8);

  /** Distinct values of the hash that names blocks; 0 for a real hash. */
  public static final Field HASH_VALUES = Field.of("hashValues", 0, 16);

  /** What requests carry for prefix caching: 0 nothing, 1 token ids, 2 keys of blocks. */
  public static final Field KEYS = Field.of("keys", 0, 2);

  /** How long a transfer may take. */
  public static final Field LEASE = new Field("lease", 1, 1_000_000, 1_000);

  /** Units of the encoder cache. */
  public static final Field ENCODER_UNITS = Field.of("encoderUnits", 0, 1_000);

  /** What chunks end at multiples of. */
  public static final Field ALIGNMENT = Field.of("alignment", 1, 256);

  /** Tokens of the prompt, P. */
  public static final Field PROMPT = Field.of("prompt", 1, 4_096);

  /** Most output tokens, M. */
  public static final Field MAX_NEW = Field.of("maxNew", 1, 4_096);

  /** Urgency; smaller is more urgent. */
  public static final Field PRIORITY = Field.of("priority", 0, 9);

  /** Which words the prompt is made of: bit i chooses the word of block i behind the first. */
  public static final Field WORDS = Field.of("words", 0, (1 << 20) - 1);

  /** Who pays: 0 nobody, else one of three names. */
  public static final Field TENANT = Field.of("tenant", 0, 3);

  /** Adapter: 0 none, else one of the same three names. */
  public static final Field ADAPTER = Field.of("adapter", 0, 3);

  /** Cache salt: 0 none, else one of the same three names. */
  public static final Field SALT = Field.of("salt", 0, 3);

  /** When it expires, from its arrival; 0 if never. */
  public static final Field DEADLINE = Field.of("deadline", 0, 1_000_000);

  /** Predicted output; 0 for no prediction. */
  public static final Field PREDICTED = Field.of("predicted", 0, 4_096);

  /** Whether only its prompt and first token are computed here. */
  public static final Field HANDS_OVER = Field.of("handsOver", 0, 1);

  /** Whether it must wait until it is said to be ready. */
  public static final Field DEFERRED = Field.of("deferred", 0, 1);

  /** Media items in the prompt. */
  public static final Field MEDIA_ITEMS = Field.of("mediaItems", 0, 16);

  /** Units of the encoder cache that each takes. */
  public static final Field MEDIA_UNITS = Field.of("mediaUnits", 1, 1_000);

  /** Whom an event is about: the i-th of n, modulo n. */
  public static final Field WHICH = Field.of("which", 0, 1_000);

  /** Among whom: 0 those that live, 1 all that were ever accepted. */
  public static final Field AMONG_ALL = Field.of("amongAll", 0, 1);

  /** Which drafts are right, bit by bit. */
  public static final Field ACCEPT = Field.of("accept", 0, 255);

  /** Whether verifications yield nothing. */
  public static final Field EMPTY = Field.of("empty", 0, 1);

  /** Which row fails: 0 none, else the (i-1)-th, modulo the rows. */
  public static final Field FAIL_ROW = Field.of("failRow", 0, 16);

  /** How a transfer ends: 0 well, 1 badly, 2 not at all. */
  public static final Field ENDS = Field.of("ends", 0, 2);

  /** How much arrives if it ends badly, in sixteenths of the prompt. */
  public static final Field ARRIVED = Field.of("arrived", 0, 15);

  /** How far the clock moves. */
  public static final Field TIME = Field.of("time", 1, 1_000_000);

  /** Blocks that are taken away. */
  public static final Field RESERVED = Field.of("reserved", 0, 4_096);

  /** A request comes. */
  public static final EventType SUBMIT =
      EventType.request(
          "submit",
          MAX_NEW,
          PROMPT,
          PRIORITY,
          WORDS,
          TENANT,
          ADAPTER,
          SALT,
          DEADLINE,
          PREDICTED,
          HANDS_OVER,
          DEFERRED,
          MEDIA_ITEMS,
          MEDIA_UNITS);

  /** A request whose prompt was computed elsewhere asks for room. */
  public static final EventType INCOMING =
      EventType.request(
          "incoming", MAX_NEW, PROMPT, PRIORITY, WORDS, TENANT, ADAPTER, SALT, DEADLINE);

  /** One decision is taken, if another result may be outstanding. */
  public static final EventType DECIDE = EventType.of("decide");

  /** A result is delivered. */
  public static final EventType DELIVER = EventType.of("deliver", WHICH, ACCEPT, EMPTY, FAIL_ROW);

  /** The oldest outstanding decision is lost. */
  public static final EventType FAIL = EventType.of("fail");

  /** A request is cancelled. */
  public static final EventType CANCEL = EventType.of("cancel", WHICH, AMONG_ALL);

  /** A transfer ends. */
  public static final EventType TRANSFER = EventType.of("transfer", WHICH, ENDS, ARRIVED);

  /** What a deferred request waits for comes. */
  public static final EventType READY = EventType.of("ready", WHICH);

  /** Time passes. */
  public static final EventType ADVANCE = EventType.of("advance", TIME);

  /** A part of the pool is taken away, or given back. */
  public static final EventType RESERVE = EventType.of("reserve", RESERVED);

  /** The prefix cache is cleared. */
  public static final EventType CLEAR = EventType.of("clearCache");

  /** All of it. */
  public static final Vocabulary VOCABULARY =
      new Vocabulary(
          "engine",
          List.of(
              BLOCKS,
              SLOTS,
              TOKENS,
              DEPTH,
              BLOCK_TOKENS,
              HOST_BLOCKS,
              ADAPTERS,
              HASH_VALUES,
              KEYS,
              LEASE,
              ENCODER_UNITS,
              ALIGNMENT),
          List.of(
              SUBMIT, INCOMING, DECIDE, DELIVER, FAIL, CANCEL, TRANSFER, READY, ADVANCE, RESERVE,
              CLEAR));

  private static final List<EngineConfig.Keys> KEY_KINDS =
      List.of(EngineConfig.Keys.NONE, EngineConfig.Keys.TOKENS, EngineConfig.Keys.BLOCK_KEYS);

  private static final List<String> NAMES = List.of("", "x", "y", "z");

  private Engine() {}

  /**
   * Reads the world of a scenario.
   *
   * @param scenario of this vocabulary
   * @return the world
   */
  public static EngineConfig config(Scenario scenario) {
    return new EngineConfig(
        scenario.intOf(BLOCK_TOKENS),
        scenario.intOf(BLOCKS),
        scenario.intOf(HOST_BLOCKS),
        scenario.intOf(TOKENS),
        scenario.intOf(SLOTS),
        scenario.intOf(ADAPTERS),
        scenario.intOf(DEPTH),
        scenario.intOf(HASH_VALUES),
        KEY_KINDS.get(scenario.intOf(KEYS)),
        scenario.get(LEASE),
        scenario.intOf(ENCODER_UNITS),
        scenario.intOf(ALIGNMENT));
  }

  /** Returns the prompt of a request event: words of one block each, the first always the same. */
  static int[] prompt(Event event, int blockTokens) {
    int[] prompt = new int[event.intOf(PROMPT)];
    long words = event.get(WORDS);
    for (int i = 0; i < prompt.length; i++) {
      int block = i / blockTokens;
      long word = block == 0 ? 0 : words >>> Math.min(block - 1, 62) & 1;
      prompt[i] = (int) (1 + (i + 7 * word) % 22);
    }
    return prompt;
  }

  /** Returns one of three names, the same for tenants, adapters and salts; or none. */
  static String name(long number) {
    return NAMES.get((int) number);
  }
}
