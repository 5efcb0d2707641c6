package io.headway.architecture;

import com.tngtech.archunit.lang.ArchRule;
import java.util.Set;

/** Time, randomness and the outside world come in as arguments. */
final class DeterminismRules {
  /** R4: no clock. */
  static final ArchRule NO_CLOCK =
      Banned.banned("clock; the time comes in as nowNanos")
          .members("java.lang.System", "currentTimeMillis", "nanoTime")
          .membersMatching("java.time.Instant", "now"::equals)
          .membersMatching("java.time.LocalDate", "now"::equals)
          .membersMatching("java.time.LocalTime", "now"::equals)
          .membersMatching("java.time.LocalDateTime", "now"::equals)
          .membersMatching("java.time.OffsetDateTime", "now"::equals)
          .membersMatching("java.time.ZonedDateTime", "now"::equals)
          .types("java.time.Clock", "java.time.InstantSource", "java.util.Date")
          .types("java.util.Calendar")
          .rule();

  /** R4: no randomness. */
  static final ArchRule NO_RANDOMNESS =
      Banned.banned("source of randomness; it comes in as a RandomSource")
          .members("java.lang.Math", "random")
          .members("java.lang.StrictMath", "random")
          .members("java.util.UUID", "randomUUID")
          .members("java.util.Collections", "shuffle")
          .types("java.util.Random", "java.util.SplittableRandom")
          .types("java.util.concurrent.ThreadLocalRandom", "java.security.SecureRandom")
          .typesIn("java.util.random")
          .rule();

  /** R3: no thread, timer, shutdown hook or pool. */
  static final ArchRule NO_THREADS =
      Banned.banned("thread, timer or pool; the caller's thread does the work")
          .membersMatching(
              "java.lang.Thread",
              Set.of(
                      "<init>",
                      "start",
                      "sleep",
                      "ofVirtual",
                      "ofPlatform",
                      "startVirtualThread",
                      "setDefaultUncaughtExceptionHandler")
                  ::contains)
          .types("java.util.Timer", "java.util.TimerTask", "java.util.concurrent.Executors")
          .types("java.util.concurrent.ForkJoinPool", "java.util.concurrent.ThreadPoolExecutor")
          .types("java.util.concurrent.ScheduledThreadPoolExecutor")
          .types("java.lang.Runtime")
          .membersMatching("java.util.concurrent.CompletableFuture", name -> name.endsWith("Async"))
          .membersMatching("java.util.concurrent.CompletionStage", name -> name.endsWith("Async"))
          .members("java.util.Collection", "parallelStream")
          .members("java.util.List", "parallelStream")
          .members("java.util.Arrays", "parallelSort", "parallelSetAll", "parallelPrefix")
          .members("java.util.stream.IntStream", "parallel")
          .members("java.util.stream.LongStream", "parallel")
          .members("java.util.stream.DoubleStream", "parallel")
          .members("java.util.stream.Stream", "parallel")
          .rule();

  /** R3: no file, no network, no process, no console. */
  static final ArchRule NO_INPUT_OUTPUT =
      Banned.banned("file, network, process or console")
          .typesIn(
              "java.io",
              "java.io.IOException",
              "java.io.UncheckedIOException",
              "java.io.Serializable",
              "java.io.Serial",
              "java.io.Closeable",
              "java.io.Flushable",
              "java.io.OutputStream",
              "java.io.Writer")
          .typesIn("java.net")
          .typesIn("java.nio.file")
          .typesIn("java.nio.channels")
          .types("java.lang.Process", "java.lang.ProcessBuilder", "java.lang.ProcessHandle")
          .members("java.lang.System", "in", "out", "err", "console", "exit", "load", "loadLibrary")
          .rule();

  /** Rule 2 of the SPI: nothing that is iterated in hash order. */
  static final ArchRule NO_HASH_ORDER =
      Banned.banned("collection in hash order; use insertion-ordered, sorted or primitive ones")
          .members("java.util.HashMap", "<init>", "newHashMap")
          .members("java.util.HashSet", "<init>", "newHashSet")
          .members("java.util.IdentityHashMap", "<init>")
          .members("java.util.WeakHashMap", "<init>")
          .members("java.util.Hashtable", "<init>")
          .members("java.util.concurrent.ConcurrentHashMap", "<init>", "newKeySet")
          .membersWithArguments("java.util.Map", "copyOf", "of", "ofEntries")
          .membersWithArguments("java.util.Set", "copyOf", "of")
          .members("java.util.stream.Collectors", "toSet", "toUnmodifiableSet")
          .members("java.lang.System", "identityHashCode")
          .members("java.lang.Object", "hashCode")
          .rule();

  private DeterminismRules() {}
}
