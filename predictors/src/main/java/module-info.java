/** Length, service time, iteration time and arrival predictors, calibration and drift detection. */
module io.headway.predictors {
  requires transitive io.headway.api;
  requires commons.math3;
  requires static transitive org.jspecify;

  exports io.headway.predictors;
  exports io.headway.predictors.arrival;
  exports io.headway.predictors.calibration;
  exports io.headway.predictors.drift;
  exports io.headway.predictors.evaluation;
  exports io.headway.predictors.iteration;
  exports io.headway.predictors.length;
  exports io.headway.predictors.prefix;
  exports io.headway.predictors.regression;
  exports io.headway.predictors.service;

  provides io.headway.api.config.PolicyCatalog with
      io.headway.predictors.PredictorCatalog;
}
