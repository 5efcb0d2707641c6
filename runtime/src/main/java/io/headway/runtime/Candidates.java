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
   * @param numbers what is asked of every instance
   * @param clock the time
   * @param random the randomness
   * @param index the prefix index
   * @param keys scratch space for one prompt's keys
   * @param links transfer times
   * @param predictions service times; null without a predictor
   */
  record Sources(
      InstanceNumbers numbers,
      ClusterClock clock,
      RandomSource random,
      PrefixIndex index,
      PrefixKeys keys,
      TransferTimes links,
      @Nullable ServicePredictions<?, ?> predictions) {}

  private final Sources sources;

  private final InstanceNumbers numbers;
  private int[] indexOf = new int[16];
  private int[] positionOf = new int[16];
  private int size;

  private @Nullable Request matchedFor;
  private @Nullable Request predictedFor;
  private long predictedNanos;
  private long calibratedNanos;

  Candidates(Sources sources) {
    this.sources = sources;
    numbers = sources.numbers();
  }

  /** Empties the view for a cluster whose instances have numbers below {@code indexBound}. */
  void reset(int indexBound) {
    if (indexOf.length < indexBound) {
      indexOf = new int[2 * indexBound];
      positionOf = new int[2 * indexBound];
    }
    Arrays.fill(positionOf, 0, indexBound, -1);
    size = 0;
    matchedFor = null;
    predictedFor = null;
  }

  /** Adds the instance with an index; ids must ascend. */
  void add(int index) {
    positionOf[index] = size;
    indexOf[size++] = index;
  }

  Member member(int position) {
    return numbers.member(indexOf[position]);
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
    return member(position);
  }

  @Override
  public int waiting(int position) {
    return numbers.waiting(indexOf[position]);
  }

  @Override
  public int running(int position) {
    return numbers.running(indexOf[position]);
  }

  @Override
  public int inFlight(int position) {
    return numbers.inFlight(indexOf[position]);
  }

  @Override
  public long inFlightTokens(int position) {
    return numbers.inFlightTokens(indexOf[position]);
  }

  @Override
  public double kvUsage(int position) {
    return numbers.kvUsage(indexOf[position]);
  }

  @Override
  public long ageNanos(int position) {
    return numbers.ageNanos(indexOf[position], sources.clock().now());
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
    return matchedBlocksAt(request, indexOf[position]);
  }

  /** Returns the same of an instance that may not be chosen from. */
  int matchedBlocks(Request request, Member member) {
    return matchedBlocksAt(request, member.index);
  }

  private int matchedBlocksAt(Request request, int index) {
    if (matchedFor != request) {
      sources.index().match(sources.keys().of(request));
      matchedFor = request;
    }
    return sources.index().matched(index);
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
    return sources.links().nanos(member(from).id(), member(to).id(), bytes);
  }
}
