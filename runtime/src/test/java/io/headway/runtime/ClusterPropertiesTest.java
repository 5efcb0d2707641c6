package io.headway.runtime;

import static io.headway.runtime.RoutingFixtures.MIXED;
import static io.headway.runtime.RoutingFixtures.load;
import static io.headway.runtime.RoutingFixtures.stats;
import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.Role;
import io.headway.api.routing.RejectCode;
import io.headway.api.routing.RoutingPolicy;
import io.headway.routing.instance.AffinityKey;
import io.headway.routing.instance.ChBoundedLoadRouting;
import io.headway.routing.instance.GapsRouting;
import io.headway.routing.instance.LeastLoadRouting;
import io.headway.routing.instance.LoadMetric;
import io.headway.routing.instance.PowerOfTwoRouting;
import io.headway.routing.instance.RingHash;
import io.headway.routing.instance.RoundRobinRouting;
import io.headway.routing.instance.TieBreak;
import io.headway.runtime.RoutingFixtures.HundredTokensASecond;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What must hold of the published routing rules whatever requests come, through the cluster. */
class ClusterPropertiesTest {
  private static final int THREADS = 4;

  private static String name(int instance) {
    return "i" + (char) ('a' + instance);
  }

  private static ClusterScheduler cluster(
      RoutingPolicy<?> policy, InstanceProfile profile, int instances, long seed) {
    ClusterScheduler cluster =
        ClusterScheduler.builder()
            .policy(policy)
            .predictor(new HundredTokensASecond())
            .random(RandomSource.seeded(seed))
            .strict()
            .build();
    for (int i = 0; i < instances; i++) {
      cluster.up(name(i), 0, profile, 0);
    }
    return cluster;
  }

  private static Ticket accept(RoutePlan plan) {
    assertThat(plan.kind()).as(plan.toString()).isEqualTo(RoutePlan.Kind.ACCEPT);
    return plan.ticket();
  }

  // ---- no herding

  @Property(seed = "1", tries = 200)
  void equalRequestsOnIdleEqualInstancesSpreadEvenly(
      @ForAll LoadMetric metric,
      @ForAll TieBreak ties,
      @ForAll @IntRange(min = 1, max = 12) int instances,
      @ForAll @IntRange(min = 1, max = 120) int requests,
      @ForAll boolean observed) {
    ClusterScheduler cluster = cluster(new LeastLoadRouting(metric, ties), MIXED, instances, 0);
    if (observed) {
      for (int i = 0; i < instances; i++) {
        cluster.observe(name(i), 0, InstanceStats.of(0, 0, 0, 0, 0), 1);
      }
    }
    int[] counts = new int[instances];
    for (int r = 0; r < requests; r++) {
      String chosen = accept(cluster.route(Request.of("r" + r, 100, 20), 2)).primary();
      counts[chosen.charAt(1) - 'a']++;
      assertSpread(counts);
    }
    for (int i = 0; i < instances; i++) {
      assertThat(load(cluster, name(i), 2).inFlight()).isEqualTo(counts[i]);
    }
  }

  private static void assertSpread(int[] counts) {
    int least = Integer.MAX_VALUE;
    int most = 0;
    for (int count : counts) {
      least = Math.min(least, count);
      most = Math.max(most, count);
    }
    assertThat(most - least).isBetween(0, 1);
  }

  // ---- round robin

  @Property(seed = "2", tries = 200)
  void roundRobinCountsOfEverySetOfCandidatesDifferByAtMostOne(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 6) int instances) {
    RandomSource random = RandomSource.seeded(seed);
    ClusterScheduler cluster =
        cluster(
            new RoundRobinRouting(RoundRobinRouting.DEFAULT_MAX_CURSORS), MIXED, instances, seed);
    List<Set<String>> subsets = new ArrayList<>();
    for (int s = 0; s < 3; s++) {
      Set<String> subset = new LinkedHashSet<>();
      subset.add(name(random.nextInt(instances)));
      for (int i = 0; i < instances; i++) {
        if (random.nextInt(2) == 0) {
          subset.add(name(i));
        }
      }
      subsets.add(subset);
    }
    Map<Set<String>, Map<String, Integer>> counts = new HashMap<>();
    for (int r = 0; r < 100; r++) {
      Set<String> subset = subsets.get(random.nextInt(subsets.size()));
      Map<String, Integer> ofSet = counts.computeIfAbsent(subset, s -> new HashMap<>());
      Ticket ticket = accept(cluster.routeAmong(Request.of("r" + r, 100, 20), subset, r));
      assertThat(subset).contains(ticket.primary());
      ofSet.merge(ticket.primary(), 1, Integer::sum);
      assertSpread(subset.stream().mapToInt(id -> ofSet.getOrDefault(id, 0)).toArray());
      if (random.nextInt(2) == 0) {
        ticket.close();
      }
    }
  }

  // ---- power of two

  @Property(seed = "3", tries = 200)
  void powerOfTwoTakesTheLessLoadedOfItsDraw(
      @ForAll long seed, @ForAll @IntRange(min = 2, max = 8) int instances) {
    ClusterScheduler cluster =
        cluster(new PowerOfTwoRouting(LoadMetric.REQUESTS), MIXED, instances, seed);
    RandomSource sameDraws = RandomSource.seeded(seed);
    RandomSource events = RandomSource.seeded(~seed);
    List<Ticket> open = new ArrayList<>();
    for (int r = 0; r < 100; r++) {
      int first = sameDraws.nextInt(instances);
      int rest = sameDraws.nextInt(instances - 1);
      int second = rest < first ? rest : rest + 1;
      int expected = requests(cluster, second, r) < requests(cluster, first, r) ? second : first;
      Ticket ticket = accept(cluster.route(Request.of("r" + r, 100, 20), r));
      assertThat(ticket.primary()).isEqualTo(name(expected));
      open.add(ticket);
      if (events.nextInt(2) == 0) {
        open.remove(events.nextInt(open.size())).close();
      }
    }
  }

  private static int requests(ClusterScheduler cluster, int instance, long now) {
    InstanceLoad load = load(cluster, name(instance), now);
    return load.waiting() + load.running();
  }

  // ---- consistent hashing with bounded loads

  @Property(seed = "4", tries = 200)
  void noInstanceTakesMoreThanItsBoundedShare(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 8) int instances,
      @ForAll @IntRange(min = 1, max = 200) int epsilonHundredths,
      @ForAll @IntRange(min = 1, max = 6) int sessions) {
    ClusterScheduler cluster =
        cluster(
            new ChBoundedLoadRouting(
                epsilonHundredths / 100.0, AffinityKey.SESSION, 1, RingHash.of(16)),
            MIXED,
            instances,
            seed);
    RandomSource random = RandomSource.seeded(seed);
    List<Ticket> open = new ArrayList<>();
    for (int r = 0; r < 120; r++) {
      Request request =
          Request.builder("r" + r, 100, 20).session("s" + random.nextInt(sessions)).build();
      Ticket ticket = accept(cluster.route(request, r));
      open.add(ticket);
      // ceil((1 + epsilon) m / M), in integers.
      long numerator = (100L + epsilonHundredths) * open.size();
      long denominator = 100L * instances;
      long bound = (numerator + denominator - 1) / denominator;
      assertThat((long) load(cluster, ticket.primary(), r).inFlight()).isBetween(1L, bound);
      if (random.nextInt(3) == 0) {
        open.remove(random.nextInt(open.size())).close();
      }
    }
  }

  @Property(seed = "5", tries = 50)
  void withoutPressureOneSessionStaysWhereItIs(
      @ForAll @IntRange(min = 1, max = 8) int instances,
      @ForAll @IntRange(min = 1, max = 20) int sessions) {
    ClusterScheduler cluster =
        cluster(
            new ChBoundedLoadRouting(0.25, AffinityKey.SESSION, 1, RingHash.of(16)),
            MIXED,
            instances,
            0);
    Map<String, Set<String>> places = new HashMap<>();
    for (int r = 0; r < 60; r++) {
      String session = "s" + r % sessions;
      Request request = Request.builder("r" + r, 100, 20).session(session).build();
      try (Ticket ticket = accept(cluster.route(request, r))) {
        places.computeIfAbsent(session, s -> new HashSet<>()).add(ticket.primary());
      }
    }
    assertThat(places.values()).allMatch(seen -> seen.size() == 1);
  }

  // ---- GAPS as printed

  @Property(seed = "6", tries = 100)
  void gapsAsPrintedIsJoinTheShortestQueueOnEqualInstances(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 6) int instances) {
    InstanceProfile small = InstanceProfile.of(Role.MIXED, 4, 1000, 16);
    ClusterScheduler gaps =
        cluster(new GapsRouting(GapsRouting.Mode.LITERAL), small, instances, seed);
    ClusterScheduler shortest =
        cluster(
            new LeastLoadRouting(LoadMetric.REQUESTS, TieBreak.LEAST_RECENT),
            small,
            instances,
            seed);
    RandomSource random = RandomSource.seeded(seed);
    List<Ticket> gapsOpen = new ArrayList<>();
    List<Ticket> shortestOpen = new ArrayList<>();
    Set<String> rules = new HashSet<>();
    for (int r = 0; r < 20 * instances; r++) {
      Request request =
          Request.builder("r" + r, 1 + random.nextInt(500), 20).arrivalNanos(r).build();
      RoutePlan plan = gaps.route(request, r);
      rules.add(plan.rule());
      Ticket one = accept(plan);
      Ticket other = accept(shortest.route(request, r));
      assertThat(one.primary()).isEqualTo(other.primary());
      gapsOpen.add(one);
      shortestOpen.add(other);
      if (random.nextInt(3) == 0) {
        int over = random.nextInt(gapsOpen.size());
        for (Ticket ticket : List.of(gapsOpen.remove(over), shortestOpen.remove(over))) {
          ticket.started(r);
          ticket.release(ReleaseCause.COMPLETED, Usage.of(5), r + 1);
        }
      }
      if (random.nextInt(4) == 0) {
        String id = name(random.nextInt(instances));
        InstanceStats seen = stats(random.nextInt(4), random.nextInt(4));
        gaps.observe(id, 0, seen, r);
        shortest.observe(id, 0, seen, r);
      }
    }
    assertThat(rules).contains("low-load").isSubsetOf("low-load", "literal");
  }

  @Test
  void gapsAsPrintedMeetsBothItsBranches() {
    ClusterScheduler cluster =
        cluster(
            new GapsRouting(GapsRouting.Mode.LITERAL),
            InstanceProfile.of(Role.MIXED, 4, 1000, 16),
            2,
            0);
    List<String> rules = new ArrayList<>();
    for (int r = 0; r < 8; r++) {
      RoutePlan plan = cluster.route(Request.of("r" + r, 100, 20), r);
      accept(plan);
      rules.add(plan.rule());
    }
    // Six of eight places are the first share at or above the threshold of 0.7.
    assertThat(rules)
        .containsExactly(
            "low-load",
            "low-load",
            "low-load",
            "low-load",
            "low-load",
            "low-load",
            "literal",
            "literal");
  }

  // ---- ledgers

  @Property(seed = "7", tries = 200)
  void ledgersReturnToZeroOnEveryWayOut(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 4) int instances) {
    RandomSource random = RandomSource.seeded(seed);
    InstanceProfile narrow = MIXED.maxInFlight(3);
    ClusterScheduler cluster =
        cluster(
            new LeastLoadRouting(LoadMetric.REQUESTS, TieBreak.LEAST_RECENT),
            narrow,
            instances,
            seed);
    int[] lives = new int[instances];
    List<Ticket> open = new ArrayList<>();
    List<RoutePlan> queued = new ArrayList<>();
    long now = 0;
    for (int step = 0; step < 200; step++) {
      now += random.nextInt(3);
      int instance = random.nextInt(instances);
      String id = name(instance);
      int dice = random.nextInt(16);
      if (dice < 7 || open.isEmpty()) {
        take(cluster.route(Request.of("r" + step, 1 + random.nextInt(300), 20), now), open, queued);
      } else {
        Ticket ticket = open.get(random.nextInt(open.size()));
        switch (dice) {
          case 7 -> ticket.started(now);
          case 8 -> ticket.firstToken(now);
          case 9, 10 -> ticket.release(cause(random), Usage.of(random.nextInt(9)), now);
          case 11 -> ticket.close();
          case 12 -> retry(ticket, cause(random), now, open, queued);
          case 13 -> ticket.servedBy(random.nextInt(4) == 0 ? "elsewhere" : id, now);
          case 14 -> {
            cluster.down(id, lives[instance], now);
            lives[instance]++;
            cluster.up(id, lives[instance], narrow, now);
          }
          default -> {
            if (!queued.isEmpty()) {
              queued.remove(random.nextInt(queued.size())).cancel(now);
            }
          }
        }
      }
      open.removeIf(Ticket::isReleased);
      assertThat(cluster.stats().inFlight()).isEqualTo(open.size());
    }
    queued.forEach(plan -> plan.cancel(Long.MIN_VALUE));
    for (Ticket ticket : List.copyOf(open)) {
      ticket.release(ReleaseCause.CLIENT_DISCONNECT, Usage.UNKNOWN, now);
    }
    assertThat(cluster.stats().inFlight()).isZero();
    assertThat(cluster.stats().queued()).isZero();
    assertThat(cluster.stats().violations()).isZero();
    assertIdle(cluster, instances, now);
  }

  private static ReleaseCause cause(RandomSource random) {
    return ReleaseCause.values()[random.nextInt(ReleaseCause.values().length)];
  }

  /** Keeps the ticket now, or when the router has room for the request. */
  private static void take(RoutePlan plan, List<Ticket> open, List<RoutePlan> queued) {
    switch (plan.kind()) {
      case ACCEPT -> {
        if (!open.contains(plan.ticket())) {
          open.add(plan.ticket());
        }
      }
      case QUEUE -> {
        queued.add(plan);
        plan.later(Runnable::run).thenAccept(later -> take(later, open, queued));
      }
      case REJECT -> {}
    }
  }

  private static void retry(
      Ticket ticket, ReleaseCause cause, long now, List<Ticket> open, List<RoutePlan> queued) {
    take(ticket.retry(cause, now), open, queued);
  }

  private static void assertIdle(ClusterScheduler cluster, int instances, long now) {
    for (int i = 0; i < instances; i++) {
      InstanceLoad left = load(cluster, name(i), now);
      assertThat(left.inFlight()).as(left.id()).isZero();
      assertThat(left.waiting() + left.running()).as(left.id()).isZero();
      assertThat(left.waitingPromptTokens()).as(left.id()).isZero();
      assertThat(left.runningContextTokens()).as(left.id()).isZero();
      assertThat(left.usedBlocks()).as(left.id()).isZero();
      assertThat(left.backlogNanos()).as(left.id()).isZero();
    }
  }

  // ---- any thread

  @Test
  @Timeout(120)
  void countsReturnToZeroWhenManyThreadsRouteObserveAndRelease() throws InterruptedException {
    hammer(MIXED, 1_000);
  }

  @Test
  @Timeout(120)
  void noRequestIsLostWhenManyThreadsWaitForFewPlaces() throws InterruptedException {
    hammer(MIXED.maxInFlight(1), 500);
  }

  private static void hammer(InstanceProfile profile, int each) throws InterruptedException {
    int instances = 2;
    ClusterScheduler cluster =
        cluster(
            new LeastLoadRouting(LoadMetric.REQUESTS, TieBreak.LEAST_RECENT),
            profile,
            instances,
            0);
    AtomicLong clock = new AtomicLong();
    CountDownLatch start = new CountDownLatch(1);
    CountDownLatch done = new CountDownLatch(THREADS);
    Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
    for (int t = 0; t < THREADS; t++) {
      int thread = t;
      Thread client =
          new Thread(
              () -> {
                try {
                  start.await();
                  for (int i = 0; i < each; i++) {
                    one(cluster, clock, thread + "/" + i, name(i % instances));
                  }
                } catch (Throwable e) {
                  failures.add(e);
                } finally {
                  done.countDown();
                }
              },
              "client-" + t);
      client.setDaemon(true);
      client.start();
    }
    start.countDown();
    assertThat(done.await(60, TimeUnit.SECONDS)).isTrue();
    assertThat(failures).isEmpty();
    long now = clock.incrementAndGet();
    for (int i = 0; i < instances; i++) {
      // An instance that reports nothing leaves only what the router itself counts.
      cluster.observe(name(i), 0, stats(InstanceStats.UNKNOWN, InstanceStats.UNKNOWN), now);
    }
    assertIdle(cluster, instances, now);
    ClusterStats stats = cluster.stats();
    assertThat(stats.accepted()).isEqualTo((long) THREADS * each);
    assertThat(stats.released()).containsEntry(ReleaseCause.COMPLETED, (long) THREADS * each);
    assertThat(stats.released().keySet()).containsExactly(ReleaseCause.values());
    assertThat(stats.rejected().keySet()).containsExactly(RejectCode.values());
    assertThat(stats.inFlight()).isZero();
    assertThat(stats.queued()).isZero();
    assertThat(stats.violations()).isZero();
  }

  private static void one(ClusterScheduler cluster, AtomicLong clock, String id, String observed)
      throws Exception {
    RoutePlan plan = cluster.route(Request.of(id, 100, 20), clock.incrementAndGet());
    if (plan.kind() == RoutePlan.Kind.QUEUE) {
      plan = plan.later(Runnable::run).toCompletableFuture().get(30, TimeUnit.SECONDS);
    }
    Ticket ticket = accept(plan);
    assertThat(ticket.started(clock.incrementAndGet())).isTrue();
    assertThat(cluster.observe(observed, 0, stats(1, 1), clock.incrementAndGet())).isTrue();
    assertThat(ticket.firstToken(clock.incrementAndGet())).isTrue();
    assertThat(ticket.release(ReleaseCause.COMPLETED, Usage.of(20), clock.incrementAndGet()))
        .isTrue();
  }
}
