/** Length, service time, iteration time and arrival predictors, calibration and drift detection. */
module io.headway.predictors {
  requires transitive io.headway.api;
  requires static org.jspecify;
}
