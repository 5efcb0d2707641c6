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

  /** A new holder asks for blocks. */
  public static final EventType ALLOCATE =
      EventType.request(
          "allocate", Engine.PROMPT, Engine.WORDS, Engine.TENANT, Engine.ADAPTER, Engine.SALT);

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
  public static final EventType SWAP_IN = EventType.of("swapIn", Engine.WHICH);

  /** An allocation, a growth and a release are tried and undone. */
  public static final EventType UNDONE =
      EventType.of("undone", Engine.WHICH, Engine.PROMPT, Engine.WORDS);

  /** Everything cached is forgotten. */
  public static final EventType CLEAR = EventType.of("clear");

  /** All of it. */
  public static final Vocabulary VOCABULARY =
      new Vocabulary(
          "pool",
          List.of(Engine.BLOCKS, Engine.BLOCK_TOKENS, Engine.HOST_BLOCKS, Engine.HASH_VALUES),
          List.of(ALLOCATE, GROW, PUBLISH, RELEASE, PIN, UNPIN, SWAP_OUT, SWAP_IN, UNDONE, CLEAR));

  private Pool() {}
}
