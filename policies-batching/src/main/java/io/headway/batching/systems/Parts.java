package io.headway.batching.systems;

import static java.util.Objects.requireNonNull;

import io.headway.api.Decision;
import io.headway.api.batching.AdmissionTest;
import io.headway.api.batching.BatchComposer;
import io.headway.api.batching.BatchPlanner;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.api.batching.QueueOrder;
import io.headway.api.batching.VictimSelector;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyConfig;
import io.headway.api.config.PolicyProvider;
import io.headway.api.config.PolicyRegistry;
import io.headway.api.config.PolicySpec;
import io.headway.batching.admission.FirstChunkAdmission;
import io.headway.batching.admission.PaddedBatchAdmission;
import io.headway.batching.admission.WholeOutputAdmission;
import io.headway.batching.admission.WholePromptAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ChunkSchedule;
import io.headway.batching.composition.DecodeMaximalComposer;
import io.headway.batching.composition.IterationLevelComposer;
import io.headway.batching.composition.RunToCompletionComposer;
import io.headway.batching.composition.StallFreeComposer;
import io.headway.batching.composition.TokenBudgetComposer;
import io.headway.batching.composition.WindowedComposer;
import io.headway.batching.fairness.FairShareOrder;
import io.headway.batching.fairness.VtcLedger;
import io.headway.batching.order.FirstComeOrder;
import io.headway.batching.order.PredictedRemainingOrder;
import io.headway.batching.order.PriorityOrder;
import io.headway.batching.preemption.LastCandidate;
import io.headway.batching.preemption.LeastUrgent;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** The parts of composed policies by name, and the policy made of any of them. */
final class Parts {
  private static final String MODE = "mode";
  private static final String NOBODY = "none";
  private static final String COMPOSE = "compose";
  private static final String ORDER = "order";
  private static final String ADMISSION = "admission";
  private static final String COMPOSITION = "composition";
  private static final String PREEMPTION = "preemption";
  private static final String PLANNING = "planning";

  private Parts() {}

  static List<PolicyProvider> orders() {
    return List.of(
        new PolicyProvider(
            "fcfs",
            Decision.QUEUE_ORDER,
            "First come, first served; preempted sequences where they were put",
            "folklore",
            ParameterSet.NONE,
            config -> new FirstComeOrder()),
        new PolicyProvider(
            "priority",
            Decision.QUEUE_ORDER,
            "By (priority, arrival, id)",
            "vLLM v1",
            ParameterSet.NONE,
            config -> new PriorityOrder()),
        new PolicyProvider(
            "predicted-remaining",
            Decision.QUEUE_ORDER,
            "Shortest predicted remaining output first, predicted anew as text grows",
            "Choi et al., ELIS, arXiv 2505.09142",
            ParameterSet.builder()
                .intValue(
                    "refreshTokens",
                    50,
                    1,
                    Integer.MAX_VALUE,
                    "tokens",
                    "output tokens after which a sequence is predicted anew")
                .doubleValue(
                    "agingTokensPerSecond",
                    0,
                    0,
                    Double.POSITIVE_INFINITY,
                    "tokens/s",
                    "predicted tokens that a second of waiting is worth")
                .build(),
            config ->
                new PredictedRemainingOrder(
                    config.intValue("refreshTokens"), config.doubleValue("agingTokensPerSecond"))),
        new PolicyProvider(
            "vtc",
            Decision.QUEUE_ORDER,
            "The tenant with the least virtual token counter first",
            "Sheng et al., Fairness in Serving Large Language Models, OSDI 2024",
            Vtc.ledgerParameters(),
            config -> FairShareOrder.of(new VtcLedger(Vtc.ledger(config)))));
  }

  static List<PolicyProvider> ledgers() {
    return List.of(
        new PolicyProvider(
            "vtc",
            Decision.FAIRNESS,
            "Virtual token counters",
            "Sheng et al., Fairness in Serving Large Language Models, OSDI 2024",
            Vtc.ledgerParameters(),
            config -> new VtcLedger(Vtc.ledger(config))));
  }

  static List<PolicyProvider> admissions() {
    return List.of(
        new PolicyProvider(
            "first-chunk",
            Decision.ADMISSION,
            "Blocks of the first chunk must be free",
            "vLLM v1",
            watermark(0),
            config -> new FirstChunkAdmission(config.doubleValue("watermarkFraction"))),
        new PolicyProvider(
            "whole-prompt",
            Decision.ADMISSION,
            "Takes blocks for the whole prompt, above a watermark",
            "Agrawal et al., Sarathi-Serve, OSDI 2024",
            watermark(0.01),
            config -> new WholePromptAdmission(config.doubleValue("watermarkFraction"))),
        new PolicyProvider(
            "whole-output",
            Decision.ADMISSION,
            "Takes blocks for prompt and whole output",
            "Yu et al., Orca, OSDI 2022",
            ParameterSet.builder()
                .choice(
                    "length",
                    "declared",
                    List.of("declared", "maximum", "predicted"),
                    "which output length is reserved")
                .intValue(
                    "modelTokens",
                    2048,
                    2,
                    Integer.MAX_VALUE,
                    "tokens",
                    "the model's greatest length, for length=maximum")
                .build(),
            Parts::wholeOutput),
        new PolicyProvider(
            "padded-batch",
            Decision.ADMISSION,
            "The padded size of one static batch must fit the pool",
            "baseline of Orca, OSDI 2022",
            ParameterSet.NONE,
            config -> new PaddedBatchAdmission()));
  }

  private static WholeOutputAdmission wholeOutput(PolicyConfig config) {
    return switch (config.choice("length", WholeOutputAdmission.Length::valueOf)) {
      case DECLARED -> WholeOutputAdmission.declared();
      case MAXIMUM -> WholeOutputAdmission.maximum(config.intValue("modelTokens"));
      case PREDICTED -> WholeOutputAdmission.predicted();
    };
  }

  private static ParameterSet watermark(double fraction) {
    return ParameterSet.builder()
        .doubleValue(
            "watermarkFraction",
            fraction,
            0,
            Math.nextDown(1.0),
            "",
            "share of the pool that stays free after an admission")
        .build();
  }

  static List<PolicyProvider> compositions() {
    return List.of(
        new PolicyProvider(
            "run-to-completion",
            Decision.COMPOSITION,
            "A batch that nobody joins, until its last member ends",
            "baseline of Orca, OSDI 2022",
            ParameterSet.NONE,
            config -> new RunToCompletionComposer()),
        new PolicyProvider(
            "orca",
            Decision.COMPOSITION,
            "Everybody in every iteration, prompts whole",
            "Yu et al., Orca, OSDI 2022",
            ParameterSet.builder()
                .intValue(
                    "batchSequences",
                    0,
                    0,
                    Integer.MAX_VALUE,
                    "sequences",
                    "most sequences in one batch; 0 for the engine's limit")
                .build(),
            config -> new IterationLevelComposer(config.intValue("batchSequences"))),
        new PolicyProvider(
            "vllm-v1",
            Decision.COMPOSITION,
            "Running sequences, then the queue, up to a token budget",
            "vLLM v1",
            ParameterSet.builder()
                .intValue(
                    "tokenBudget", 2048, 1, Integer.MAX_VALUE, "tokens", "tokens in one iteration")
                .intValue(
                    "longPrefillTokenThreshold",
                    0,
                    0,
                    Integer.MAX_VALUE,
                    "tokens",
                    "most tokens of one sequence in one iteration; 0 for no limit")
                .booleanValue(
                    "chunkedPrefill", true, "cut waiting prompts to the budget that is left")
                .build(),
            config ->
                new TokenBudgetComposer(
                    config.intValue("tokenBudget"),
                    config.intValue("longPrefillTokenThreshold"),
                    config.booleanValue("chunkedPrefill"))),
        new PolicyProvider(
            "sarathi",
            Decision.COMPOSITION,
            "All decodes and one prefill chunk of constant sum",
            "Agrawal et al., SARATHI, arXiv 2308.16369",
            ParameterSet.builder()
                .intValue(
                    "chunkTokens",
                    256,
                    1,
                    Integer.MAX_VALUE,
                    "tokens",
                    "tokens of a batch with a chunk, decodes included")
                .build(),
            config -> new DecodeMaximalComposer(config.intValue("chunkTokens"))),
        new PolicyProvider(
            "sarathi-serve",
            Decision.COMPOSITION,
            "Every decode first, prefill chunks in the rest of the budget",
            "Agrawal et al., Sarathi-Serve, OSDI 2024",
            ParameterSet.builder()
                .intValue(
                    "tokenBudget", 512, 1, Integer.MAX_VALUE, "tokens", "tokens in one iteration")
                .build(),
            config ->
                new StallFreeComposer(ChunkSchedule.constant(config.intValue("tokenBudget")))),
        new PolicyProvider(
            "isrtf",
            Decision.COMPOSITION,
            "The first of the order run for a window of tokens, then are chosen anew",
            "Choi et al., ELIS, arXiv 2505.09142",
            ParameterSet.builder()
                .intValue(
                    "windowTokens",
                    50,
                    1,
                    Integer.MAX_VALUE,
                    "tokens",
                    "output tokens of a sequence in one window")
                .build(),
            config -> new WindowedComposer(config.intValue("windowTokens"))));
  }

  static List<PolicyProvider> victims() {
    return List.of(
        new PolicyProvider(
            "youngest",
            Decision.VICTIM_SELECTION,
            "The last candidate in the composition's order: the youngest where that is arrival",
            "vLLM v1 (fcfs); Sarathi-Serve, OSDI 2024",
            ParameterSet.builder()
                .choice(MODE, "recompute", List.of("recompute", "swap"), "how victims yield")
                .choice("place", "head", List.of("head", "tail"), "where victims enter the queue")
                .build(),
            config ->
                new LastCandidate(
                    config.choice(MODE, PreemptionMode::valueOf),
                    config.choice("place", QueueEnd::valueOf))),
        new PolicyProvider(
            "least-urgent",
            Decision.VICTIM_SELECTION,
            "The candidate with the greatest (priority, arrival, id)",
            "vLLM v1 (priority)",
            ParameterSet.builder()
                .choice(MODE, "recompute", List.of("recompute", "swap"), "how victims yield")
                .build(),
            config -> new LeastUrgent(config.choice(MODE, PreemptionMode::valueOf))));
  }

  /** Any product of the parts that the registry knows. */
  static PolicyProvider compose() {
    return new PolicyProvider(
        COMPOSE,
        Decision.BATCHING,
        "Any order, admission, composition, preemption and planning of this module",
        "folklore",
        ParameterSet.builder()
            .policy(ORDER, "fcfs", "who is next")
            .policy(ADMISSION, "whole-prompt", "who may start, with how much memory")
            .policy(COMPOSITION, "sarathi-serve", "which tokens run")
            .policy(PREEMPTION, "youngest", "who yields on shortage; none for nobody")
            .policy(PLANNING, NOBODY, "who plans in front of the order; none for nobody")
            .forwarding()
            .build(),
        Parts::compose);
  }

  /** One role of a composed policy: who plays it, with which arguments. */
  private record Role(String name, PolicyProvider provider, PolicySpec spec) {}

  private static Object compose(PolicyConfig config) {
    PolicyRegistry known = config.known();
    Map<String, Role> roles = new LinkedHashMap<>();
    role(roles, config, ORDER, Decision.QUEUE_ORDER);
    role(roles, config, ADMISSION, Decision.ADMISSION);
    role(roles, config, COMPOSITION, Decision.COMPOSITION);
    if (!config.text(PREEMPTION).equals(NOBODY)) {
      role(roles, config, PREEMPTION, Decision.VICTIM_SELECTION);
    }
    if (!config.text(PLANNING).equals(NOBODY)) {
      role(roles, config, PLANNING, Decision.BATCH_PLANNING);
    }
    config.forwarded().forEach((name, value) -> forward(roles, name, value));
    AdmissionTest<?> admission = make(roles, known, ADMISSION, AdmissionTest.class);
    Batching.Builder builder =
        Batching.order(make(roles, known, ORDER, QueueOrder.class))
            .admission(admission)
            .composition(composition(roles, known, admission));
    if (roles.containsKey(PREEMPTION)) {
      builder.preemption(make(roles, known, PREEMPTION, VictimSelector.class));
    }
    if (roles.containsKey(PLANNING)) {
      builder.planning(make(roles, known, PLANNING, BatchPlanner.class));
    }
    return builder.build();
  }

  private static void role(
      Map<String, Role> roles, PolicyConfig config, String name, Decision decision) {
    PolicySpec spec = config.policy(name);
    roles.put(name, new Role(name, config.known().provider(decision, spec.name()), spec));
  }

  /**
   * Gives an argument of the whole policy to the one part that declares it, in every role that this
   * part plays.
   */
  private static void forward(Map<String, Role> roles, String name, String value) {
    List<Role> takers =
        roles.values().stream().filter(r -> r.provider().parameters().has(name)).toList();
    if (takers.isEmpty()) {
      Set<String> known =
          new LinkedHashSet<>(List.of(ORDER, ADMISSION, COMPOSITION, PREEMPTION, PLANNING));
      for (Role role : roles.values()) {
        role.provider().parameters().list().forEach(p -> known.add(p.name()));
      }
      throw ParameterSet.unknown(COMPOSE, name, known);
    }
    Role taker = takers.get(0);
    boolean onePart =
        takers.stream().allMatch(r -> r.provider().id().equals(taker.provider().id()));
    if (!onePart) {
      throw new IllegalArgumentException(
          "policy 'compose': "
              + name
              + " is a parameter of "
              + takers.stream()
                  .map(r -> r.name() + " '" + r.provider().id() + "'")
                  .collect(Collectors.joining(" and of "))
              + "; say whose, as in "
              + taker.name()
              + "="
              + "("
              + taker.provider().id()
              + ":"
              + name
              + "="
              + value
              + ")");
    }
    for (Role role : takers) {
      if (role.spec().arguments().containsKey(name)) {
        throw new IllegalArgumentException(
            "policy 'compose': "
                + name
                + " is given twice, by itself and in "
                + role.name()
                + "=("
                + role.spec()
                + "); leave one of them out");
      }
      roles.put(
          role.name(),
          new Role(role.name(), role.provider(), role.spec().withDefault(name, value)));
    }
  }

  /** One part that plays both roles under one name keeps one state, so it is made once. */
  private static BatchComposer<?> composition(
      Map<String, Role> roles, PolicyRegistry known, AdmissionTest<?> admission) {
    boolean both =
        requireNonNull(roles.get(ADMISSION))
                .spec()
                .equals(requireNonNull(roles.get(COMPOSITION)).spec())
            && admission instanceof BatchComposer<?>;
    return both
        ? (BatchComposer<?>) admission
        : make(roles, known, COMPOSITION, BatchComposer.class);
  }

  private static <T> T make(
      Map<String, Role> roles, PolicyRegistry known, String name, Class<T> type) {
    Role role = requireNonNull(roles.get(name), name);
    return type.cast(role.provider().create(role.spec(), known));
  }
}
