package io.headway.batching.systems;

import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyConfig;
import io.headway.batching.order.TokenTimes;

/** The iteration times that several systems have to know, as parameters. */
final class TimeParameters {
  private static final double MOST = Double.POSITIVE_INFINITY;

  private TimeParameters() {}

  static ParameterSet.Builder declare(ParameterSet.Builder builder) {
    return builder
        .doubleValue(
            "prefillFixedSeconds",
            TokenTimes.DEFAULT.prefillFixedSeconds(),
            0,
            MOST,
            "s",
            "fixed duration of an iteration with a prefill; profile your engine")
        .doubleValue(
            "prefillSecondsPerToken",
            TokenTimes.DEFAULT.prefillSecondsPerToken(),
            0,
            MOST,
            "s",
            "what a prompt token adds to it")
        .doubleValue(
            "decodeSeconds",
            TokenTimes.DEFAULT.decodeSeconds(),
            1e-9,
            MOST,
            "s",
            "duration of an iteration of decodes");
  }

  static TokenTimes read(PolicyConfig config) {
    return new TokenTimes(
        config.doubleValue("prefillFixedSeconds"),
        config.doubleValue("prefillSecondsPerToken"),
        config.doubleValue("decodeSeconds"));
  }

  static long nanos(double seconds) {
    return Math.round(seconds * 1e9);
  }
}
