package io.headway.predictors.service;

import io.headway.api.Request;
import io.headway.api.prediction.Estimate;
import java.util.HashMap;
import java.util.Map;

/** The service times that were revealed for the requests now in the system. */
public final class TrueServiceTimes {
  private final Map<String, double[]> byRequest = new HashMap<>();

  TrueServiceTimes() {}

  void put(Request request, double seconds) {
    byRequest.put(request.id(), new double[] {seconds});
  }

  void remove(Request request) {
    byRequest.remove(request.id());
  }

  void answer(Request request, Estimate into) {
    double[] seconds = byRequest.get(request.id());
    // A disturbed time may come out negative: that is no prediction.
    if (seconds == null || seconds[0] < 0) {
      into.none();
    } else {
      into.point(seconds[0]);
    }
  }

  /**
   * Returns how many requests are remembered.
   *
   * @return a count
   */
  public int size() {
    return byRequest.size();
  }
}
