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

  /** Session: 0 none. */
  public static final Field SESSION = Field.of("session", 0, 3);

  /** Why a request ends: 0 completed, 1 cancelled, 2 error, 3 time-out. */
  public static final Field CAUSE = Field.of("cause", 0, 3);

  /** Requests that wait at an instance. */
  public static final Field WAITING = Field.of("waiting", 0, 16);

  /** Requests that run at an instance. */
  public static final Field RUNNING = Field.of("running", 0, 16);

  /** How old a report is. */
  public static final Field AGE = Field.of("age", 0, 1_000);

  /** A request comes. */
  public static final EventType ROUTE =
      EventType.request("route", Engine.PROMPT, Engine.MAX_NEW, SESSION, Engine.WORDS);

  /** A request's first token comes. */
  public static final EventType FIRST_TOKEN = EventType.of("firstToken", Engine.WHICH);

  /** A request ends. */
  public static final EventType END = EventType.of("end", Engine.WHICH, CAUSE, Engine.AMONG_ALL);

  /** A request is sent elsewhere. */
  public static final EventType RETRY = EventType.of("retry", Engine.WHICH);

  /** An instance goes. */
  public static final EventType DOWN = EventType.of("down", Engine.WHICH);

  /** An instance comes back under its old name. */
  public static final EventType UP = EventType.of("up", Engine.WHICH);

  /** An instance reports. */
  public static final EventType OBSERVE =
      EventType.of("observe", Engine.WHICH, WAITING, RUNNING, AGE);

  /** All of it. */
  public static final Vocabulary VOCABULARY =
      new Vocabulary(
          "router",
          List.of(INSTANCES, MAX_IN_FLIGHT),
          List.of(ROUTE, FIRST_TOKEN, END, RETRY, DOWN, UP, OBSERVE, Engine.ADVANCE));

  private Router() {}
}
