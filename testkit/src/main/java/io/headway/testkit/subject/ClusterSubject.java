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
import io.headway.runtime.ReleaseCause;
import io.headway.runtime.RoutePlan;
import io.headway.runtime.Ticket;
import io.headway.runtime.Usage;
import java.util.ArrayList;
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
  private static final int BLOCK_TOKENS = 16;

  private final ClusterScheduler cluster;
  private final boolean splitsRoles;
  private final int maxInFlight;
  private final Map<Integer, Ticket> tickets = new HashMap<>();
  private final Map<Integer, RoutePlan> queued = new HashMap<>();
  private final Set<Integer> counted = new HashSet<>();
  private final List<Routed> promoted = new ArrayList<>();

  private ClusterSubject(
      RoutingPolicy<?> policy, ServiceTimePredictor<?> predictor, int maxInFlight, long seed) {
    splitsRoles = policy.splitsRoles();
    this.maxInFlight = maxInFlight;
    cluster =
        ClusterScheduler.builder()
            .policy(policy)
            .predictor(predictor)
            .prefixBlockTokens(BLOCK_TOKENS)
            .random(RandomSource.seeded(seed))
            .strict()
            .build();
  }

  /**
   * Makes a factory that hosts a policy.
   *
   * @param policy the policy; one object serves any number of routers
   * @param predictor what it may ask for service times
   * @return the factory
   */
  public static RouterFactory hosting(RoutingPolicy<?> policy, ServiceTimePredictor<?> predictor) {
    int balance = (int) policy.claims().bound(Claims.Bound.BALANCE_REQUESTS).orElse(-1);
    return new RouterFactory() {
      @Override
      public RouterSubject create(int maxInFlight, long seed) {
        return new ClusterSubject(policy, predictor, maxInFlight, seed);
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
  public OptionalInt route(
      int request, int promptTokens, int maxNewTokens, String session, int[] words, long now) {
    int[] ids = new int[promptTokens];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = words[Math.min(i / BLOCK_TOKENS, words.length - 1)] * 31 + i % BLOCK_TOKENS;
    }
    Request asked =
        Request.builder("r" + request, promptTokens, maxNewTokens)
            .arrivalNanos(now)
            .session(session)
            .tokenIds(ids)
            .build();
    return take(request, cluster.route(asked, now), false);
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
  public OptionalInt retry(int request, long nowNanos) {
    Ticket ticket = tickets.get(request);
    return ticket == null
        ? OptionalInt.empty()
        : take(request, ticket.retry(ReleaseCause.UPSTREAM_ERROR, nowNanos), false);
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
    counted.add(instance);
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
  public Optional<Integer> tracked(int instance) {
    if (splitsRoles || !counted.contains(instance)) {
      return Optional.empty();
    }
    return cluster.load(name(instance), Long.MIN_VALUE).map(InstanceLoad::inFlight);
  }
}
