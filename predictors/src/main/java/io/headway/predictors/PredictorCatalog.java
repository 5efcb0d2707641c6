package io.headway.predictors;

import io.headway.api.Decision;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyCatalog;
import io.headway.api.config.PolicyConfig;
import io.headway.api.config.PolicyProvider;
import io.headway.predictors.arrival.ArDifferences;
import io.headway.predictors.arrival.HoltWinters;
import io.headway.predictors.calibration.AdaptiveConformalCalibrator;
import io.headway.predictors.calibration.ConformalCalibrator;
import io.headway.predictors.calibration.ConformalForm;
import io.headway.predictors.calibration.ConformalScores;
import io.headway.predictors.calibration.EmaCalibrator;
import io.headway.predictors.calibration.QuantileCalibrator;
import io.headway.predictors.drift.Adwin;
import io.headway.predictors.drift.PageHinkley;
import io.headway.predictors.evaluation.ErrorInjection;
import io.headway.predictors.length.BucketLength;
import io.headway.predictors.length.DeclaredLength;
import io.headway.predictors.length.LengthKey;
import io.headway.predictors.length.NoisyOracleLength;
import io.headway.predictors.length.OracleLength;
import io.headway.predictors.length.PastFutureLength;
import io.headway.predictors.length.QuantileHistogramLength;
import io.headway.predictors.length.RankedLength;
import io.headway.predictors.length.RidgeRemainingLength;
import io.headway.predictors.length.TrailLength;
import io.headway.predictors.length.TrailPosterior;
import io.headway.predictors.length.WindowedLength;
import io.headway.predictors.service.MlpServiceTime;
import io.headway.predictors.service.OracleServiceTime;
import io.headway.predictors.service.RlsServiceTime;
import io.headway.predictors.service.TypeLinearServiceTime;
import java.util.List;

/**
 * Offers the predictors, calibrators, forecasters and drift detectors of this module by name.
 * Predictors that need a model or another predictor to be built from are made in Java only.
 */
public final class PredictorCatalog implements PolicyCatalog {
  private static final int ANY = Integer.MAX_VALUE;
  private static final double INFINITY = Double.POSITIVE_INFINITY;
  private static final String OWN = "folklore";

  /** Makes the catalogue. */
  public PredictorCatalog() {}

  @Override
  public List<PolicyProvider> providers() {
    return List.of(
        oracleLength(),
        noisyOracleLength(),
        declaredLength(),
        quantileHistogram(),
        lengthBuckets(),
        elisRidge(),
        trail(),
        listMle(),
        pastFuture(),
        oracleServiceTime(),
        typeLinear(),
        rls(),
        tinyMlp(),
        holtWinters(),
        arDifferences(),
        ema(),
        conformalSplit(),
        conformalAdaptive(),
        quantileTracking(),
        pageHinkley(),
        adwin());
  }

  private static PolicyProvider oracleLength() {
    return new PolicyProvider(
        "oracle",
        Decision.LENGTH_PREDICTION,
        "The true output length; simulators only.",
        OWN,
        ParameterSet.NONE,
        config -> new OracleLength());
  }

  private static ParameterSet.Builder errorParameters(ParameterSet.Builder builder) {
    return builder
        .choice(
            "error",
            "log-normal",
            List.of("log-normal", "uniform", "gaussian", "biased"),
            "shape of the error")
        .doubleValue("level", 0.5, 0, INFINITY, "", "size of the error, 0 for none")
        .doubleValue("biasFactor", 1, 0, INFINITY, "", "factor on every prediction");
  }

  private static ErrorInjection error(PolicyConfig config) {
    return new ErrorInjection(
        config.choice("error", ErrorInjection.Distribution::valueOf),
        config.doubleValue("level"),
        config.doubleValue("biasFactor"));
  }

  private static PolicyProvider noisyOracleLength() {
    return new PolicyProvider(
        "noisy-oracle",
        Decision.LENGTH_PREDICTION,
        "The true output length with a controlled error; simulators only.",
        OWN,
        errorParameters(ParameterSet.builder()).build(),
        config -> new NoisyOracleLength(error(config)));
  }

  private static PolicyProvider declaredLength() {
    return new PolicyProvider(
        "declared",
        Decision.LENGTH_PREDICTION,
        "The caller's own prediction, else the declared cap.",
        OWN,
        ParameterSet.NONE,
        config -> new DeclaredLength());
  }

  private static PolicyProvider quantileHistogram() {
    QuantileHistogramLength.Config standard = QuantileHistogramLength.Config.DEFAULT;
    return new PolicyProvider(
        "quantile-histogram",
        Decision.LENGTH_PREDICTION,
        "Mean or quantile of what remains, from the lengths of finished requests.",
        OWN,
        ParameterSet.builder()
            .intValue("widthTokens", standard.widthTokens(), 1, ANY, "tokens", "width of a bucket")
            .intValue("buckets", standard.buckets(), 1, 1 << 20, "", "number of buckets")
            .choice(
                "key",
                "workload",
                List.of("workload", "tenant", "global"),
                "which requests share a histogram")
            .choice("statistic", "mean", List.of("mean", "quantile"), "what is answered")
            .doubleValue("tau", standard.tau(), 0, 1, "", "the quantile")
            .intValue("minSamples", standard.minSamples(), 1, ANY, "", "requests before it is used")
            .intValue(
                "halveEvery", standard.halveEvery(), 0, ANY, "", "requests per halving; 0 never")
            .build(),
        config ->
            new QuantileHistogramLength(
                new QuantileHistogramLength.Config(
                    config.intValue("widthTokens"),
                    config.intValue("buckets"),
                    config.choice("key", LengthKey::valueOf),
                    config.choice("statistic", QuantileHistogramLength.Statistic::valueOf),
                    config.doubleValue("tau"),
                    config.intValue("minSamples"),
                    config.intValue("halveEvery"))));
  }

  private static PolicyProvider lengthBuckets() {
    BucketLength.Config standard = BucketLength.Config.DEFAULT;
    return new PolicyProvider(
        "length-buckets",
        Decision.LENGTH_PREDICTION,
        "The most frequent length class of similar requests.",
        "after S3, NeurIPS 2023, and TetriInfer, arXiv 2401.11181",
        ParameterSet.builder()
            .intValue(
                "bucketTokens", standard.bucketTokens(), 1, ANY, "tokens", "width of a bucket")
            .intValue("buckets", standard.buckets(), 1, 1 << 16, "", "number of buckets")
            .intValue(
                "minSamples", standard.minSamples(), 1, ANY, "", "requests before a level is used")
            .choice("end", "high", List.of("low", "middle", "high"), "which number of the range")
            .build(),
        config ->
            new BucketLength(
                new BucketLength.Config(
                    config.intValue("bucketTokens"),
                    config.intValue("buckets"),
                    config.intValue("minSamples"),
                    config.choice("end", BucketLength.End::valueOf))));
  }

  private static PolicyProvider elisRidge() {
    RidgeRemainingLength.Config standard = RidgeRemainingLength.Config.DEFAULT;
    return new PolicyProvider(
        "elis-ridge",
        Decision.LENGTH_PREDICTION,
        "Ridge regression on prompt and generated tokens, predicted anew every window.",
        "after ELIS, arXiv 2505.09142",
        ParameterSet.builder()
            .doubleValue("lambda", standard.lambda(), 0, INFINITY, "", "penalty on the slopes")
            .intValue(
                "windowTokens",
                standard.windowTokens(),
                1,
                ANY,
                "tokens",
                "generated tokens between two predictions")
            .intValue("minRows", standard.minRows(), 1, ANY, "", "rows before it is used")
            .build(),
        config -> {
          int window = config.intValue("windowTokens");
          return new WindowedLength<>(
              new RidgeRemainingLength(
                  new RidgeRemainingLength.Config(
                      config.doubleValue("lambda"), window, config.intValue("minRows"))),
              window);
        });
  }

  private static PolicyProvider trail() {
    return new PolicyProvider(
        "trail",
        Decision.LENGTH_PREDICTION,
        "Classifier of hidden states, refined token by token.",
        "TRAIL, ICLR 2025, arXiv 2410.01035",
        ParameterSet.builder()
            .intValue("bins", TrailPosterior.DEFAULT_BINS, 1, 1 << 16, "", "number of bins")
            .doubleValue(
                "binTokens",
                TrailPosterior.DEFAULT_BIN_TOKENS,
                1,
                INFINITY,
                "tokens",
                "width of a bin")
            .doubleValue("temper", 1, 0, INFINITY, "", "exponent on the classifier's answers")
            .build(),
        config ->
            new TrailLength(
                config.intValue("bins"),
                config.doubleValue("binTokens"),
                config.doubleValue("temper")));
  }

  private static PolicyProvider listMle() {
    return new PolicyProvider(
        "listmle",
        Decision.LENGTH_PREDICTION,
        "Learns only the order of lengths.",
        "after vllm-ltr, NeurIPS 2024, arXiv 2408.15792",
        ParameterSet.builder()
            .intValue(
                "listSize", RankedLength.DEFAULT_LIST_SIZE, 2, 1 << 16, "", "requests in a list")
            .doubleValue("rate", RankedLength.DEFAULT_RATE, 0, INFINITY, "", "learning rate")
            .build(),
        config -> new RankedLength(config.intValue("listSize"), config.doubleValue("rate")));
  }

  private static PolicyProvider pastFuture() {
    PastFutureLength.Config standard = PastFutureLength.Config.DEFAULT;
    return new PolicyProvider(
        "past-future",
        Decision.LENGTH_PREDICTION,
        "Reads the history of lengths beyond what is generated.",
        "Past-Future, ASPLOS 2025, arXiv 2507.10150",
        ParameterSet.builder()
            .intValue("capacity", standard.capacity(), 1, 1 << 20, "", "lengths remembered")
            .intValue(
                "initialCopies",
                standard.initialCopies(),
                0,
                1 << 20,
                "",
                "copies of the largest length at the start")
            .intValue(
                "maxOutputTokens",
                standard.maxOutputTokens(),
                1,
                ANY,
                "tokens",
                "the largest length")
            .doubleValue("point", standard.point(), 0, 1, "", "where an estimate reads")
            .build(),
        config ->
            new PastFutureLength(
                new PastFutureLength.Config(
                    config.intValue("capacity"),
                    config.intValue("initialCopies"),
                    config.intValue("maxOutputTokens"),
                    config.doubleValue("point"))));
  }

  private static PolicyProvider oracleServiceTime() {
    return new PolicyProvider(
        "oracle",
        Decision.SERVICE_TIME_PREDICTION,
        "The true isolated service time, with a controlled error; simulators only.",
        "error levels of GAPS, AAMAS 2026",
        ParameterSet.builder()
            .choice(
                "error",
                "uniform",
                List.of("uniform", "gaussian", "biased", "log-normal"),
                "shape of the error")
            .doubleValue("level", 0, 0, INFINITY, "", "size of the error, 0 for none")
            .doubleValue("biasFactor", 1, 0, INFINITY, "", "factor on every prediction")
            .build(),
        config -> new OracleServiceTime(error(config)));
  }

  private static PolicyProvider typeLinear() {
    TypeLinearServiceTime.Config standard = TypeLinearServiceTime.Config.DEFAULT;
    return new PolicyProvider(
        "type-linear",
        Decision.SERVICE_TIME_PREDICTION,
        "One line in the prompt length per kind of work.",
        "after GAPS, AAMAS 2026",
        ParameterSet.builder()
            .intValue("window", standard.window(), 1, 1 << 20, "", "completions it is fitted to")
            .intValue(
                "minCompletions",
                standard.minCompletions(),
                1,
                ANY,
                "",
                "completions before it is used")
            .intValue("refitEvery", standard.refitEvery(), 1, ANY, "", "completions per fit")
            .doubleValue("minSeconds", standard.minSeconds(), 0, INFINITY, "s", "least prediction")
            .build(),
        config ->
            TypeLinearServiceTime.withoutFallback(
                new TypeLinearServiceTime.Config(
                    config.intValue("window"),
                    config.intValue("minCompletions"),
                    config.intValue("refitEvery"),
                    config.doubleValue("minSeconds"))));
  }

  private static PolicyProvider rls() {
    RlsServiceTime.Config standard = RlsServiceTime.Config.DEFAULT;
    return new PolicyProvider(
        "rls",
        Decision.SERVICE_TIME_PREDICTION,
        "Recursive least squares with forgetting, per kind of work.",
        "after GAPS, AAMAS 2026",
        ParameterSet.builder()
            .doubleValue("forgetting", standard.forgetting(), 0, 1, "", "weight per observation")
            .doubleValue("delta", standard.delta(), 0, INFINITY, "", "initial penalty")
            .intValue(
                "minCompletions",
                standard.minCompletions(),
                1,
                ANY,
                "",
                "completions before it is used")
            .doubleValue("minSeconds", standard.minSeconds(), 0, INFINITY, "s", "least prediction")
            .build(),
        config ->
            new RlsServiceTime(
                new RlsServiceTime.Config(
                    config.doubleValue("forgetting"),
                    config.doubleValue("delta"),
                    config.intValue("minCompletions"),
                    config.doubleValue("minSeconds"))));
  }

  private static PolicyProvider tinyMlp() {
    MlpServiceTime.Config standard = MlpServiceTime.Config.DEFAULT;
    return new PolicyProvider(
        "tiny-mlp",
        Decision.SERVICE_TIME_PREDICTION,
        "A network with one hidden layer beside recursive least squares.",
        "after GAPS, AAMAS 2026",
        ParameterSet.builder()
            .intValue("hiddenUnits", standard.hiddenUnits(), 1, 1 << 12, "", "hidden units")
            .doubleValue("rate", standard.rate(), 0, INFINITY, "", "learning rate")
            .doubleValue("clipNorm", standard.clipNorm(), 0, INFINITY, "", "largest gradient norm")
            .intValue(
                "minCompletions",
                standard.minCompletions(),
                1,
                ANY,
                "",
                "completions before the network may answer")
            .doubleValue("minSeconds", standard.minSeconds(), 0, INFINITY, "s", "least prediction")
            .longValue("seed", standard.seed(), Long.MIN_VALUE, "", "of the initial weights")
            .build(),
        config ->
            new MlpServiceTime(
                new MlpServiceTime.Config(
                    config.intValue("hiddenUnits"),
                    config.doubleValue("rate"),
                    config.doubleValue("clipNorm"),
                    config.intValue("minCompletions"),
                    config.doubleValue("minSeconds"),
                    config.longValue("seed"))));
  }

  private static PolicyProvider holtWinters() {
    HoltWinters.Config standard = HoltWinters.Config.DEFAULT;
    return new PolicyProvider(
        "holt-winters",
        Decision.ARRIVAL_FORECAST,
        "Level, trend and season by exponential smoothing.",
        "Holt 1957, Winters 1960",
        ParameterSet.builder()
            .choice("form", "additive", List.of("additive", "multiplicative"), "of the season")
            .intValue("season", standard.season(), 1, 1 << 20, "bins", "length of a season")
            .doubleValue("alpha", standard.alpha(), 0, 1, "", "weight of the level")
            .doubleValue("beta", standard.beta(), 0, 1, "", "weight of the trend")
            .doubleValue("gamma", standard.gamma(), 0, 1, "", "weight of the seasonals")
            .build(),
        config ->
            new HoltWinters(
                new HoltWinters.Config(
                    config.choice("form", HoltWinters.Form::valueOf),
                    config.intValue("season"),
                    config.doubleValue("alpha"),
                    config.doubleValue("beta"),
                    config.doubleValue("gamma"))));
  }

  private static PolicyProvider arDifferences() {
    ArDifferences.Config standard = ArDifferences.Config.DEFAULT;
    return new PolicyProvider(
        "ar-differences",
        Decision.ARRIVAL_FORECAST,
        "Autoregression on differences.",
        "textbook; ARIMA without moving averages",
        ParameterSet.builder()
            .intValue("order", standard.order(), 1, 1 << 10, "", "lags")
            .intValue("differences", standard.differences(), 0, 16, "", "order of the differences")
            .intValue("historyBins", standard.historyBins(), 2, 1 << 20, "bins", "bins fitted to")
            .build(),
        config ->
            new ArDifferences(
                new ArDifferences.Config(
                    config.intValue("order"),
                    config.intValue("differences"),
                    config.intValue("historyBins"))));
  }

  private static PolicyProvider ema() {
    EmaCalibrator.Config standard = EmaCalibrator.Config.DEFAULT;
    return new PolicyProvider(
        "ema",
        Decision.CALIBRATION,
        "Lengthens predictions by moving averages of their errors.",
        "GAPS, AAMAS 2026",
        ParameterSet.builder()
            .doubleValue("smoothing", standard.smoothing(), 0, 1, "", "weight of an outcome")
            .doubleValue("betaMae", standard.betaMae(), 0, INFINITY, "", "of the absolute error")
            .doubleValue(
                "gammaMape", standard.gammaMape(), 0, INFINITY, "", "of the relative error")
            .doubleValue("epsilon", standard.epsilon(), 0, INFINITY, "", "margin of deadlines")
            .choice("deadline", "margin", List.of("margin", "plain"), "with or without the margin")
            .doubleValue(
                "minActual", standard.minActual(), 0, INFINITY, "s", "least relative denominator")
            .booleanValue("signed", standard.signed(), "leave over-prediction uncorrected")
            .choice(
                "control",
                "fixed",
                List.of("fixed", "additive", "multiplicative"),
                "how the coefficients move")
            .doubleValue("controlStep", standard.controlStep(), 0, INFINITY, "", "of a control")
            .doubleValue(
                "targetViolationRate", standard.targetViolationRate(), 0, 1, "", "of the control")
            .build(),
        config ->
            new EmaCalibrator(
                new EmaCalibrator.Config(
                    config.doubleValue("smoothing"),
                    config.doubleValue("betaMae"),
                    config.doubleValue("gammaMape"),
                    config.doubleValue("epsilon"),
                    config.choice("deadline", EmaCalibrator.DeadlineForm::valueOf),
                    config.doubleValue("minActual"),
                    config.booleanValue("signed"),
                    config.choice("control", EmaCalibrator.Control::valueOf),
                    config.doubleValue("controlStep"),
                    config.doubleValue("targetViolationRate"))));
  }

  private static PolicyProvider conformalSplit() {
    return new PolicyProvider(
        "conformal-split",
        Decision.CALIBRATION,
        "An interval that misses with a chosen probability.",
        "Vovk, Gammerman and Shafer 2005",
        ParameterSet.builder()
            .choice("form", "upper", List.of("upper", "absolute"), "one- or two-sided")
            .doubleValue("alpha", 0.1, 0, 1, "", "miss rate")
            .intValue("window", ConformalScores.DEFAULT_WINDOW, 1, 1 << 20, "", "outcomes kept")
            .build(),
        config ->
            new ConformalCalibrator(
                config.choice("form", ConformalForm::valueOf),
                config.doubleValue("alpha"),
                config.intValue("window")));
  }

  private static PolicyProvider conformalAdaptive() {
    return new PolicyProvider(
        "conformal-adaptive",
        Decision.CALIBRATION,
        "An interval whose miss rate follows the misses.",
        "Gibbs and Candes, NeurIPS 2021, arXiv 2106.00170",
        ParameterSet.builder()
            .doubleValue("alpha", 0.1, 0, 1, "", "target miss rate")
            .doubleValue(
                "gamma", AdaptiveConformalCalibrator.DEFAULT_GAMMA, 0, INFINITY, "", "step")
            .intValue("window", ConformalScores.DEFAULT_WINDOW, 1, 1 << 20, "", "outcomes kept")
            .build(),
        config ->
            new AdaptiveConformalCalibrator(
                config.doubleValue("alpha"),
                config.doubleValue("gamma"),
                config.intValue("window")));
  }

  private static PolicyProvider quantileTracking() {
    return new PolicyProvider(
        "quantile-tracking",
        Decision.CALIBRATION,
        "Shifts predictions by a tracked quantile of their errors.",
        "textbook; gradient steps on the pinball loss",
        ParameterSet.builder()
            .doubleValue("tau", 0.9, 0, 1, "", "share of outcomes to stay below")
            .doubleValue(
                "etaShare",
                QuantileCalibrator.DEFAULT_ETA_SHARE,
                0,
                1,
                "",
                "step as a share of the inter-quartile range")
            .build(),
        config ->
            new QuantileCalibrator(config.doubleValue("tau"), config.doubleValue("etaShare")));
  }

  private static PolicyProvider pageHinkley() {
    PageHinkley.Config standard = PageHinkley.Config.DEFAULT;
    return new PolicyProvider(
        "page-hinkley",
        Decision.DRIFT_DETECTION,
        "Signals a rise or fall of the mean.",
        "Page, Biometrika 1954",
        ParameterSet.builder()
            .doubleValue("delta", standard.delta(), 0, INFINITY, "", "tolerated change")
            .doubleValue("lambda", standard.lambda(), 0, INFINITY, "", "threshold")
            .intValue("minValues", standard.minValues(), 1, ANY, "", "values before an alarm")
            .choice(
                "direction", "increase", List.of("increase", "decrease"), "which change it signals")
            .build(),
        config ->
            new PageHinkley(
                new PageHinkley.Config(
                    config.doubleValue("delta"),
                    config.doubleValue("lambda"),
                    config.intValue("minValues"),
                    config.choice("direction", PageHinkley.Direction::valueOf))));
  }

  private static PolicyProvider adwin() {
    Adwin.Config standard = Adwin.Config.DEFAULT;
    return new PolicyProvider(
        "adwin",
        Decision.DRIFT_DETECTION,
        "Signals when recent values fall apart into two means.",
        "Bifet and Gavalda, SDM 2007",
        ParameterSet.builder()
            .doubleValue("delta", standard.delta(), 0, 1, "", "false alarm rate")
            .choice(
                "form", "variance", List.of("variance", "distribution-free"), "form of the bound")
            .intValue("testEvery", standard.testEvery(), 1, ANY, "", "values between two tests")
            .intValue("maxWindow", standard.maxWindow(), 2, 1 << 20, "", "most values kept")
            .build(),
        config ->
            new Adwin(
                new Adwin.Config(
                    config.doubleValue("delta"),
                    config.choice("form", Adwin.Form::valueOf),
                    config.intValue("testEvery"),
                    config.intValue("maxWindow"))));
  }
}
