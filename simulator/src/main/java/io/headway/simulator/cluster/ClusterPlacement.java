package io.headway.simulator.cluster;

import io.headway.api.Request;
import io.headway.api.Role;
import io.headway.runtime.ClusterScheduler;
import io.headway.runtime.EngineStats;
import io.headway.runtime.InstanceProfile;
import io.headway.runtime.InstanceStats;
import io.headway.runtime.ReleaseCause;
import io.headway.runtime.RoutePlan;
import io.headway.runtime.Ticket;
import io.headway.runtime.Usage;
import io.headway.simulator.metrics.RequestOutcome;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Routes through the very {@link ClusterScheduler} that a gateway embeds; one ticket per request,
 * held until the request is over.
 */
final class ClusterPlacement implements Placement {
  private static final int INCARNATION = 0;

  private final ClusterScheduler cluster;
  private final Map<String, Integer> indexes = new HashMap<>();
  private final String[] ids;
  private final @Nullable Ticket[] tickets;
  private final long[] startedNanos;
  private @Nullable Listener listener;

  ClusterPlacement(ClusterScheduler cluster, ClusterConfig config, int rows) {
    this.cluster = cluster;
    tickets = new Ticket[rows];
    startedNanos = new long[rows];
    java.util.Arrays.fill(startedNanos, Progress.NONE);
    ids = new String[config.instances()];
    InstanceProfile profile =
        InstanceProfile.of(
            Role.MIXED, config.maxSequences(), config.blocks(), config.blockTokens());
    int digits = Integer.toString(Math.max(1, ids.length - 1)).length();
    for (int i = 0; i < ids.length; i++) {
      String number = Integer.toString(i);
      ids[i] = "instance-" + "0".repeat(digits - number.length()) + number;
      indexes.put(ids[i], i);
      cluster.up(ids[i], INCARNATION, profile, 0);
    }
  }

  @Override
  public void listener(Listener value) {
    listener = value;
  }

  @Override
  public void observe(int instance, EngineStats stats, long now) {
    cluster.observe(ids[instance], INCARNATION, InstanceStats.of(stats), now);
  }

  @Override
  public void place(int row, Request request, long now) {
    decided(row, request, cluster.route(request, now));
  }

  private void decided(int row, Request request, RoutePlan plan) {
    Listener told = listener;
    if (told == null) {
      throw new IllegalStateException("nobody listens to the placement");
    }
    switch (plan.kind()) {
      case ACCEPT -> {
        tickets[row] = plan.ticket();
        Integer index = indexes.get(plan.ticket().primary());
        told.placed(row, request, index == null ? -1 : index);
      }
      case REJECT -> told.rejected(row);
      case QUEUE -> plan.later(Runnable::run).thenAccept(later -> decided(row, request, later));
    }
  }

  @Override
  public void started(int row, long now) {
    Ticket ticket = tickets[row];
    if (ticket != null && startedNanos[row] == Progress.NONE) {
      startedNanos[row] = now;
      ticket.started(now);
    }
  }

  @Override
  public void firstToken(int row, long now) {
    Ticket ticket = tickets[row];
    if (ticket != null) {
      ticket.firstToken(now);
    }
  }

  @Override
  public void ended(int row, RequestOutcome outcome, int outputTokens, long now) {
    Ticket ticket = tickets[row];
    if (ticket == null) {
      return;
    }
    tickets[row] = null;
    ReleaseCause cause =
        switch (outcome) {
          case FINISHED -> ReleaseCause.COMPLETED;
          case EXPIRED -> ReleaseCause.TIMEOUT;
          default -> ReleaseCause.UPSTREAM_ERROR;
        };
    long service = startedNanos[row] == Progress.NONE ? -1 : now - startedNanos[row];
    ticket.release(cause, new Usage(outputTokens, -1, service), now);
  }

  @Override
  public long wakeAtNanos() {
    return cluster.wakeAtNanos();
  }

  @Override
  public void tick(long now) {
    cluster.tick(now);
  }

  @Override
  public String leftover(long now) {
    int open = 0;
    for (Ticket ticket : tickets) {
      open += ticket == null ? 0 : 1;
    }
    return open == 0 ? "" : "every ticket must be released at the end, but " + open + " are not";
  }
}
