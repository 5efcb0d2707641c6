package io.headway.api.routing;

import io.headway.api.Instance;
import io.headway.api.ProvidedByRuntime;
import io.headway.api.RandomSource;
import io.headway.api.Request;

/**
 * The cluster at the moment of one decision. For routing it holds the candidates only. Read-only,
 * valid during the call it was passed to.
 */
@ProvidedByRuntime
public interface ClusterView {
  /**
   * Returns the time of this decision.
   *
   * @return nanoseconds on the caller's clock
   */
  long nowNanos();

  /**
   * Returns the only randomness a policy may use.
   *
   * @return the cluster's seeded source
   */
  RandomSource random();

  /**
   * Returns the number of instances in this view.
   *
   * @return a count
   */
  int size();

  /**
   * Returns one instance.
   *
   * @param position 0 to {@code size - 1}, ascending by id
   * @return the instance
   */
  Instance instance(int position);

  /**
   * Returns {@link Instance#waiting()} of an instance. This and the next five are what policies ask
   * of every instance in every decision; asked here, a view answers without a look at the instance.
   *
   * @param position 0 to {@code size - 1}
   * @return requests
   */
  default int waiting(int position) {
    return instance(position).waiting();
  }

  /**
   * Returns {@link Instance#running()} of an instance.
   *
   * @param position 0 to {@code size - 1}
   * @return requests
   */
  default int running(int position) {
    return instance(position).running();
  }

  /**
   * Returns {@link Instance#inFlight()} of an instance.
   *
   * @param position 0 to {@code size - 1}
   * @return requests
   */
  default int inFlight(int position) {
    return instance(position).inFlight();
  }

  /**
   * Returns {@link Instance#inFlightTokens()} of an instance.
   *
   * @param position 0 to {@code size - 1}
   * @return tokens
   */
  default long inFlightTokens(int position) {
    return instance(position).inFlightTokens();
  }

  /**
   * Returns {@link Instance#kvUsage()} of an instance.
   *
   * @param position 0 to {@code size - 1}
   * @return 0 to 1
   */
  default double kvUsage(int position) {
    return instance(position).kvUsage();
  }

  /**
   * Returns {@link Instance#ageNanos()} of an instance.
   *
   * @param position 0 to {@code size - 1}
   * @return nanoseconds; {@link Long#MAX_VALUE} if it was never observed
   */
  default long ageNanos(int position) {
    return instance(position).ageNanos();
  }

  /**
   * Finds an instance by its dense number.
   *
   * @param index an {@link Instance#index()}
   * @return its position; -1 if it is not in this view
   */
  int position(int index);

  /**
   * Returns how busy these instances are: the mean of their {@link Instance#utilization()}.
   *
   * @return 0 to 1; 0 if the view is empty
   */
  default double utilization() {
    double sum = 0;
    for (int i = 0; i < size(); i++) {
      sum += instance(i).utilization();
    }
    return size() == 0 ? 0 : sum / size();
  }

  /**
   * Returns how many whole blocks of the request's prompt the router has keys for.
   *
   * @param request whose prompt
   * @return blocks, at least {@link #matchedBlocks} of every instance; 0 without keys
   */
  int promptBlocks(Request request);

  /**
   * Returns how many leading blocks of the request's prompt an instance holds in its prefix cache,
   * as far as the router knows.
   *
   * @param request whose prompt
   * @param position which instance
   * @return blocks; 0 if unknown
   */
  int matchedBlocks(Request request, int position);

  /**
   * Returns whether the cluster has a service-time prediction for a request.
   *
   * @param request the request
   * @return true if the two predictions below are meaningful
   */
  boolean hasServicePrediction(Request request);

  /**
   * Returns the raw predicted service time on the reference instance, without queueing.
   *
   * @param request the request
   * @return nanoseconds
   */
  long predictedServiceNanos(Request request);

  /**
   * Returns the predicted service time corrected by the calibrator's recent errors; equal to the
   * raw one without calibrator.
   *
   * @param request the request
   * @return nanoseconds
   */
  long calibratedServiceNanos(Request request);

  /**
   * Returns the corrected service time on one instance of this view.
   *
   * @param request the request
   * @param position which instance
   * @return nanoseconds; by default {@link #calibratedServiceNanos(Request)} divided by the
   *     instance's speed
   */
  default double calibratedServiceNanos(Request request, int position) {
    return calibratedServiceNanos(request) / instance(position).speedFactor();
  }

  /**
   * Returns the time to move KV between two instances.
   *
   * @param from position of the source
   * @param to position of the target
   * @param bytes how much
   * @return nanoseconds; {@link Long#MAX_VALUE} if they are not linked
   */
  long transferNanos(int from, int to, long bytes);
}
