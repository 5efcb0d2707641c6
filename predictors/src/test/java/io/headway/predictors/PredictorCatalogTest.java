package io.headway.predictors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headway.api.Decision;
import io.headway.api.SchedulingPolicy;
import io.headway.api.config.PolicyCatalog;
import io.headway.api.config.PolicyProvider;
import io.headway.api.config.PolicySpec;
import io.headway.api.prediction.ArrivalForecaster;
import io.headway.api.prediction.Calibrator;
import io.headway.api.prediction.DriftDetector;
import io.headway.api.prediction.LengthPredictor;
import io.headway.api.prediction.ServiceTimePredictor;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class PredictorCatalogTest {
  static java.util.stream.Stream<PolicyProvider> providers() {
    return new PredictorCatalog().providers().stream();
  }

  @ParameterizedTest
  @MethodSource("providers")
  void everyProviderMakesItsPolicyFromDefaults(PolicyProvider provider) {
    Object policy = provider.create(PolicySpec.parse(provider.id()));
    Class<?> type =
        switch (provider.decision()) {
          case LENGTH_PREDICTION -> LengthPredictor.class;
          case SERVICE_TIME_PREDICTION -> ServiceTimePredictor.class;
          case CALIBRATION -> Calibrator.class;
          case ARRIVAL_FORECAST -> ArrivalForecaster.class;
          case DRIFT_DETECTION -> DriftDetector.class;
          default -> throw new AssertionError(provider.decision());
        };
    assertThat(policy).isInstanceOf(type);
    SchedulingPolicy<?> named = (SchedulingPolicy<?>) policy;
    assertThat(named.id()).isEqualTo(provider.id());
    assertThat(named.newState()).isNotNull();
    assertThat(provider.summary()).isNotBlank().endsWith(".");
  }

  @Test
  void theCatalogueIsFound() {
    assertThat(ServiceLoader.load(PolicyCatalog.class))
        .anySatisfy(catalog -> assertThat(catalog).isInstanceOf(PredictorCatalog.class));
  }

  @Test
  void argumentsReachThePolicy() {
    PolicyProvider provider =
        providers()
            .filter(p -> p.id().equals("conformal-split") && p.decision() == Decision.CALIBRATION)
            .findFirst()
            .orElseThrow();
    assertThatThrownBy(() -> provider.create(PolicySpec.parse("conformal-split:alpha=0")))
        .hasMessageContaining("alpha must be above 0 and below 1, but was 0.0");
    assertThatThrownBy(() -> provider.create(PolicySpec.parse("conformal-split:alfa=0.1")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("alpha");
    assertThat(provider.create(PolicySpec.parse("conformal-split:alpha=0.2,form=absolute")))
        .isInstanceOf(Calibrator.class);
  }
}
