package io.headway.runtime;

import io.headway.api.InstanceState;
import io.headway.api.Invariant;
import io.headway.api.PolicyViolationException;
import io.headway.api.Role;
import io.headway.api.routing.ScalingPolicy;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A scaling policy with its state, its rhythm and the view and draft of one round. Guarded by the
 * cluster's lock.
 */
final class Scaling<S> {
  private final ScalingPolicy<S> policy;
  private final S state;
  private final List<InstanceType> types;
  private final @Nullable ArrivalCounts<?> arrivals;
  private final View view;
  private long lastRound = Long.MIN_VALUE;

  Scaling(
      ScalingPolicy<S> policy,
      Candidates.Sources sources,
      List<InstanceType> types,
      @Nullable ArrivalCounts<?> arrivals) {
    this.policy = policy;
    this.types = types;
    this.arrivals = arrivals;
    state = policy.newState();
    view = new View(sources);
  }

  String id() {
    return policy.id();
  }

  /** Returns when the next round is due. */
  long dueAtNanos() {
    return lastRound == Long.MIN_VALUE ? Long.MIN_VALUE : lastRound + policy.periodNanos();
  }

  ScaleResult round(Fleet fleet, long nowNanos) {
    if (lastRound != Long.MIN_VALUE && nowNanos - lastRound < policy.periodNanos()) {
      return ScaleResult.NOTHING;
    }
    lastRound = nowNanos;
    if (arrivals != null) {
      arrivals.advance(nowNanos);
    }
    view.reset(fleet.indexBound());
    for (int rank = 0; rank < fleet.size(); rank++) {
      view.add(fleet.index(rank));
    }
    Draft draft = new Draft();
    policy.scale(state, view, draft);
    return new ScaleResult(draft.starts, draft.drains, draft.reshapes);
  }

  private final class View extends Candidates implements ScalingPolicy.ScalingView {
    View(Sources sources) {
      super(sources);
    }

    @Override
    public double forecastRequestsPerSecond(long horizonNanos) {
      return arrivals == null ? -1 : arrivals.forecastPerSecond(horizonNanos);
    }

    @Override
    public int typeCount() {
      return types.size();
    }

    @Override
    public double pricePerHour(int type) {
      return types.get(type).pricePerHour();
    }

    @Override
    public long startNanos(int type) {
      return types.get(type).startNanos();
    }
  }

  private final class Draft implements ScalingPolicy.ScalingDraft {
    private final List<ScaleResult.Start> starts = new ArrayList<>();
    private final List<String> drains = new ArrayList<>();
    private final List<ScaleResult.Reshape> reshapes = new ArrayList<>();

    private PolicyViolationException refused(String detail) {
      return new PolicyViolationException(policy.id(), Invariant.INV_33, "", detail);
    }

    private Member checked(int position) {
      if (!view.has(position)) {
        throw refused("position must be from 0 to " + (view.size() - 1) + ", but was " + position);
      }
      return view.member(position);
    }

    @Override
    public void start(int type, Role role, int count) {
      if (type < 0 || type >= types.size()) {
        throw refused("type must be from 0 to " + (types.size() - 1) + ", but was " + type);
      }
      if (count < 1) {
        throw refused("count must be at least 1 instance, but was " + count);
      }
      starts.add(new ScaleResult.Start(types.get(type), Check.notNull("role", role), count));
    }

    @Override
    public void drain(int position) {
      Member member = checked(position);
      if (member.state() != InstanceState.DRAINING && !drains.contains(member.id())) {
        drains.add(member.id());
      }
    }

    @Override
    public void reparallelise(int position, int tensorParallel, int pipelineParallel) {
      Member member = checked(position);
      if (tensorParallel < 1 || pipelineParallel < 1) {
        throw refused(
            "tensorParallel and pipelineParallel must be at least 1 device and stage, but were "
                + tensorParallel
                + " and "
                + pipelineParallel);
      }
      reshapes.add(new ScaleResult.Reshape(member.id(), tensorParallel, pipelineParallel));
    }
  }
}
