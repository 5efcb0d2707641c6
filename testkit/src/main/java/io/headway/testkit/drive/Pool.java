package io.headway.testkit.drive;

import io.headway.testkit.scenario.EventType;
import io.headway.testkit.scenario.Field;
import io.headway.testkit.scenario.Vocabulary;
import java.util.List;

/** What scenarios of a KV block pool consist of. */
public final class Pool {
  /** Tokens by which a holder grows. */
  public static final Field MORE = Field.of("more", 1, 64);

  /** How much of a holder's content was computed, in sixteenths; 16 is all. */
  public static final Field COMPUTED = new Field("computed", 0, 16, 16);

  /** Tokens that a second cache group looks back; 0 if there is one group only. */
  public static final Field WINDOW = Field.of("window", 0, 1_024);

  /** Which of three pictures the second and third block stand for; 0 for none. */
  public static final Field MEDIA = Field.of("media", 0, 3);

  /** Whether something is done within an attempt that is then made final. */
  public static final Field KEPT = Field.of("kept", 0, 1);

  /** Whether what was allocated is computed and ends at once. */
  public static final Field SERVED = Field.of("served", 0, 1);

  /** Whether a copy fails. */
  public static final Field FAILS = Field.of("fails", 0, 1);

  /**
   * What is tried beside an allocation before all of it is undone: 1 growth, 2 publishing, 4 a
   * release, 8 a move to the host, 16 a pin, 32 a copy to the host; any sum.
   */
  public static final Field TRIES = new Field("tries", 0, 63, 0);

  /** A new holder asks for blocks. */
  public static final EventType ALLOCATE =
      EventType.request(
          "allocate",
          Engine.PROMPT,
          Engine.WORDS,
          Engine.TENANT,
          Engine.ADAPTER,
          Engine.SALT,
          MEDIA,
          KEPT,
          SERVED);

  /** Tokens that follow behind those of an earlier holder, or are cut off if negative. */
  public static final Field LONGER = new Field("longer", -64, 64, 0);

  /** Whether every holder ends and every copy succeeds before. */
  public static final Field EMPTIED = Field.of("emptied", 0, 1);

  /** A new holder asks for blocks for what an earlier one held, for more or for less. */
  public static final EventType AGAIN =
      EventType.request("again", Engine.WHICH, LONGER, KEPT, SERVED);

  /** A holder that was refused asks again. */
  public static final EventType RETRY = EventType.of("retry", Engine.WHICH);

  /** A holder asks for more room. */
  public static final EventType GROW = EventType.of("grow", Engine.WHICH, MORE);

  /** A holder's content was computed. */
  public static final EventType PUBLISH = EventType.of("publish", Engine.WHICH, COMPUTED);

  /** A holder ends. */
  public static final EventType RELEASE = EventType.of("release", Engine.WHICH);

  /** A holder is pinned. */
  public static final EventType PIN = EventType.of("pin", Engine.WHICH);

  /** A holder is unpinned. */
  public static final EventType UNPIN = EventType.of("unpin", Engine.WHICH);

  /** A holder is moved to the host. */
  public static final EventType SWAP_OUT = EventType.of("swapOut", Engine.WHICH);

  /** A holder is moved back. */
  public static final EventType SWAP_IN = EventType.of("swapIn", Engine.WHICH, SERVED);

  /** Some content that was ever held is copied to the host, as far as it is cached. */
  public static final EventType STORE = EventType.of("store", Engine.WHICH);

  /** New holders that ask for a content while it is copied from the host. */
  public static final Field ASKERS = Field.of("askers", 0, 3);

  /** Some content that was ever held is copied from the host, as far as it is there. */
  public static final EventType LOAD = EventType.of("load", Engine.WHICH, ASKERS);

  /** A copy ends. */
  public static final EventType COPIED = EventType.of("copied", Engine.WHICH, FAILS);

  /** A holder takes everything that is free and ends: what is only cached is evicted. */
  public static final EventType FLOOD = EventType.of("flood");

  /** An allocation and other things are tried and undone. */
  public static final EventType UNDONE =
      EventType.of("undone", Engine.WHICH, Engine.PROMPT, Engine.WORDS, TRIES);

  /** Everything cached is forgotten. */
  public static final EventType CLEAR = EventType.of("clear", EMPTIED);

  /** All of it. */
  public static final Vocabulary VOCABULARY =
      new Vocabulary(
          "pool",
          List.of(
              Engine.BLOCKS, Engine.BLOCK_TOKENS, Engine.HOST_BLOCKS, WINDOW, Engine.HASH_VALUES),
          List.of(
              ALLOCATE, AGAIN, RETRY, GROW, PUBLISH, RELEASE, PIN, UNPIN, SWAP_OUT, SWAP_IN, STORE,
              LOAD, COPIED, FLOOD, UNDONE, CLEAR));

  private Pool() {}
}
