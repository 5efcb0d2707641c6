package io.headway.runtime;

import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.BatchingPolicy;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.BiConsumer;
import java.util.function.Predicate;

/** A policy that does what a test says: the next script of a queue, else the standing one. */
final class Scripted implements BatchingPolicy<Stateless> {
  private final Deque<BiConsumer<BatchView, BatchDraft>> scripts = new ArrayDeque<>();
  private BiConsumer<BatchView, BatchDraft> standing;
  long wakeAtNanos = Long.MAX_VALUE;
  int repeatable;
  int incomingTokens = Integer.MAX_VALUE;
  Predicate<Request> canServe = request -> true;

  Scripted(BiConsumer<BatchView, BatchDraft> standing) {
    this.standing = standing;
  }

  /** Decides as the built-in policy until told otherwise. */
  static Scripted greedy() {
    GuardPolicy guard = new GuardPolicy();
    return new Scripted((view, draft) -> guard.plan(Stateless.STATE, view, draft));
  }

  /** Adds a script for one further decision. */
  Scripted then(BiConsumer<BatchView, BatchDraft> script) {
    scripts.add(script);
    return this;
  }

  void always(BiConsumer<BatchView, BatchDraft> script) {
    standing = script;
  }

  @Override
  public String id() {
    return "scripted";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public boolean canServe(Stateless state, BatchView view, Request request) {
    return canServe.test(request);
  }

  @Override
  public int incomingTokens(Stateless state, BatchView view, Request request) {
    return incomingTokens;
  }

  @Override
  public void plan(Stateless state, BatchView view, BatchDraft draft) {
    (scripts.isEmpty() ? standing : scripts.remove()).accept(view, draft);
  }

  @Override
  public long wakeAtNanos(Stateless state, BatchView view) {
    return wakeAtNanos;
  }

  @Override
  public int repeatableIterations(Stateless state, BatchView view) {
    return repeatable;
  }
}
