package io.headway.testkit.subject;

import io.headway.api.Claims;
import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.Role;
import io.headway.api.prediction.ServiceTimePredictor;
import io.headway.api.routing.RoutingPolicy;
import io.headway.runtime.ClusterScheduler;
import io.headway.runtime.InstanceLoad;
import io.headway.runtime.InstanceProfile;
import io.headway.runtime.InstanceStats;
import io.headway.runtime.PrefixScope;
import io.headway.runtime.ReleaseCause;
import io.headway.runtime.RouteExplanation;
import io.headway.runtime.RoutePlan;
import io.headway.runtime.Ticket;
import io.headway.runtime.Usage;
import io.headway.testkit.trace.TraceRecorder;
import io.headway.testkit.trace.TraceSink;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** A routing policy hosted by this library's own {@link ClusterScheduler}, in strict mode. */
public final class ClusterSubject implements RouterSubject {
  private static final int SLOTS = 4;
  private static final int BLOCKS = 4_096;
  private static final int BLOCK_TOKENS = WORD_TOKENS;

  private final ClusterScheduler cluster;
  private final boolean splitsRoles;
  private final int maxInFlight;
  private final boolean reportsCache;
  private final Map<Integer, Ticket> tickets = new HashMap<>();
  private final Map<Integer, RoutePlan> queued = new HashMap<>();
  private final Set<Integer> counted = new HashSet<>();
  private final List<Routed> promoted = new ArrayList<>();

  private ClusterSubject(
      RoutingPolicy<?> policy,
      ServiceTimePredictor<?> predictor,
      RouterConfig config,
      TraceSink trace) {
    splitsRoles = policy.splitsRoles();
    maxInFlight = config.maxInFlight();
    reportsCache = config.reportsCache();
    cluster =
        ClusterScheduler.builder()
            .policy(policy)
            .predictor(predictor)
            .prefixBlockTokens(BLOCK_TOKENS)
            .random(RandomSource.seeded(config.seed()))
            .strict()
            .log(new TraceRecorder(trace))
            .build();
  }

  /**
   * Makes a factory that hosts a policy, and claims what the runtime gives every policy.
   *
   * @param policy the policy; one object serves any number of routers
   * @param predictor what it may ask for service times
   * @return the factory
   */
  public static RouterFactory hosting(RoutingPolicy<?> policy, ServiceTimePredictor<?> predictor) {
    int balance = (int) policy.claims().bound(Claims.Bound.BALANCE_REQUESTS).orElse(-1);
    Set<RouterFeature> features =
        EnumSet.of(RouterFeature.RETRIES, RouterFeature.DRAINS, RouterFeature.CACHE_EVENTS);
    if (!policy.splitsRoles()) {
      // With a role of its own an instance carries and caches a part of a request.
      features.add(RouterFeature.LEARNS_PREFIXES);
      features.add(RouterFeature.LEDGER);
      features.add(RouterFeature.CORRECTS_REPORTS);
    }
    if (balance >= 0) {
      features.add(RouterFeature.WORK_CONSERVING);
    }
    Set<RouterFeature> claimed = Collections.unmodifiableSet(features);
    return new RouterFactory() {
      @Override
      public RouterSubject create(RouterConfig config, TraceSink trace) {
        return new ClusterSubject(policy, predictor, config, trace);
      }

      @Override
      public Set<RouterFeature> features() {
        return claimed;
      }

      @Override
      public int balance() {
        return balance;
      }
    };
  }

  private static String name(int instance) {
    return "i" + instance;
  }

  private static int number(String instance) {
    return Integer.parseInt(instance.substring(1));
  }

  @Override
  public OptionalInt route(Asked request, long now) {
    Request asked =
        Request.builder("r" + request.number(), request.promptTokens(), request.maxNewTokens())
            .arrivalNanos(now)
            .session(request.session())
            .blockKeys(keys(request.words()))
            .build();
    return take(request.number(), cluster.route(asked, now), false);
  }

  /** Names each block by all words up to its end. */
  private static long[] keys(List<Integer> words) {
    long[] keys = new long[words.size()];
    for (int i = 0; i < keys.length; i++) {
      keys[i] = (i == 0 ? 1 : keys[i - 1]) * 1_000_003 + words.get(i);
    }
    return keys;
  }

  private OptionalInt take(int request, RoutePlan plan, boolean later) {
    switch (plan.kind()) {
      case ACCEPT -> {
        queued.remove(request);
        tickets.put(request, plan.ticket());
        int instance = number(plan.ticket().primary());
        if (later) {
          promoted.add(new Routed(request, instance));
        }
        return OptionalInt.of(instance);
      }
      case QUEUE -> {
        queued.put(request, plan);
        plan.later(Runnable::run).thenAccept(then -> take(request, then, true));
        return OptionalInt.empty();
      }
      case REJECT -> {
        queued.remove(request);
        return OptionalInt.empty();
      }
    }
    throw new IllegalStateException("unknown kind " + plan.kind());
  }

  @Override
  public List<Routed> promoted() {
    List<Routed> all = List.copyOf(promoted);
    promoted.clear();
    return all;
  }

  @Override
  public boolean waits(int request) {
    return queued.containsKey(request);
  }

  @Override
  public void firstToken(int request, long nowNanos) {
    Ticket ticket = tickets.get(request);
    if (ticket != null) {
      ticket.firstToken(nowNanos);
    }
  }

  @Override
  public void ended(int request, Cause cause, long nowNanos) {
    RoutePlan plan = queued.remove(request);
    if (plan != null) {
      plan.cancel(nowNanos);
    }
    Ticket ticket = tickets.get(request);
    if (ticket != null) {
      ReleaseCause why =
          switch (cause) {
            case COMPLETED -> ReleaseCause.COMPLETED;
            case CANCELLED -> ReleaseCause.CLIENT_DISCONNECT;
            case ERROR -> ReleaseCause.UPSTREAM_ERROR;
            case TIMEOUT -> ReleaseCause.TIMEOUT;
          };
      ticket.release(why, Usage.of(3), nowNanos);
    }
  }

  @Override
  public Replay retry(int request, int deliveredTokens, long nowNanos) {
    Ticket ticket = tickets.get(request);
    OptionalInt target =
        ticket == null
            ? OptionalInt.empty()
            : take(request, ticket.retry(ReleaseCause.UPSTREAM_ERROR, nowNanos), false);
    return new Replay(target, 0, 0);
  }

  @Override
  public void up(int instance, int incarnation, long nowNanos) {
    Role role = !splitsRoles ? Role.MIXED : instance % 2 == 0 ? Role.PREFILL : Role.DECODE;
    InstanceProfile profile = InstanceProfile.of(role, SLOTS, BLOCKS, BLOCK_TOKENS);
    cluster.up(
        name(instance),
        incarnation,
        maxInFlight == 0 ? profile : profile.maxInFlight(maxInFlight),
        nowNanos);
    if (reportsCache) {
      cluster.prefixesCleared(name(instance), incarnation, nowNanos);
    }
    counted.add(instance);
  }

  @Override
  public void drain(int instance, int incarnation, long nowNanos) {
    cluster.drain(name(instance), incarnation, nowNanos);
  }

  @Override
  public void down(int instance, int incarnation, long nowNanos) {
    cluster.down(name(instance), incarnation, nowNanos);
  }

  @Override
  public void observe(int instance, int incarnation, int waiting, int running, long observedNanos) {
    cluster.observe(
        name(instance),
        incarnation,
        InstanceStats.of(waiting, running, 16L * waiting, 32L * running, 4 * running),
        observedNanos);
  }

  @Override
  public void stored(
      int instance, int incarnation, List<Integer> words, int copies, long nowNanos) {
    long[] key = {lastKey(words)};
    cluster.prefixStored(name(instance), incarnation, PrefixScope.NONE, key, nowNanos);
  }

  @Override
  public void removed(
      int instance, int incarnation, List<Integer> words, int copies, long nowNanos) {
    if (copies == 0) {
      long[] key = {lastKey(words)};
      cluster.prefixEvicted(name(instance), incarnation, PrefixScope.NONE, key, nowNanos);
    }
  }

  private static long lastKey(List<Integer> words) {
    return keys(words)[words.size() - 1];
  }

  @Override
  public void cleared(int instance, int incarnation, long nowNanos) {
    cluster.prefixesCleared(name(instance), incarnation, nowNanos);
  }

  @Override
  public int credited(int instance, List<Integer> words) {
    if (words.isEmpty()) {
      return 0;
    }
    Request probe =
        Request.builder("probe", words.size() * WORD_TOKENS, 1)
            .session("probe")
            .blockKeys(keys(words))
            .build();
    return cluster.explainRoute(probe, Long.MIN_VALUE).candidates().stream()
        .filter(candidate -> candidate.instance().equals(name(instance)))
        .mapToInt(RouteExplanation.Candidate::matchedBlocks)
        .sum();
  }

  @Override
  public int believed(int instance) {
    return cluster
        .load(name(instance), Long.MIN_VALUE)
        .map(load -> load.waiting() + load.running())
        .orElse(-1);
  }

  @Override
  public Optional<Integer> tracked(int instance) {
    if (splitsRoles || !counted.contains(instance)) {
      return Optional.empty();
    }
    return cluster.load(name(instance), Long.MIN_VALUE).map(InstanceLoad::inFlight);
  }
}
