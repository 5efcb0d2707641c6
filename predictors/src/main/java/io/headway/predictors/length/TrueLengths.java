package io.headway.predictors.length;

import io.headway.api.Request;
import io.headway.api.prediction.LengthEstimate;
import java.util.HashMap;
import java.util.Map;

/** The lengths that were revealed for the requests now in the system. */
public final class TrueLengths {
  private final Map<String, double[]> byRequest = new HashMap<>();

  TrueLengths() {}

  void put(Request request, double outputTokens) {
    byRequest.put(request.id(), new double[] {outputTokens});
  }

  void remove(Request request) {
    byRequest.remove(request.id());
  }

  void answer(Request request, int generatedTokens, LengthEstimate into) {
    double[] tokens = byRequest.get(request.id());
    if (tokens == null) {
      into.none();
    } else {
      into.point(Math.max(0, tokens[0] - generatedTokens));
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
