package io.headway.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;

import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.nio.charset.Charset;
import java.util.Locale;
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

  /** R4: a distribution is computed with, not drawn from. */
  static final ArchRule NO_SAMPLING =
      Banned.banned("sampling by a library; draw from the RandomSource")
          .typesIn("org.apache.commons.math3.random")
          .membersIn("org.apache.commons.math3.distribution", "sample")
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

  /**
   * What is written and read is the same in every country: no default locale, time zone, character
   * set or collation.
   */
  static final ArchRule NO_DEFAULT_LOCALE =
      Banned.banned("default locale, time zone or character set; name Locale.ROOT, UTC and UTF-8")
          .members("java.util.Locale", "getDefault")
          .members("java.util.TimeZone", "getDefault")
          .members("java.time.ZoneId", "systemDefault")
          .members("java.nio.charset.Charset", "defaultCharset")
          .members("java.lang.String", "formatted")
          .membersWithout(Locale.class, "java.lang.String", "format", "toLowerCase", "toUpperCase")
          .membersWithout(Locale.class, "java.io.PrintStream", "format", "printf")
          .membersWithout(Locale.class, "java.io.PrintWriter", "format", "printf")
          .membersWithout(Locale.class, "java.util.Formatter", "<init>", "format")
          .membersWithout(Locale.class, "java.time.format.DateTimeFormatter", "ofPattern")
          .membersWithoutArguments("java.time.LocalDate", "now")
          .membersWithoutArguments("java.time.LocalTime", "now")
          .membersWithoutArguments("java.time.LocalDateTime", "now")
          .membersWithoutArguments("java.time.OffsetDateTime", "now")
          .membersWithoutArguments("java.time.ZonedDateTime", "now")
          .membersWithoutArguments("java.lang.String", "getBytes")
          .membersWithoutArguments("java.io.ByteArrayOutputStream", "toString")
          .membersWithout(Charset.class, "java.io.InputStreamReader", "<init>")
          .membersWithout(Charset.class, "java.io.OutputStreamWriter", "<init>")
          .types("java.io.FileReader", "java.io.FileWriter", "java.util.Scanner")
          .typesIn("java.text")
          .rule();

  /**
   * Rule 2 of the SPI: nothing is iterated in hash order. Unmodifiable maps and sets are banned
   * altogether, since they are made to be handed out; a hash map or set may be looked up in, but
   * not iterated by the class that makes it.
   */
  static final ArchRule NO_HASH_ORDER =
      Banned.banned("collection in hash order; use insertion-ordered, sorted or primitive ones")
          .membersWithArguments("java.util.Map", "copyOf", "of", "ofEntries")
          .membersWithArguments("java.util.Set", "copyOf", "of")
          .members("java.util.stream.Collectors", "toSet", "toUnmodifiableSet")
          .members("java.util.stream.Collectors", "toMap", "toUnmodifiableMap", "groupingBy")
          .types("java.util.IdentityHashMap", "java.util.WeakHashMap", "java.util.Hashtable")
          .members("java.lang.System", "identityHashCode")
          .members("java.lang.Object", "hashCode")
          .rule();

  /** The other half of {@link #NO_HASH_ORDER}. */
  static final ArchRule NO_HASH_ITERATION =
      classes()
          .should(
              new ArchCondition<JavaClass>("not iterate a hash map or hash set they make") {
                @Override
                public void check(JavaClass origin, ConditionEvents events) {
                  if (!makesHashCollection(origin)) {
                    return;
                  }
                  for (JavaAccess<?> access : origin.getAccessesFromSelf()) {
                    if (ITERATED.contains(access.getTargetOwner().getName())
                        && ITERATIONS.contains(access.getName())) {
                      events.add(SimpleConditionEvent.violated(origin, access.getDescription()));
                    }
                  }
                }
              })
          .allowEmptyShould(true);

  private static final Set<String> HASHED =
      Set.of("java.util.HashMap", "java.util.HashSet", "java.util.concurrent.ConcurrentHashMap");

  private static final Set<String> ITERATED =
      Set.of(
          "java.util.HashMap",
          "java.util.HashSet",
          "java.util.Map",
          "java.util.Set",
          "java.util.concurrent.ConcurrentHashMap",
          "java.util.concurrent.ConcurrentMap");

  private static final Set<String> ITERATIONS =
      Set.of(
          "entrySet",
          "forEach",
          "iterator",
          "keySet",
          "removeIf",
          "replaceAll",
          "stream",
          "toArray",
          "values");

  private DeterminismRules() {}

  private static boolean makesHashCollection(JavaClass origin) {
    return origin.getConstructorCallsFromSelf().stream()
        .anyMatch(call -> HASHED.contains(call.getTargetOwner().getName()));
  }
}
