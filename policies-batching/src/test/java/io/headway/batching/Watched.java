package io.headway.batching;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.api.batching.BatchComposer;
import io.headway.api.batching.BatchContext;
import io.headway.api.batching.BatchPlanner;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import io.headway.api.batching.ServedSequences;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/** Parts that do what another one does and let a test look at its state afterwards. */
public final class Watched {
  private Watched() {}

  /** A composition, looked at after each decision. */
  public record Composer<S>(BatchComposer<S> composer, BiConsumer<S, BatchContext> watcher)
      implements BatchComposer<S> {
    @Override
    public String id() {
      return composer.id();
    }

    @Override
    public S newState() {
      return composer.newState();
    }

    @Override
    public Claims claims() {
      return composer.claims();
    }

    @Override
    public boolean canServe(S state, BatchView view, Request request) {
      return composer.canServe(state, view, request);
    }

    @Override
    public void compose(S state, BatchContext context) {
      composer.compose(state, context);
      watcher.accept(state, context);
    }

    @Override
    public void onQueued(S state, BatchView view, int sequence) {
      composer.onQueued(state, view, sequence);
    }

    @Override
    public void onAdmitted(S state, BatchView view, int sequence, int cachedTokens) {
      composer.onAdmitted(state, view, sequence, cachedTokens);
    }

    @Override
    public void onPreempted(S state, BatchView view, int sequence) {
      composer.onPreempted(state, view, sequence);
    }

    @Override
    public void onServed(S state, BatchView view, ServedSequences served) {
      composer.onServed(state, view, served);
    }

    @Override
    public void onEnded(S state, BatchView view, int sequence, End end) {
      composer.onEnded(state, view, sequence, end);
    }
  }

  /** A planner, looked at after each plan. */
  public record Planner<S>(BatchPlanner<S> planner, Consumer<S> watcher)
      implements BatchPlanner<S> {
    @Override
    public String id() {
      return planner.id();
    }

    @Override
    public S newState() {
      return planner.newState();
    }

    @Override
    public void plan(S state, BatchView view, PlannedOrder order) {
      planner.plan(state, view, order);
      watcher.accept(state);
    }

    @Override
    public long nextPlanNanos(S state, BatchView view) {
      return planner.nextPlanNanos(state, view);
    }

    @Override
    public void onQueued(S state, BatchView view, int sequence) {
      planner.onQueued(state, view, sequence);
    }
  }
}
