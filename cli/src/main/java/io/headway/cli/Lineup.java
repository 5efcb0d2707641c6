package io.headway.cli;

import io.headway.api.Claims;
import io.headway.api.Decision;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.config.PolicyProvider;
import io.headway.api.config.PolicyRegistry;
import io.headway.api.config.PolicySpec;
import io.headway.api.prediction.Calibrator;
import io.headway.api.prediction.LengthPredictor;
import io.headway.api.prediction.ServiceTimePredictor;
import io.headway.api.routing.RoutingPolicy;
import io.headway.simulator.cluster.ClusterPolicies;
import io.headway.simulator.report.Setting;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Turns the policy strings of a command line into contenders: every batching policy with every
 * routing policy.
 */
final class Lineup {
  /** The batching policy that is whatever parts are named, and so cannot stand in "all". */
  private static final String COMPOSE = "compose";

  private static final String COMPOSITION = "composition";
  private static final String TOKEN_BUDGET = "tokenBudget";

  private Lineup() {}

  /**
   * One contender.
   *
   * @param name what the report calls it
   * @param settings its policies as the report shows them
   * @param policies the objects
   */
  record Entry(String name, List<Setting> settings, ClusterPolicies policies) {
    Entry {
      settings = List.copyOf(settings);
    }
  }

  static List<Entry> of(String batching, String routing, @Nullable Integer tokenBudget) {
    try {
      PolicyRegistry registry = PolicyRegistry.discover(Lineup.class.getClassLoader());
      List<String> routings = split(routing, Decision.ROUTING, registry);
      List<Entry> entries = new ArrayList<>();
      for (String route : routings) {
        for (String batch : split(batching, Decision.BATCHING, registry)) {
          entries.add(entry(registry, batch, route, routings.size() > 1, tokenBudget));
        }
      }
      return List.copyOf(entries);
    } catch (IllegalArgumentException e) {
      throw new BadInputException(Failure.messageOf(e), e);
    }
  }

  private static List<String> split(String list, Decision decision, PolicyRegistry registry) {
    if (list.strip().equals("all")) {
      return registry.providers(decision).stream()
          .map(PolicyProvider::id)
          .filter(id -> !id.equals(COMPOSE))
          .toList();
    }
    // A predictor follows its policy behind a plus sign, which no policy string contains.
    List<String> parts = new ArrayList<>();
    for (PolicySpec spec : PolicySpec.parseList(list.replace("+", PLUS))) {
      parts.add(spec.toString().replace(PLUS, "+"));
    }
    return parts;
  }

  private static final String PLUS = ".plus.";

  private static Entry entry(
      PolicyRegistry registry,
      String batch,
      String route,
      boolean nameRouting,
      @Nullable Integer tokenBudget) {
    int plus = batch.indexOf('+');
    int colon = batch.indexOf(':');
    String lengths =
        plus < 0 ? "" : batch.substring(plus + 1, colon > plus ? colon : batch.length());
    String text =
        plus < 0 ? batch : batch.substring(0, plus) + (colon > plus ? batch.substring(colon) : "");
    PolicySpec spec = PolicySpec.parse(text);
    PolicyProvider provider = registry.provider(Decision.BATCHING, spec.name());
    if (tokenBudget != null && hasTokenBudget(registry, provider, spec)) {
      spec = spec.withDefault(TOKEN_BUDGET, Integer.toString(tokenBudget));
    }
    BatchingPolicy<?> batching = registry.create(Decision.BATCHING, spec, BatchingPolicy.class);
    RoutingPolicy<?> routing = registry.create(Decision.ROUTING, route, RoutingPolicy.class);
    LengthPredictor<?> predictor =
        lengths.isEmpty()
            ? null
            : registry.create(Decision.LENGTH_PREDICTION, lengths, LengthPredictor.class);
    boolean needsService = routing.claims().needs().contains(Claims.Need.SERVICE_TIME);
    ServiceTimePredictor<?> service =
        needsService
            ? registry.create(
                Decision.SERVICE_TIME_PREDICTION, "type-linear", ServiceTimePredictor.class)
            : null;
    Calibrator<?> calibrator =
        needsService ? registry.create(Decision.CALIBRATION, "ema", Calibrator.class) : null;
    List<Setting> settings = new ArrayList<>();
    settings.add(new Setting("batching", spec.toString()));
    settings.add(new Setting("routing", route));
    if (!lengths.isEmpty()) {
      settings.add(new Setting("length predictor", lengths));
    }
    String name =
        spec + (lengths.isEmpty() ? "" : "+" + lengths) + (nameRouting ? " / " + route : "");
    return new Entry(
        name, settings, new ClusterPolicies(routing, batching, predictor, service, calibrator));
  }

  private static boolean hasTokenBudget(
      PolicyRegistry registry, PolicyProvider provider, PolicySpec spec) {
    if (!provider.id().equals(COMPOSE)) {
      return provider.parameters().has(TOKEN_BUDGET);
    }
    PolicySpec composition = provider.parameters().resolve(COMPOSE, spec).policy(COMPOSITION);
    return registry
            .provider(Decision.COMPOSITION, composition.name())
            .parameters()
            .has(TOKEN_BUDGET)
        && !composition.arguments().containsKey(TOKEN_BUDGET);
  }
}
