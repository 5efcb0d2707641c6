package io.headway.testkit.vectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.QueueOrder;
import io.headway.api.batching.ServedSequences;
import io.headway.api.prediction.LengthEstimate;
import io.headway.api.prediction.LengthPredictor;
import io.headway.batching.admission.WholeOutputAdmission;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.RunToCompletionComposer;
import io.headway.batching.composition.WindowedComposer;
import io.headway.batching.fairness.FairShareOrder;
import io.headway.batching.fairness.ServiceCost;
import io.headway.batching.fairness.VtcLedger;
import io.headway.batching.order.PredictedRemainingOrder;
import io.headway.batching.systems.Isrtf;
import io.headway.batching.systems.Orca;
import io.headway.batching.systems.Sarathi;
import io.headway.batching.systems.SarathiServe;
import io.headway.batching.systems.StaticFcfs;
import io.headway.batching.systems.VllmV1;
import io.headway.batching.systems.Vtc;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;

/** The schedules of the suite {@code batching}, by algorithm. */
final class BatchingRuns {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private BatchingRuns() {}

  static Map<String, Function<ConformanceVector, JsonNode>> all() {
    Map<String, Function<ConformanceVector, JsonNode>> all = new LinkedHashMap<>();
    all.put("static-batching", BatchingRuns::staticBatching);
    all.put("orca", BatchingRuns::orca);
    all.put("vllm-v1", BatchingRuns::vllm);
    all.put("sarathi", BatchingRuns::sarathi);
    all.put("sarathi-serve", BatchingRuns::sarathiServe);
    all.put("vtc", BatchingRuns::vtc);
    all.put("isrtf", BatchingRuns::isrtf);
    return all;
  }

  /** A probe that lists the queue in the policy's order where that is not the queue's own. */
  private static PlanProbe<ComposedBatchingPolicy.State> probe(ComposedBatchingPolicy policy) {
    return policy.order().keyChange() == QueueOrder.KeyChange.FIXED
        ? sorted(policy, policy.order())
        : new PlanProbe<>(policy);
  }

  private static <S> PlanProbe<ComposedBatchingPolicy.State> sorted(
      ComposedBatchingPolicy policy, QueueOrder<S> order) {
    return new PlanProbe<>(policy) {
      @Override
      int[] queue(BatchView view) {
        S keys = state().of(order);
        return java.util.Arrays.stream(super.queue(view))
            .boxed()
            .sorted((a, b) -> order.compare(keys, view, a, b))
            .mapToInt(s -> s)
            .toArray();
      }
    };
  }

  private static JsonNode instance(ConformanceVector vector) {
    return JsonFields.required(vector.input(), "instance");
  }

  private static int maxSequences(ConformanceVector vector) {
    return JsonFields.intOf(instance(vector), "maxSequences");
  }

  /** An engine whose only token limit is the policy's own. */
  private static Limits limits(ConformanceVector vector) {
    return Limits.of(maxSequences(vector), Integer.MAX_VALUE);
  }

  /** A run over the vector's paged pool. */
  private static EngineRun paged(ConformanceVector vector, PlanProbe<?> probe) {
    JsonNode instance = instance(vector);
    return EngineRun.of(
        probe,
        EngineRun.jobs(vector.input()),
        JsonFields.intOf(instance, "blocks"),
        JsonFields.intOf(instance, "blockTokens"),
        limits(vector),
        null);
  }

  /** A run over a pool of as many token slots, for papers that count slots. */
  private static EngineRun slots(ConformanceVector vector, PlanProbe<?> probe) {
    JsonNode instance = instance(vector);
    int slots = JsonFields.intOf(instance, "blocks") * JsonFields.intOf(instance, "blockTokens");
    return EngineRun.of(probe, EngineRun.jobs(vector.input()), slots, 1, limits(vector), null);
  }

  private static int tokenBudget(ConformanceVector vector) {
    return JsonFields.optionalInt(instance(vector), "tokenBudget").orElse(Integer.MAX_VALUE);
  }

  private static final class BlocksInUse implements EngineRun.Reporter {
    @Override
    public void planned(ObjectNode row, BatchPlan plan, EngineScheduler scheduler) {
      row.put("blocksInUse", scheduler.stats().usedBlocks());
    }
  }

  private static JsonNode staticBatching(ConformanceVector vector) {
    requireText(vector.params(), "answers", "early-return");
    ComposedBatchingPolicy policy = new StaticFcfs().policy();
    RunToCompletionComposer composer = (RunToCompletionComposer) policy.composition();
    PlanProbe<ComposedBatchingPolicy.State> probe = probe(policy);
    int[] total = new int[1];
    ObjectNode report =
        slots(vector, probe)
            .run(
                new EngineRun.Reporter() {
                  @Override
                  public void planned(ObjectNode row, BatchPlan plan, EngineScheduler scheduler) {
                    RunToCompletionComposer.State batch = probe.state().of(composer);
                    ObjectNode state = row.putObject("state").put("rows", batch.rows());
                    if (!probe.admitted().isEmpty()) {
                      state.put("paddedPromptTokens", batch.paddedPromptTokens());
                    }
                    state.put("wastedCells", plan.paddingTokens());
                    total[0] += plan.paddingTokens();
                  }
                });
    return report.put("wastedCells", total[0]);
  }

  private static JsonNode orca(ConformanceVector vector) {
    if (JsonFields.intOf(vector.params(), "workers", 1) != 1) {
      throw new VectorFormatException("field workers must be 1");
    }
    boolean oracle = JsonFields.textOf(vector.params(), "reservation").equals("oracle");
    WholeOutputAdmission.Length length =
        oracle ? WholeOutputAdmission.Length.PREDICTED : WholeOutputAdmission.Length.DECLARED;
    if (!oracle) {
      requireText(vector.params(), "reservation", "declared");
    }
    ComposedBatchingPolicy policy =
        new Orca(length, Orca.DEFAULT.modelTokens(), Orca.DEFAULT.batchSequences()).policy();
    ConformanceVector told = oracle ? withTruePredictions(vector) : vector;
    return slots(told, probe(policy))
        .run(
            new EngineRun.Reporter() {
              @Override
              public void planned(ObjectNode row, BatchPlan plan, EngineScheduler scheduler) {
                row.putObject("state").put("reservedSlots", scheduler.stats().usedBlocks());
              }
            });
  }

  /** The oracle: every request declares and predicts its true length, which alone must fit. */
  private static ConformanceVector withTruePredictions(ConformanceVector vector) {
    ObjectNode input = vector.input().deepCopy();
    for (JsonNode request : JsonFields.arrayOf(input, "requests")) {
      int outputTokens = JsonFields.intOf(request, "outputTokens");
      ((ObjectNode) request).put("predictedTokens", outputTokens).put("maxNewTokens", outputTokens);
    }
    return with(vector, input);
  }

  /** No output predicted: nothing is charged in advance, as without a prediction. */
  private static ConformanceVector withoutEmptyPredictions(ConformanceVector vector) {
    ObjectNode input = vector.input().deepCopy();
    for (JsonNode request : JsonFields.arrayOf(input, "requests")) {
      if (JsonFields.intOf(request, "predictedTokens", 1) == 0) {
        ((ObjectNode) request).remove("predictedTokens");
      }
    }
    return with(vector, input);
  }

  private static ConformanceVector with(ConformanceVector vector, JsonNode input) {
    return new ConformanceVector(
        vector.suite(),
        vector.id(),
        vector.kind(),
        vector.algorithm(),
        vector.sheet(),
        vector.params(),
        input,
        vector.expect(),
        vector.absoluteTolerance(),
        vector.relativeTolerance(),
        vector.file());
  }

  private static JsonNode vllm(ConformanceVector vector) {
    JsonNode params = vector.params();
    VllmV1 parameters =
        new VllmV1(
            tokenBudget(vector),
            VllmV1.Order.valueOf(JsonFields.textOf(params, "policy").toUpperCase(Locale.ROOT)),
            JsonFields.intOf(params, "longPrefillTokenThreshold", 0),
            JsonFields.booleanOf(params, "chunkedPrefill", true));
    return paged(vector, probe(parameters.policy())).run(new BlocksInUse());
  }

  private static JsonNode sarathi(ConformanceVector vector) {
    Sarathi parameters = new Sarathi(JsonFields.intOf(vector.params(), "chunkTokens"));
    return paged(vector, probe(parameters.policy())).run(new BlocksInUse());
  }

  private static JsonNode sarathiServe(ConformanceVector vector) {
    SarathiServe parameters =
        new SarathiServe(
            tokenBudget(vector), JsonFields.doubleOf(vector.params(), "watermarkFraction"));
    return paged(vector, probe(parameters.policy())).run(new BlocksInUse());
  }

  private static JsonNode vtc(ConformanceVector original) {
    ConformanceVector vector = withoutEmptyPredictions(original);
    JsonNode params = vector.params();
    double inputPrice = JsonFields.doubleOf(params, "inputPrice");
    double outputPrice = JsonFields.doubleOf(params, "outputPrice");
    Map<String, Double> weights = new LinkedHashMap<>();
    if (params.has("clientWeights")) {
      params
          .get("clientWeights")
          .properties()
          .forEach(e -> weights.put(e.getKey(), JsonFields.asDouble(e.getValue(), e.getKey())));
    }
    VtcLedger.Parameters parameters =
        VtcLedger.Parameters.DEFAULT
            .withCost(ServiceCost.linear(inputPrice, outputPrice))
            .withWeights(weights)
            .withChargePrefillToken(JsonFields.booleanOf(params, "chargePrefillToken", true))
            .withPrediction(
                JsonFields.booleanOf(params, "lengthPrediction", false)
                    ? VtcLedger.Prediction.REQUEST
                    : VtcLedger.Prediction.NONE);
    ComposedBatchingPolicy policy = new Vtc(parameters).policy();
    VtcProbe probe = new VtcProbe(policy, inputPrice, outputPrice);
    List<EngineRun.Job> jobs = EngineRun.jobs(vector.input());
    EngineRun run =
        EngineRun.of(
            probe,
            jobs,
            JsonFields.intOf(instance(vector), "capacityTokens"),
            1,
            Limits.of(Math.max(1, jobs.size()), Integer.MAX_VALUE),
            null);
    ObjectNode report = run.run(probe);
    ObjectNode service = report.putObject("service");
    probe.service.forEach(service::put);
    return report;
  }

  /** Reads counters and lifts off the ledger, and adds up what was served. */
  private static final class VtcProbe extends PlanProbe<ComposedBatchingPolicy.State>
      implements EngineRun.Reporter {
    private final FairShareOrder<VtcLedger.State> order;
    private final double inputPrice;
    private final double outputPrice;
    private final Map<String, Integer> tenants = new LinkedHashMap<>();
    private final Map<String, Double> service = new LinkedHashMap<>();
    private ArrayNode lifts = JSON.arrayNode();

    @SuppressWarnings("unchecked") // The order of this policy reads a VTC ledger.
    VtcProbe(ComposedBatchingPolicy policy, double inputPrice, double outputPrice) {
      super(policy);
      order = (FairShareOrder<VtcLedger.State>) policy.order();
      this.inputPrice = inputPrice;
      this.outputPrice = outputPrice;
    }

    private double counter(int tenant) {
      return state().of(order).counter(tenant);
    }

    @Override
    public void onQueued(ComposedBatchingPolicy.State state, BatchView view, int sequence) {
      int tenant = view.tenant(sequence);
      String name = view.tenantName(tenant);
      tenants.put(name, tenant);
      service.putIfAbsent(name, 0.0);
      double before = counter(tenant);
      super.onQueued(state, view, sequence);
      double after = counter(tenant);
      if (after != before) {
        lifts.addArray().add(name).add(before).add(after);
      }
    }

    @Override
    public void onServed(
        ComposedBatchingPolicy.State state, BatchView view, ServedSequences served) {
      super.onServed(state, view, served);
      for (int i = 0; i < served.count(); i++) {
        service.merge(
            view.tenantName(view.tenant(served.sequence(i))),
            inputPrice * served.prefillTokens(i) + outputPrice * served.outputTokens(i),
            Double::sum);
      }
    }

    @Override
    public void completed(ObjectNode row) {
      ObjectNode state = row.putObject("state");
      ObjectNode counters = state.putObject("counters");
      tenants.forEach((name, tenant) -> counters.put(name, counter(tenant)));
      state.set("lifts", lifts);
      lifts = JSON.arrayNode();
    }
  }

  private static JsonNode isrtf(ConformanceVector vector) {
    int windowTokens = JsonFields.intOf(vector.params(), "windowTokens");
    ComposedBatchingPolicy policy = new Isrtf(windowTokens, 0, Isrtf.DEFAULT.preemption()).policy();
    WindowedComposer composer = (WindowedComposer) policy.composition();
    PredictedRemainingOrder order = (PredictedRemainingOrder) policy.order();
    PlanProbe<ComposedBatchingPolicy.State> probe = probe(policy);
    List<EngineRun.Job> jobs = EngineRun.jobs(vector.input());
    int tokens = 1;
    for (EngineRun.Job job : jobs) {
      tokens += job.promptTokens() + Math.max(job.outputTokens(), maxNewTokens(job));
    }
    EngineRun run =
        EngineRun.of(
            probe,
            jobs,
            tokens,
            1,
            Limits.of(JsonFields.intOf(vector.params(), "maxSequences"), Integer.MAX_VALUE),
            new WindowPredictor(jobs, windowTokens));
    ObjectNode report = JSON.objectNode();
    ArrayNode iterations = report.putArray("iterations");
    for (int window = 0; !run.isOver(); window++) {
      ObjectNode row = iterations.addObject().put("iteration", window);
      run.arrive(window);
      BatchView view = run.scheduler().view();
      ArrayNode priorities = row.putObject("state").putArray("priorities");
      for (int sequence : present(view, order, probe.state().of(order))) {
        priorities
            .addArray()
            .add(view.request(sequence).id())
            .add(probe.state().of(order).remainingTokens(sequence));
      }
      Map<String, Integer> before = new LinkedHashMap<>();
      List<String> finished = new ArrayList<>();
      WindowedComposer.State members = probe.state().of(composer);
      do {
        BatchPlan plan = run.decide(window);
        for (int i = 0; i < members.members(); i++) {
          String id = view.request(members.member(i)).id();
          before.putIfAbsent(id, run.produced(id));
        }
        finished.addAll(run.execute(plan, window));
      } while (!composer.windowOver(members, view));
      ArrayNode batch = row.putArray("batch");
      before.forEach(
          (id, tokensBefore) ->
              batch.addArray().add(id).add("D").add(run.produced(id) - tokensBefore));
      finished.sort(
          java.util.Comparator.comparingInt(id -> new ArrayList<>(before.keySet()).indexOf(id)));
      EngineRun.texts(row, "finished", finished);
    }
    report.set("finish", EngineRun.times(run.finish()));
    ObjectNode inSystem = report.putObject("windowsInSystem");
    for (EngineRun.Job job : jobs) {
      Integer end = run.finish().get(job.id());
      inSystem.put(job.id(), end == null ? null : end - job.arrival() + 1);
    }
    report.set("meanWindowsInSystem", run.mean());
    return report;
  }

  private static int maxNewTokens(EngineRun.Job job) {
    return JsonFields.intOf(job.fields(), "maxNewTokens", job.outputTokens());
  }

  /** Everybody who is here, in key order. */
  private static List<Integer> present(
      BatchView view, PredictedRemainingOrder order, PredictedRemainingOrder.State keys) {
    List<Integer> present = new ArrayList<>();
    for (int s = view.firstWaiting(); s != BatchView.NONE; s = view.nextWaiting(s)) {
      present.add(s);
    }
    for (int i = 0; i < view.runningCount(); i++) {
      present.add(view.running(i));
    }
    present.sort((a, b) -> order.compare(keys, view, a, b));
    return present;
  }

  /** Says what the vector says a predictor would say after so many windows. */
  private static final class WindowPredictor implements LengthPredictor<Stateless> {
    private final Map<String, JsonNode> predictions = new LinkedHashMap<>();
    private final int windowTokens;

    WindowPredictor(List<EngineRun.Job> jobs, int windowTokens) {
      for (EngineRun.Job job : jobs) {
        predictions.put(job.id(), job.fields().path("predictedRemaining"));
      }
      this.windowTokens = windowTokens;
    }

    @Override
    public String id() {
      return "vector";
    }

    @Override
    public Stateless newState() {
      return Stateless.STATE;
    }

    @Override
    public void estimate(
        Stateless state, Request request, int generatedTokens, LengthEstimate into) {
      JsonNode values = predictions.getOrDefault(request.id(), JSON.nullNode());
      if (values.isEmpty()) {
        into.none();
        return;
      }
      JsonNode value = values.get(Math.min(generatedTokens / windowTokens, values.size() - 1));
      // Predictions are at least 0 tokens by contract; the policy counts those below 1 as 1.
      into.point(Math.max(0, JsonFields.asDouble(value, "predictedRemaining")));
    }

    @Override
    public void observe(Stateless state, Request request, int outputTokens, boolean censored) {}
  }

  private static void requireText(JsonNode params, String field, String only) {
    String text = JsonFields.textOf(params, field, only);
    if (!text.equals(only)) {
      throw new VectorFormatException("field " + field + " must be " + only + ", but was " + text);
    }
  }
}
