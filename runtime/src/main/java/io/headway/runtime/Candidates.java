package io.headway.runtime;

import io.headway.api.Instance;
import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.routing.ClusterView;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The instances one decision may choose from. One object per cluster, filled anew for each
 * decision; what is asked about a request is computed once per decision. Guarded by the cluster's
 * lock.
 */
class Candidates implements ClusterView {
  /**
   * Where views of one cluster get their answers.
   *
   * @param clock the time
   * @param random the randomness
   * @param index the prefix index
   * @param keys scratch space for one prompt's keys
   * @param links transfer times
   * @param predictions service times; null without a predictor
   */
  record Sources(
      ClusterClock clock,
      RandomSource random,
      PrefixIndex index,
      PrefixKeys keys,
      TransferTimes links,
      @Nullable ServicePredictions<?, ?> predictions) {}

  private final Sources sources;

  private Member[] members = new Member[16];
  private int[] positionOf = new int[16];
  private int size;

  private @Nullable Request matchedFor;
  private @Nullable Request predictedFor;
  private long predictedNanos;
  private long calibratedNanos;

  Candidates(Sources sources) {
    this.sources = sources;
  }

  /** Empties the view for a cluster whose instances have numbers below {@code indexBound}. */
  void reset(int indexBound) {
    if (members.length < indexBound) {
      members = new Member[2 * indexBound];
      positionOf = new int[2 * indexBound];
    }
    Arrays.fill(positionOf, 0, indexBound, -1);
    size = 0;
    matchedFor = null;
    predictedFor = null;
  }

  /** Adds an instance; ids must ascend. */
  void add(Member member) {
    positionOf[member.index] = size;
    // Mostly the same as for the decision before; writing a reference costs more than reading one.
    if (members[size] != member) {
      members[size] = member;
    }
    size++;
  }

  Member member(int position) {
    return members[position];
  }

  boolean has(int position) {
    return position >= 0 && position < size;
  }

  @Override
  public long nowNanos() {
    return sources.clock().now();
  }

  @Override
  public RandomSource random() {
    return sources.random();
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public Instance instance(int position) {
    return members[position];
  }

  @Override
  public int position(int number) {
    return number >= 0 && number < positionOf.length ? positionOf[number] : -1;
  }

  @Override
  public int promptBlocks(Request request) {
    return sources.keys().of(request).count();
  }

  @Override
  public int matchedBlocks(Request request, int position) {
    return matchedBlocks(request, members[position]);
  }

  /** Returns the same of an instance that may not be chosen from. */
  int matchedBlocks(Request request, Member member) {
    if (matchedFor != request) {
      sources.index().match(sources.keys().of(request));
      matchedFor = request;
    }
    return sources.index().matched(member.index);
  }

  @Override
  public boolean hasServicePrediction(Request request) {
    predict(request);
    return predictedNanos >= 0;
  }

  @Override
  public long predictedServiceNanos(Request request) {
    predict(request);
    return predictedNanos;
  }

  @Override
  public long calibratedServiceNanos(Request request) {
    predict(request);
    return calibratedNanos;
  }

  private void predict(Request request) {
    if (predictedFor != request) {
      ServicePredictions<?, ?> predictions = sources.predictions();
      predictedNanos = predictions == null ? -1 : predictions.predict(request);
      calibratedNanos =
          predictions == null || predictedNanos < 0
              ? -1
              : predictions.calibrate(request, predictedNanos);
      predictedFor = request;
    }
  }

  @Override
  public long transferNanos(int from, int to, long bytes) {
    return sources.links().nanos(members[from].id(), members[to].id(), bytes);
  }
}
