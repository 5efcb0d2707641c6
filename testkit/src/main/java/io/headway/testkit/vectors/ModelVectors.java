package io.headway.testkit.vectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.routing.ModelSelector;
import io.headway.api.routing.RejectCode;
import io.headway.routing.model.ActivatedBudgetSelector;
import io.headway.routing.model.CascadeSelector;
import io.headway.routing.model.TierModelSelector;
import io.headway.routing.model.WinProbabilitySelector;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Runs the vectors of the suite {@code cluster} that choose a model. */
final class ModelVectors implements VectorAdapter {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
  private static final long NANOS_PER_SECOND = 1_000_000_000;

  private final Map<String, Function<ConformanceVector, JsonNode>> algorithms =
      Map.of(
          "tier-map", ModelVectors::tierMap,
          "routellm.threshold", ModelVectors::threshold,
          "frugalgpt.cascade", ModelVectors::cascade,
          "activated-budget", ModelVectors::activatedBudget);

  @Override
  public String suite() {
    return "cluster";
  }

  @Override
  public boolean supports(ConformanceVector vector) {
    return vector.kind().equals("model.choose") && algorithms.containsKey(vector.algorithm());
  }

  @Override
  public JsonNode run(ConformanceVector vector) {
    Function<ConformanceVector, JsonNode> algorithm = algorithms.get(vector.algorithm());
    if (algorithm == null) {
      throw new VectorFormatException("algorithm " + vector.algorithm() + " is not supported");
    }
    return algorithm.apply(vector);
  }

  private static <S> Draft choose(ModelSelector<S> policy, Request request, View view) {
    Draft draft = new Draft();
    policy.choose(policy.newState(), request, view, draft);
    return draft;
  }

  private static JsonNode tierMap(ConformanceVector vector) {
    JsonNode input = vector.input();
    JsonNode wanted = JsonFields.required(input, "request");
    Set<String> entitled = texts(JsonFields.arrayOf(wanted, "entitlements"));
    Set<String> needed = texts(JsonFields.arrayOf(wanted, "capabilities"));
    View view = new View();
    for (JsonNode tier : JsonFields.arrayOf(vector.params(), "tiers")) {
      Model model = new Model(JsonFields.textOf(tier, "id"));
      model.contextTokens = JsonFields.intOf(tier, "contextTokens");
      model.price = JsonFields.doubleOf(tier, "price");
      model.quality = JsonFields.doubleOf(input.path("predictedQuality"), model.name, -1);
      model.saturated = JsonFields.booleanOf(input.path("saturated"), model.name, false);
      model.admitted =
          entitled.contains(model.name)
              && texts(JsonFields.arrayOf(tier, "capabilities")).containsAll(needed);
      view.models.add(model);
    }
    view.qualityFloor = JsonFields.doubleOf(wanted, "qualityFloor", 0);
    view.budget = JsonFields.doubleOf(input, "budgetPrice");
    Request request =
        Request.of(
            "r",
            JsonFields.intOf(wanted, "promptTokens"),
            JsonFields.intOf(wanted, "maxOutputTokens"));
    Draft draft = choose(new TierModelSelector(), request, view);
    ObjectNode result = JSON.objectNode().put("decision", draft.decision);
    if (draft.rejected != null) {
      return result
          .put(
              "reason",
              draft.rejected == RejectCode.NEVER_FITS ? "context-exceeds-all-tiers" : "no-tier")
          .putNull("model");
    }
    if (draft.decision.equals("queue")) {
      result.put("reason", draft.rule);
    }
    return result
        .put("model", view.name(draft.model))
        .put("escalated", draft.rule.equals("escalated"));
  }

  private static JsonNode threshold(ConformanceVector vector) {
    double alpha =
        WinProbabilitySelector.calibrate(
            JsonFields.doublesOf(vector.input(), "calibration"),
            JsonFields.doubleOf(vector.params(), "strongShare"));
    WinProbabilitySelector policy = new WinProbabilitySelector(alpha);
    ObjectNode result = JSON.objectNode();
    if (Double.isInfinite(alpha)) {
      result.putNull("alpha");
    } else {
      result.put("alpha", alpha);
    }
    ArrayNode routes = result.putArray("routes");
    View view = new View();
    view.models.add(new Model("weak"));
    view.models.add(new Model("strong"));
    for (double win : JsonFields.doublesOf(vector.input(), "winProbabilities")) {
      view.winProbability = win;
      routes.add(view.name(choose(policy, Request.of("r", 1, 1), view).model));
    }
    return result;
  }

  private static JsonNode cascade(ConformanceVector vector) {
    View view = new View();
    List<Double> thresholds = new ArrayList<>();
    for (JsonNode each : JsonFields.arrayOf(vector.params(), "models")) {
      Model model = new Model(JsonFields.textOf(each, "id"));
      model.price = JsonFields.doubleOf(each, "cost");
      view.models.add(model);
      if (each.hasNonNull("threshold")) {
        thresholds.add(JsonFields.doubleOf(each, "threshold"));
      }
    }
    CascadeSelector policy =
        new CascadeSelector(thresholds.stream().mapToDouble(Double::doubleValue).toArray());
    double[] scores = JsonFields.doublesOf(vector.input(), "scores");
    Request request = Request.of("r", 1, 1);
    int level = 0;
    int model = choose(policy, request, view).model;
    double cost = view.price(model);
    int next = policy.escalate(policy.newState(), request, view, model, scores[model]);
    while (next != ModelSelector.NONE) {
      level++;
      model = next;
      cost += view.price(model);
      next = policy.escalate(policy.newState(), request, view, model, scores[model]);
    }
    return JSON.objectNode()
        .put("model", view.name(model))
        .put("level", level)
        .put("totalCost", cost);
  }

  private static JsonNode activatedBudget(ConformanceVector vector) {
    View view = new View();
    for (JsonNode each : JsonFields.arrayOf(vector.params(), "models")) {
      Model model = new Model(JsonFields.textOf(each, "id"));
      model.activatedParameters = (long) JsonFields.doubleOf(each, "activatedParameters");
      view.models.add(model);
    }
    JsonNode input = vector.input();
    int prompt = JsonFields.intOf(input, "promptTokens");
    int output = JsonFields.intOf(input, "outputTokens");
    double budget = JsonFields.doubleOf(input, "budgetFlops");
    boolean bounded = input.hasNonNull("latencyBoundFlops");
    double bound = bounded ? JsonFields.doubleOf(input, "latencyBoundFlops") : 0;
    int model;
    boolean overBudget;
    if (prompt > 0 && output > 0 && !(bounded && bound == 0)) {
      // The bound is what the serving speed computes in the second before the deadline.
      ActivatedBudgetSelector policy =
          new ActivatedBudgetSelector(
              new ActivatedBudgetSelector.Config(
                  0, budget, bound, ActivatedBudgetSelector.OverBudget.CHEAPEST));
      Request.Builder request = Request.builder("r", prompt, output).predictedOutputTokens(output);
      if (bounded) {
        request.deadlineNanos(NANOS_PER_SECOND);
      }
      Draft draft = choose(policy, request.build(), view);
      model = draft.model;
      overBudget = draft.rule.equals("over-budget");
    } else {
      // No request is that small, but the rule is defined for it.
      double[] flops = new double[view.size()];
      for (int m = 0; m < flops.length; m++) {
        flops[m] = ActivatedBudgetSelector.flops(prompt, output, view.activatedParameters(m));
      }
      int picked =
          ActivatedBudgetSelector.pick(
              flops, flops.length, bounded ? Math.min(budget, bound) : budget);
      overBudget = picked < 0;
      model = overBudget ? ~picked : picked;
    }
    return JSON.objectNode()
        .put("model", view.name(model))
        .put(
            "flops", ActivatedBudgetSelector.flops(prompt, output, view.activatedParameters(model)))
        .put("overBudget", overBudget);
  }

  private static Set<String> texts(JsonNode array) {
    Set<String> texts = new HashSet<>();
    array.forEach(text -> texts.add(text.asText()));
    return texts;
  }

  private static final class Model {
    private final String name;
    private int contextTokens = Integer.MAX_VALUE;
    private long activatedParameters = 1;
    private double price;
    private double quality = -1;
    private boolean saturated;
    private boolean admitted = true;

    Model(String name) {
      this.name = name;
    }
  }

  private static final class View implements ModelSelector.ModelView {
    private final List<Model> models = new ArrayList<>();
    private double qualityFloor;
    private double budget = Double.POSITIVE_INFINITY;
    private double winProbability = -1;

    @Override
    public long nowNanos() {
      return 0;
    }

    @Override
    public RandomSource random() {
      return RandomSource.seeded(0);
    }

    @Override
    public int size() {
      return models.size();
    }

    @Override
    public String name(int model) {
      return models.get(model).name;
    }

    @Override
    public long activatedParameters(int model) {
      return models.get(model).activatedParameters;
    }

    @Override
    public int contextTokens(int model) {
      return models.get(model).contextTokens;
    }

    @Override
    public double quality(int model, Request request) {
      return models.get(model).quality;
    }

    @Override
    public double price(int model) {
      return models.get(model).price;
    }

    @Override
    public boolean admits(int model, Request request) {
      return models.get(model).admitted;
    }

    @Override
    public boolean saturated(int model) {
      return models.get(model).saturated;
    }

    @Override
    public double qualityFloor(Request request) {
      return qualityFloor;
    }

    @Override
    public double priceBudget(Request request) {
      return budget;
    }

    @Override
    public double winProbability(Request request) {
      return winProbability;
    }
  }

  private static final class Draft implements ModelSelector.ModelDraft {
    private String decision = "none";
    private String rule = "";
    private int model = ModelSelector.NONE;
    private @Nullable RejectCode rejected;

    @Override
    public void accept(int model) {
      decision = "accept";
      this.model = model;
      rejected = null;
    }

    @Override
    public void queue(int model) {
      decision = "queue";
      this.model = model;
      rejected = null;
    }

    @Override
    public void reject(RejectCode code) {
      decision = "reject";
      model = ModelSelector.NONE;
      rejected = code;
    }

    @Override
    public void rule(String rule) {
      this.rule = rule;
    }
  }
}
