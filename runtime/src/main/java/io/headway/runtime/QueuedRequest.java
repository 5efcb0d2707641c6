package io.headway.runtime;

import io.headway.api.Request;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** A request that waits at the router. Guarded by the cluster's lock. */
final class QueuedRequest implements Comparable<QueuedRequest> {
  final Request request;
  final @Nullable Set<String> subset;
  final long sequence;
  private final ClusterScheduler cluster;

  long retryAtNanos;

  /** The decision; null while it waits. */
  private @Nullable RoutePlan decision;

  private final List<Waiter> waiters = new ArrayList<>();

  QueuedRequest(
      ClusterScheduler cluster,
      Request request,
      @Nullable Set<String> subset,
      long sequence,
      long retryAtNanos) {
    this.cluster = cluster;
    this.request = request;
    this.subset = subset;
    this.sequence = sequence;
    this.retryAtNanos = retryAtNanos;
  }

  CompletionStage<RoutePlan> later(Executor executor) {
    Waiter waiter = new Waiter(executor);
    cluster.await(this, waiter);
    return waiter.future.minimalCompletionStage();
  }

  boolean cancel(long nowNanos) {
    return cluster.cancelQueued(this, nowNanos);
  }

  boolean isDecided() {
    return decision != null;
  }

  /** Notes the decision; the waiters are to be told after the lock is given back. */
  void decide(RoutePlan plan, List<Runnable> after) {
    decision = plan;
    for (Waiter waiter : waiters) {
      after.add(() -> waiter.complete(plan));
    }
    waiters.clear();
  }

  void await(Waiter waiter, List<Runnable> after) {
    RoutePlan known = decision;
    if (known == null) {
      waiters.add(waiter);
    } else {
      after.add(() -> waiter.complete(known));
    }
  }

  /** Smaller priority numbers first, then (arrival, id), then the order of queueing. */
  @Override
  public int compareTo(QueuedRequest other) {
    int order = Integer.compare(request.priority(), other.request.priority());
    if (order == 0) {
      order = Long.compare(request.arrivalNanos(), other.request.arrivalNanos());
    }
    if (order == 0) {
      order = request.id().compareTo(other.request.id());
    }
    return order == 0 ? Long.compare(sequence, other.sequence) : order;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return this == other;
  }

  @Override
  public int hashCode() {
    return Long.hashCode(sequence);
  }

  /** Somebody who waits for the decision. */
  static final class Waiter {
    private final Executor executor;
    private final CompletableFuture<RoutePlan> future = new CompletableFuture<>();

    Waiter(Executor executor) {
      this.executor = executor;
    }

    private void complete(RoutePlan plan) {
      try {
        executor.execute(() -> future.complete(plan));
      } catch (RuntimeException e) {
        // The executor takes no work: the plan must not be lost with it.
        future.complete(plan);
      }
    }
  }
}
