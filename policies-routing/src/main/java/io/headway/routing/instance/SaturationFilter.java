package io.headway.routing.instance;

import io.headway.api.Instance;
import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.InstanceFilter;

/**
 * Keeps instances with {@code waiting < queueThreshold (1 + headroom)} and {@code kvUsage <
 * kvThreshold (1 + headroom)} whose statistics are fresh; if it would keep none it keeps all
 * (Gateway API Inference Extension's utilisation detector).
 *
 * <p>Saturation of one instance is {@code max(waiting / queueThreshold, kvUsage / kvThreshold)}, 1
 * if its statistics are stale or missing; that of a pool is the mean, 1 for an empty pool. Cost
 * O(M), no allocation.
 */
public final class SaturationFilter implements InstanceFilter<Stateless> {
  /** Default for {@code queueThreshold}, in waiting requests. */
  public static final double DEFAULT_QUEUE_THRESHOLD = 5;

  /** Default for {@code kvThreshold}, as a share of the pool. */
  public static final double DEFAULT_KV_THRESHOLD = 0.8;

  /** Default for {@code headroom}. */
  public static final double DEFAULT_HEADROOM = 0;

  /** Default for {@code staleNanos}: 200 ms. */
  public static final long DEFAULT_STALE_NANOS = 200_000_000L;

  private final double queueThreshold;
  private final double kvThreshold;
  private final double headroom;
  private final long staleNanos;

  /**
   * Makes the filter.
   *
   * @param queueThreshold waiting requests of a saturated instance, above 0
   * @param kvThreshold share of the KV pool of a saturated instance, above 0
   * @param headroom how far above the thresholds the filter still keeps instances, at least 0
   * @param staleNanos oldest statistics that count, at least 0 ns
   * @throws IllegalArgumentException if a number is out of range
   */
  public SaturationFilter(
      double queueThreshold, double kvThreshold, double headroom, long staleNanos) {
    this.queueThreshold =
        Check.atLeast("queueThreshold", queueThreshold, Double.MIN_NORMAL, "requests");
    this.kvThreshold = Check.atLeast("kvThreshold", kvThreshold, Double.MIN_NORMAL, "");
    this.headroom = Check.atLeast("headroom", headroom, 0, "");
    this.staleNanos = Check.atLeast("staleNanos", staleNanos, 0L, "ns");
  }

  @Override
  public String id() {
    return "saturation";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public void filter(Stateless state, Request request, ClusterView view, boolean[] candidate) {
    boolean any = false;
    for (int i = 0; i < view.size() && !any; i++) {
      any = candidate[i] && passes(view, i);
    }
    for (int i = 0; any && i < view.size(); i++) {
      candidate[i] = candidate[i] && passes(view, i);
    }
  }

  /**
   * Returns how saturated one instance is.
   *
   * @param instance the instance
   * @return at least 0; 1 means full
   */
  public double saturation(Instance instance) {
    return isStale(instance)
        ? 1
        : Math.max(instance.waiting() / queueThreshold, instance.kvUsage() / kvThreshold);
  }

  /**
   * Returns how saturated a pool is.
   *
   * @param view its instances
   * @return the mean saturation; 1 if there are none
   */
  public double saturation(ClusterView view) {
    double sum = 0;
    for (int i = 0; i < view.size(); i++) {
      sum += saturation(view.instance(i));
    }
    return view.size() == 0 ? 1 : sum / view.size();
  }

  private boolean passes(ClusterView view, int position) {
    return view.ageNanos(position) <= staleNanos
        && view.waiting(position) < queueThreshold * (1 + headroom)
        && view.kvUsage(position) < kvThreshold * (1 + headroom);
  }

  private boolean isStale(Instance instance) {
    return instance.ageNanos() > staleNanos;
  }
}
