package io.headway.testkit.drive;

import io.headway.testkit.scenario.EventType;
import io.headway.testkit.scenario.Field;
import io.headway.testkit.scenario.Vocabulary;
import java.util.List;

/** What scenarios of a router consist of. */
public final class Router {
  /** Instances that are up at the start. */
  public static final Field INSTANCES = Field.of("instances", 1, 16);

  /** Most outstanding requests of an instance; 0 for no limit. */
  public static final Field MAX_IN_FLIGHT = Field.of("maxInFlight", 0, 16);

  /** Most retries of a request. */
  public static final Field RETRY_LIMIT =
      new Field("retryLimit", 0, Integer.MAX_VALUE, Integer.MAX_VALUE);

  /** Whether instances tell what they cache. */
  public static final Field REPORTS_CACHE = Field.of("reportsCache", 0, 1);

  /** Fewest output tokens; no more than the most. */
  public static final Field MIN_NEW = Field.of("minNew", 0, 4_096);

  /** Session: 0 none. */
  public static final Field SESSION = Field.of("session", 0, 3);

  /** Why a request ends: 0 completed, 1 cancelled, 2 error, 3 time-out. */
  public static final Field CAUSE = Field.of("cause", 0, 3);

  /** Output tokens that an instance has delivered when it gives a request up. */
  public static final Field DELIVERED = Field.of("delivered", 0, 4_096);

  /** Requests that wait at an instance. */
  public static final Field WAITING = Field.of("waiting", 0, 16);

  /** Requests that run at an instance. */
  public static final Field RUNNING = Field.of("running", 0, 16);

  /** How old a report is. */
  public static final Field AGE = Field.of("age", 0, 1_000);

  /** Blocks that a prompt fills. */
  public static final Field BLOCKS = Field.of("blocks", 1, 8);

  /** Which of the blocks an instance holds: the i-th of n, modulo n. */
  public static final Field PICK = Field.of("pick", 0, 1_000);

  /** Whether the message is about an earlier life of the instance. */
  public static final Field LATE = Field.of("late", 0, 1);

  /** A request comes. */
  public static final EventType ROUTE =
      EventType.request("route", Engine.PROMPT, Engine.MAX_NEW, SESSION, Engine.WORDS, MIN_NEW);

  /** A request comes and is given an instance, but is not sent there yet. */
  public static final EventType CHOOSE =
      EventType.request("choose", Engine.PROMPT, Engine.MAX_NEW, SESSION, Engine.WORDS, MIN_NEW);

  /** A request is sent where it was to go. */
  public static final EventType SEND = EventType.of("send", Engine.WHICH);

  /** A request cannot be sent where it was to go. */
  public static final EventType ABANDON = EventType.of("abandon", Engine.WHICH);

  /** A request's first token comes. */
  public static final EventType FIRST_TOKEN = EventType.of("firstToken", Engine.WHICH);

  /** A request ends. */
  public static final EventType END = EventType.of("end", Engine.WHICH, CAUSE, Engine.AMONG_ALL);

  /** A request is sent elsewhere. */
  public static final EventType RETRY = EventType.of("retry", Engine.WHICH, DELIVERED);

  /** An instance takes nothing new any more. */
  public static final EventType DRAIN = EventType.of("drain", Engine.WHICH);

  /** An instance goes. */
  public static final EventType DOWN = EventType.of("down", Engine.WHICH, LATE);

  /** An instance comes back under its old name. */
  public static final EventType UP = EventType.of("up", Engine.WHICH);

  /** An instance reports any load. */
  public static final EventType OBSERVE =
      EventType.of("observe", Engine.WHICH, WAITING, RUNNING, AGE);

  /** An instance reports its true load; the report is on its way. */
  public static final EventType REPORT = EventType.of("report", Engine.WHICH);

  /** One of the reports on their way arrives. */
  public static final EventType REPORTED = EventType.of("reported", Engine.WHICH);

  /** An instance caches the blocks of a prompt, or has more copies of them. */
  public static final EventType STORE =
      EventType.of("store", Engine.WHICH, BLOCKS, Engine.WORDS, LATE);

  /** An instance loses one copy of a block. */
  public static final EventType EVICT = EventType.of("evict", Engine.WHICH, PICK);

  /** An instance clears its cache. */
  public static final EventType CLEAR = EventType.of("clear", Engine.WHICH, LATE);

  /** All of it. */
  public static final Vocabulary VOCABULARY =
      new Vocabulary(
          "router",
          List.of(INSTANCES, MAX_IN_FLIGHT, RETRY_LIMIT, REPORTS_CACHE),
          List.of(
              ROUTE,
              CHOOSE,
              SEND,
              ABANDON,
              FIRST_TOKEN,
              END,
              RETRY,
              DRAIN,
              DOWN,
              UP,
              OBSERVE,
              REPORT,
              REPORTED,
              STORE,
              EVICT,
              CLEAR,
              Engine.ADVANCE));

  private Router() {}
}
