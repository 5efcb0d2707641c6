package io.headway.testkit.vectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.headway.api.RandomSource;
import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.MoeInputException;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.RoutingSignals;
import io.headway.api.moe.Signal;
import io.headway.api.moe.SignalLevel;
import io.headway.routing.moe.DeepSpeedTop2Router;
import io.headway.routing.moe.DeepSpeedTopKRouter;
import io.headway.routing.moe.ExpertChoiceRouter;
import io.headway.routing.moe.FillOrder;
import io.headway.routing.moe.GShardRouter;
import io.headway.routing.moe.MeshTensorFlowTop2Router;
import io.headway.routing.moe.MoeSignals;
import io.headway.routing.moe.NoTokenLeftBehindRouter;
import io.headway.routing.moe.SwitchRouter;
import java.util.Map;
import java.util.function.Function;

/** Runs the vectors of the suite {@code moe-routing} that route tokens to experts. */
final class MoeVectors implements VectorAdapter {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final Map<String, Function<Call, JsonNode>> algorithms =
      Map.ofEntries(
          Map.entry("switch", MoeVectors::switchRouting),
          Map.entry("switch-no-token-left-behind", MoeVectors::noTokenLeftBehind),
          Map.entry("gshard-top2", call -> call.topTwo(new GShardRouter(gshard(call)))),
          Map.entry("glam", call -> call.topTwo(GShardRouter.glam(gshard(call)))),
          Map.entry("gshard-top2-mesh-tf", MoeVectors::meshTensorFlow),
          Map.entry("deepspeed-top2", MoeVectors::deepSpeedTop2),
          Map.entry("deepspeed-topk", MoeVectors::deepSpeedTopK),
          Map.entry(
              "expert-choice", call -> expertChoice(call, ExpertChoiceRouter.SoftmaxAxis.EXPERTS)),
          Map.entry(
              "expert-choice-mesh-tf",
              call -> expertChoice(call, ExpertChoiceRouter.SoftmaxAxis.TOKENS)));

  @Override
  public String suite() {
    return "moe-routing";
  }

  @Override
  public boolean supports(ConformanceVector vector) {
    return vector.kind().equals("moe.route") && algorithms.containsKey(vector.algorithm());
  }

  @Override
  public JsonNode run(ConformanceVector vector) {
    Function<Call, JsonNode> algorithm = algorithms.get(vector.algorithm());
    if (algorithm == null) {
      throw new IllegalArgumentException(
          "algorithm must be a supported one, but was " + vector.algorithm());
    }
    try {
      return algorithm.apply(new Call(vector));
    } catch (MoeInputException e) {
      return VectorAdapter.error(code(e));
    }
  }

  static String code(MoeInputException e) {
    return switch (e.rule()) {
      case ALL_MASKED -> "all-masked";
      case NOT_DIVISIBLE -> "not-divisible";
      case INFEASIBLE -> "infeasible";
      case CONFLICTING_ANNOTATIONS -> "conflicting-annotations";
    };
  }

  static CapacityRule capacityRule(JsonNode params) {
    JsonNode rule = JsonFields.required(params, "capacityRule");
    if (rule.has("slots")) {
      return CapacityRule.fixed(JsonFields.intOf(rule, "slots"));
    }
    return new CapacityRule.Factor(
        JsonFields.doubleOf(rule, "factor"),
        CapacityRule.Demand.valueOf(JsonFields.textOf(rule, "demand", "TOKENS")),
        CapacityRule.Rounding.valueOf(JsonFields.textOf(rule, "rounding", "CEIL")),
        JsonFields.intOf(rule, "minCapacity", 1),
        JsonFields.intOf(rule, "multipleOf", 1),
        JsonFields.booleanOf(rule, "capAtTokens", false));
  }

  private static JsonNode switchRouting(Call call) {
    FillOrder order =
        JsonFields.textOf(call.params, "order").equals("PRIORITY")
            ? FillOrder.PRIORITY_MAX
            : FillOrder.TOKEN;
    call.route(
        new SwitchRouter(
            new SwitchRouter.Config(
                capacityRule(call.params), order, JsonFields.doubleOf(call.params, "alpha"))));
    call.loss("aux", MoeSignals.AUXILIARY_LOSS);
    call.loss("z", MoeSignals.Z_LOSS);
    call.signal("f", call.row(MoeSignals.CHOICE_SHARE));
    call.signal("P", call.row(MoeSignals.MEAN_PROBABILITY));
    return call.result();
  }

  private static JsonNode noTokenLeftBehind(Call call) {
    call.route(
        new NoTokenLeftBehindRouter(
            new NoTokenLeftBehindRouter.Config(
                capacityRule(call.params), JsonFields.intOf(call.params, "stages"), 1)));
    return call.result();
  }

  private static GShardRouter.Config gshard(Call call) {
    return new GShardRouter.Config(
        capacityRule(call.params), JsonFields.intOf(call.params, "groups", 1));
  }

  private static JsonNode meshTensorFlow(Call call) {
    return call.topTwo(
        new MeshTensorFlowTop2Router(
            new MeshTensorFlowTop2Router.Config(
                capacityRule(call.params),
                JsonFields.intOf(call.params, "groups", 1),
                MeshTensorFlowTop2Router.SecondPolicy.valueOf(
                    JsonFields.textOf(call.params, "secondPolicy")),
                JsonFields.doubleOf(
                    call.params, "threshold", MeshTensorFlowTop2Router.DEFAULT_THRESHOLD))));
  }

  private static JsonNode deepSpeedTop2(Call call) {
    if (call.data.has("gumbel")) {
      call.input.noise(call.matrix("gumbel"));
    }
    call.route(new DeepSpeedTop2Router(new DeepSpeedTop2Router.Config(capacityRule(call.params))));
    call.loss("aux", MoeSignals.AUXILIARY_LOSS);
    return call.result();
  }

  private static JsonNode deepSpeedTopK(Call call) {
    call.route(
        new DeepSpeedTopKRouter(
            new DeepSpeedTopKRouter.Config(
                JsonFields.intOf(call.params, "topK"),
                capacityRule(call.params),
                DeepSpeedTopKRouter.DropPolicy.valueOf(
                    JsonFields.textOf(call.params, "dropPolicy")))));
    call.loss("aux", MoeSignals.AUXILIARY_LOSS);
    return call.result();
  }

  private static JsonNode expertChoice(Call call, ExpertChoiceRouter.SoftmaxAxis axis) {
    call.route(
        new ExpertChoiceRouter(new ExpertChoiceRouter.Config(capacityRule(call.params), axis)));
    return call.result();
  }

  /** One vector: its parameters, its batch and the result being written. */
  private static final class Call {
    final JsonNode params;
    final JsonNode data;
    final RouterInput input = new RouterInput();
    final ExpertAssignments out = new ExpertAssignments().signalLevel(SignalLevel.ALL);
    private final ObjectNode losses = JSON.objectNode();
    private final ObjectNode signals = JSON.objectNode();

    Call(ConformanceVector vector) {
      params = vector.params();
      data = vector.input();
      if (data.has("tokenIds")) {
        input.tokens(JsonFields.longsOf(data, "tokenIds"), JsonFields.intOf(params, "experts"));
      } else {
        String field = data.has("scores") ? "scores" : "logits";
        double[] logits = matrix(field);
        input.logits(logits, JsonFields.arrayOf(data, field).size(), experts());
      }
      if (data.has("padding")) {
        JsonNode flags = JsonFields.arrayOf(data, "padding");
        boolean[] padding = new boolean[flags.size()];
        for (int t = 0; t < padding.length; t++) {
          padding[t] = flags.get(t).booleanValue();
        }
        input.padding(padding);
      }
      if (data.has("sequenceLengths")) {
        input.sequenceLengths(JsonFields.intsOf(data, "sequenceLengths"));
      }
      if (data.has("uniforms")) {
        input.random(new ScriptedRandom(JsonFields.doublesOf(data, "uniforms")));
      }
    }

    int experts() {
      return JsonFields.intOf(data, "experts");
    }

    /** Reads rows of {@code experts} numbers; null is minus infinity. */
    final double[] matrix(String field) {
      return logits(JsonFields.arrayOf(data, field), experts());
    }

    void route(ExpertRouter<?> router) {
      routeWithNewState(router);
    }

    private <S> void routeWithNewState(ExpertRouter<S> router) {
      router.route(input, router.newState(), out);
    }

    JsonNode topTwo(ExpertRouter<?> router) {
      route(router);
      losses.set("auxRawByGroup", row(MoeSignals.AUXILIARY_LOSS_RAW));
      losses.set("auxScaledByGroup", row(MoeSignals.AUXILIARY_LOSS_SCALED));
      return result();
    }

    void loss(String field, Signal signal) {
      losses.put(field, out.signals().value(signal));
    }

    void signal(String field, JsonNode value) {
      signals.set(field, value);
    }

    ArrayNode row(Signal signal) {
      return row(signal, 0);
    }

    ArrayNode row(Signal signal, int row) {
      RoutingSignals from = out.signals();
      ArrayNode values = JSON.arrayNode();
      for (int i = 0; i < from.columns(signal); i++) {
        values.add(from.value(signal, row, i));
      }
      return values;
    }

    ObjectNode result() {
      ObjectNode result = JSON.objectNode();
      if (out.capacitySlots() == CapacityRule.UNLIMITED_SLOTS) {
        result.putNull("capacity");
      } else {
        result.put("capacity", out.capacitySlots());
      }
      ArrayNode assignments = result.putArray("assignments");
      for (int i = 0; i < out.pairCount(); i++) {
        assignments
            .addArray()
            .add(out.token(i))
            .add(out.rank(i))
            .add(out.expert(i))
            .add(out.slot(i))
            .add(out.gate(i));
      }
      ArrayNode drops = result.putArray("drops");
      for (int i = 0; i < out.dropCount(); i++) {
        drops
            .addArray()
            .add(out.dropToken(i))
            .add(out.dropRank(i))
            .add(out.dropExpert(i))
            .add(out.dropReason(i).name());
      }
      ArrayNode unrouted = result.putArray("unrouted");
      for (int t = 0; t < out.tokens(); t++) {
        if (out.isUnrouted(t)) {
          unrouted.add(t);
        }
      }
      ArrayNode load = result.putArray("load");
      for (int e = 0; e < out.experts(); e++) {
        load.add(out.load(e));
      }
      result.set("losses", losses);
      result.set("signals", signals);
      return result;
    }
  }

  /** Reads rows of logits; null is minus infinity. */
  static double[] logits(JsonNode rows, int experts) {
    double[] values = new double[Math.multiplyExact(rows.size(), experts)];
    int at = 0;
    for (JsonNode row : rows) {
      if (!row.isArray() || row.size() != experts) {
        throw new VectorFormatException(
            "rows must have " + experts + " entries, but one was " + VectorMatcher.show(row));
      }
      for (JsonNode value : row) {
        values[at++] =
            value.isNull()
                ? Double.NEGATIVE_INFINITY
                : JsonFields.asDouble(value, "logit " + (at - 1));
      }
    }
    return values;
  }

  /** Hands out given uniform numbers one after another. */
  private static final class ScriptedRandom implements RandomSource {
    private final double[] uniforms;
    private int next;

    ScriptedRandom(double[] uniforms) {
      this.uniforms = uniforms;
    }

    @Override
    public double nextDouble() {
      if (next == uniforms.length) {
        throw new VectorFormatException("uniforms must have one entry per draw, but ran out");
      }
      return uniforms[next++];
    }

    @Override
    public long nextLong() {
      throw new VectorFormatException("uniforms stand for numbers in [0, 1), not for bits");
    }
  }
}
