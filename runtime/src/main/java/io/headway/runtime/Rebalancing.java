package io.headway.runtime;

import io.headway.api.InstanceState;
import io.headway.api.Invariant;
import io.headway.api.PolicyViolationException;
import io.headway.api.Request;
import io.headway.api.Role;
import io.headway.api.routing.RebalancingPolicy;
import io.headway.api.routing.RouteOutcome;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A rebalancing policy with its state, its rhythm and the view and draft of one round. Guarded by
 * the cluster's lock.
 */
final class Rebalancing<S> {
  private final RebalancingPolicy<S> policy;
  private final S state;
  private final View view;
  private final long kvBytesPerToken;
  private final ClusterScheduler cluster;
  private long lastRound = Long.MIN_VALUE;

  Rebalancing(
      ClusterScheduler cluster,
      RebalancingPolicy<S> policy,
      Candidates.Sources sources,
      long kvBytesPerToken) {
    this.cluster = cluster;
    this.policy = policy;
    this.kvBytesPerToken = kvBytesPerToken;
    state = policy.newState();
    view = new View(sources);
  }

  void onFinished(Request request, RouteOutcome outcome) {
    policy.onFinished(state, request, outcome);
  }

  void onInstance(Member member, boolean up) {
    policy.onInstance(state, member.id(), member.incarnation(), up);
  }

  String id() {
    return policy.id();
  }

  /** Returns when the next round by period is due. */
  long dueAtNanos() {
    return lastRound == Long.MIN_VALUE ? Long.MIN_VALUE : lastRound + policy.periodNanos();
  }

  RebalanceResult round(Fleet fleet, long nowNanos) {
    boolean first = lastRound == Long.MIN_VALUE;
    if (!first && nowNanos - lastRound < policy.minimumGapNanos()) {
      return RebalanceResult.NOTHING;
    }
    view.fill(fleet);
    if (!first && nowNanos - lastRound < policy.periodNanos() && !policy.urgent(state, view)) {
      return RebalanceResult.NOTHING;
    }
    lastRound = nowNanos;
    Draft draft = new Draft();
    try {
      policy.rebalance(state, view, draft);
    } catch (RuntimeException e) {
      draft.undo();
      throw e;
    }
    return new RebalanceResult(draft.migrations, draft.flips);
  }

  /** Every instance that is up, with the requests on it. */
  private final class View extends Candidates implements RebalancingPolicy.RebalancingView {
    private final List<Ticket> tickets = new ArrayList<>();
    private int[] firstTicket = {};

    View(Sources sources) {
      super(sources);
    }

    void fill(Fleet fleet) {
      reset(fleet.indexBound());
      tickets.clear();
      firstTicket = new int[fleet.size() + 1];
      for (int rank = 0; rank < fleet.size(); rank++) {
        Member member = fleet.member(rank);
        add(member.index);
        addTickets(member, true);
        addTickets(member, false);
        firstTicket[rank + 1] = tickets.size();
      }
    }

    private void addTickets(Member member, boolean running) {
      for (Charge c = member.oldestOpen(); c != null; c = c.newerOpen) {
        // The prompt half of a split request goes with it; it cannot be moved alone.
        Ticket ticket = c.ticket;
        if (ticket != null && c.started == running && ticket.charge == c) {
          tickets.add(ticket);
        }
      }
    }

    private Charge charge(int request) {
      Charge charge = tickets.get(request).charge;
      if (charge == null) {
        throw new IllegalStateException("request " + request + " has no load");
      }
      return charge;
    }

    @Override
    public int requestCount(int position) {
      return firstTicket[position + 1] - firstTicket[position];
    }

    @Override
    public int request(int position, int rank) {
      return firstTicket[position] + rank;
    }

    @Override
    public boolean isRunning(int request) {
      return charge(request).started;
    }

    @Override
    public long remainingNanos(int request) {
      Charge charge = charge(request);
      Member member = charge.member;
      return member == null || charge.backlogEntry < 0
          ? 0
          : member.backlog.remainingNanos(charge.backlogEntry, nowNanos());
    }

    @Override
    public long deadlineNanos(int request) {
      return tickets.get(request).deadlineNanos;
    }

    @Override
    public long kvBytes(int request) {
      Charge charge = charge(request);
      return charge.started ? charge.contextTokens * kvBytesPerToken : 0;
    }

    @Override
    public int migrations(int request) {
      Ticket ticket = tickets.get(request);
      return ticket.migrations + (ticket.migration == null ? 0 : 1);
    }

    @Override
    public String requestId(int request) {
      return tickets.get(request).request().id();
    }
  }

  private final class Draft implements RebalancingPolicy.RebalancingDraft {
    private final List<Migration> migrations = new ArrayList<>();
    private final List<RebalanceResult.RoleFlip> flips = new ArrayList<>();

    private PolicyViolationException refused(String detail) {
      return new PolicyViolationException(policy.id(), Invariant.INV_33, "", detail);
    }

    @Override
    public boolean migrate(int request, int toPosition) {
      if (request < 0 || request >= view.tickets.size()) {
        throw refused(
            "request must be from 0 to " + (view.tickets.size() - 1) + ", but was " + request);
      }
      if (!view.has(toPosition)) {
        throw refused(
            "toPosition must be from 0 to " + (view.size() - 1) + ", but was " + toPosition);
      }
      Ticket ticket = view.tickets.get(request);
      Member target = view.member(toPosition);
      @Nullable Charge charge = ticket.charge;
      Member source = charge == null ? null : charge.member;
      if (source == null
          || source == target
          || ticket.cause != null
          || ticket.migration != null
          || !RouteDecisions.canTakeOver(target, ticket)) {
        return false;
      }
      Migration migration = new Migration(cluster, ticket, source, target);
      ticket.migration = migration;
      migrations.add(migration);
      return true;
    }

    @Override
    public boolean flip(int position, Role role) {
      if (!view.has(position)) {
        throw refused("position must be from 0 to " + (view.size() - 1) + ", but was " + position);
      }
      Member member = view.member(position);
      if (member.role() == role || member.state() != InstanceState.READY) {
        return false;
      }
      flips.add(new RebalanceResult.RoleFlip(member.id(), member.incarnation(), role));
      return true;
    }

    private void undo() {
      for (Migration migration : migrations) {
        migration.end();
      }
    }
  }
}
