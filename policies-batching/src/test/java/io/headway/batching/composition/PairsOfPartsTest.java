package io.headway.batching.composition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.headway.api.Decision;
import io.headway.api.RandomSource;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.config.Parameter;
import io.headway.api.config.PolicyProvider;
import io.headway.api.config.PolicyRegistry;
import io.headway.batching.Job;
import io.headway.batching.Run;
import io.headway.batching.systems.BatchingPolicies;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/**
 * Products of registered parts that together contain every pair of parts that any product contains,
 * over random workloads. What is registered is taken, so a new part cannot be forgotten: each with
 * its defaults, with token counts small enough to bind here, and with each of its choices.
 */
class PairsOfPartsTest {
  private static final PolicyRegistry REGISTRY = PolicyRegistry.of(new BatchingPolicies());
  private static final String NONE = "none";
  private static final int RUNS = 2_500;
  private static final int SMALL_TOKENS = 8;
  private static final int SAMPLES = 24;

  /** Parameters of {@code compose}, with every way to fill them. */
  private static final Map<String, List<String>> ROLES = roles();

  private record Refusal(String product, String reason) {}

  private static Map<String, List<String>> roles() {
    Map<String, List<String>> roles = new LinkedHashMap<>();
    roles.put("order", variants(Decision.QUEUE_ORDER));
    roles.put("admission", variants(Decision.ADMISSION));
    roles.put("composition", variants(Decision.COMPOSITION));
    roles.put("preemption", variants(Decision.VICTIM_SELECTION));
    roles.get("preemption").add(NONE);
    roles.put("planning", variants(Decision.BATCH_PLANNING));
    roles.get("planning").add(NONE);
    return roles;
  }

  private static List<String> variants(Decision decision) {
    Set<String> all = new LinkedHashSet<>();
    for (PolicyProvider provider : REGISTRY.providers(decision)) {
      all.add(provider.id());
      Map<String, String> small = new LinkedHashMap<>();
      for (Parameter parameter : provider.parameters().list()) {
        boolean shrinks =
            parameter.type() == Parameter.Type.INT
                && parameter.unit().equals("tokens")
                && Integer.parseInt(parameter.defaultText()) > SMALL_TOKENS
                && parameter.minimum() <= SMALL_TOKENS;
        if (shrinks) {
          small.put(parameter.name(), Integer.toString(SMALL_TOKENS));
        }
      }
      all.add(text(provider, small));
      for (Parameter parameter : provider.parameters().list()) {
        List<String> values =
            parameter.type() == Parameter.Type.BOOLEAN
                ? List.of("true", "false")
                : parameter.choices();
        for (String value : values) {
          Map<String, String> chosen = new LinkedHashMap<>(small);
          if (!value.equals(parameter.defaultText())) {
            chosen.put(parameter.name(), value);
          }
          all.add(text(provider, chosen));
        }
      }
    }
    return new ArrayList<>(all);
  }

  private static String text(PolicyProvider provider, Map<String, String> arguments) {
    if (arguments.isEmpty()) {
      return provider.id();
    }
    List<String> pairs = new ArrayList<>();
    arguments.forEach((name, value) -> pairs.add(name + "=" + value));
    return "(" + provider.id() + ":" + String.join(",", pairs) + ")";
  }

  @Test
  void everyPairOfPartsKeepsEveryInvariant() {
    RandomSource random = RandomSource.seeded(31);
    List<Refusal> refusals = new ArrayList<>();
    List<String> products = coveringProducts(random, refusals);
    assertThat(products).hasSizeGreaterThanOrEqualTo(60);
    assertThat(refusals)
        .isNotEmpty()
        .allSatisfy(
            refusal ->
                assertThat(refusal.reason())
                    .as(refusal.product())
                    .startsWith("batching policy makes no sense: "));
    Set<String> ids = new TreeSet<>();
    List<String> broken = new ArrayList<>();
    for (String product : products) {
      BatchingPolicy<?> policy = make(product);
      ids.addAll(List.of(product.split("[:,=()]")));
      for (int i = 0; i < Math.max(4, RUNS / products.size()); i++) {
        long seed = random.nextInt(Integer.MAX_VALUE);
        Throwable thrown = catchThrowable(() -> run(policy, seed));
        if (thrown != null) {
          broken.add(product + ", seed " + seed + ": " + thrown);
          break;
        }
      }
    }
    assertThat(broken).as("products that break an invariant or never end").isEmpty();
    for (Decision decision :
        List.of(
            Decision.QUEUE_ORDER,
            Decision.ADMISSION,
            Decision.COMPOSITION,
            Decision.VICTIM_SELECTION,
            Decision.BATCH_PLANNING)) {
      assertThat(ids)
          .as("every %s takes part", decision)
          .containsAll(REGISTRY.providers(decision).stream().map(PolicyProvider::id).toList());
    }
  }

  /**
   * A prefill cut to all but its last token was taken for a whole one, and two yielded for ever.
   */
  @Test
  void aPrefillThatLacksOneTokenIsNotBegunAnewForEver() {
    run(
        make(
            "compose:order=fcfs,admission=slice,composition=(preemptive:refused=skip),"
                + "preemption=skip-join-mlfq,planning=virtual-queue"),
        800_933_008);
  }

  /** One workload on one engine, both small enough to meet their limits often. */
  private static void run(BatchingPolicy<?> policy, long seed) {
    RandomSource random = RandomSource.seeded(seed);
    int blocks = 5 + random.nextInt(14);
    Run.Setup setup =
        Run.with(policy)
            .pool(blocks, 1 + random.nextInt(4))
            .host(random.nextInt(2) * blocks)
            .limits(
                1 + random.nextInt(5),
                random.nextInt(2) == 0 ? Integer.MAX_VALUE : 14 + random.nextInt(10))
            .depth(1 + random.nextInt(2))
            .iterationNanos(random.nextInt(2) == 0 ? 20_000_000 : 200_000_000);
    if (random.nextInt(2) == 0) {
      setup.prefixCaching();
    }
    if (random.nextInt(3) == 0) {
      setup.cancelling(random.nextInt(1000));
    }
    List<Job> jobs = new ArrayList<>();
    for (int i = 0, count = 1 + random.nextInt(14); i < count; i++) {
      int output = 1 + random.nextInt(9);
      Job job =
          new Job(
              "r" + (char) ('a' + i * 5 % 26) + i,
              random.nextInt(8),
              1 + random.nextInt(14),
              output,
              output + random.nextInt(4),
              random.nextInt(3),
              "t" + random.nextInt(3),
              random.nextInt(13));
      jobs.add(
          (random.nextInt(3) == 0 ? job.inLane(1_000_000) : job).withShared(random.nextInt(10)));
    }
    setup.run(jobs);
  }

  private static BatchingPolicy<?> make(String product) {
    return REGISTRY.create(Decision.BATCHING, product, BatchingPolicy.class);
  }

  /**
   * Goes through all pairs of values of two roles; for each one not covered yet, takes the product
   * that covers most new pairs out of some random completions, or the first that is not refused.
   */
  private static List<String> coveringProducts(RandomSource random, List<Refusal> refusals) {
    List<String> names = List.copyOf(ROLES.keySet());
    Map<List<String>, String> reasons = new LinkedHashMap<>();
    Set<String> covered = new LinkedHashSet<>();
    List<String> products = new ArrayList<>();
    for (int a = 0; a < names.size(); a++) {
      for (int b = a + 1; b < names.size(); b++) {
        for (String valueA : ROLES.get(names.get(a))) {
          for (String valueB : ROLES.get(names.get(b))) {
            if (covered.contains(pair(a, valueA, b, valueB))) {
              continue;
            }
            List<String> best = null;
            int most = 0;
            for (List<String> values : completions(names, a, valueA, b, valueB, random)) {
              if (best != null && most > 0 && reasons.containsKey(values)) {
                continue;
              }
              String reason = reasons.computeIfAbsent(values, v -> refusal(names, v));
              int gain = reason.isEmpty() ? gain(values, covered) : 0;
              if (gain > most) {
                most = gain;
                best = values;
              }
            }
            if (best != null) {
              pairs(best).forEach(covered::add);
              products.add(product(names, best));
            }
          }
        }
      }
    }
    reasons.forEach(
        (values, reason) -> {
          if (!reason.isEmpty()) {
            refusals.add(new Refusal(product(names, values), reason));
          }
        });
    return products;
  }

  /** Random completions of a pair first, then, in case all of those are refused, all others. */
  private static List<List<String>> completions(
      List<String> names, int a, String valueA, int b, String valueB, RandomSource random) {
    List<List<String>> sampled = new ArrayList<>();
    for (int i = 0; i < SAMPLES; i++) {
      List<String> values = new ArrayList<>();
      for (int role = 0; role < names.size(); role++) {
        List<String> all = ROLES.get(names.get(role));
        values.add(role == a ? valueA : role == b ? valueB : all.get(random.nextInt(all.size())));
      }
      sampled.add(values);
    }
    boolean anyWorks = sampled.stream().anyMatch(values -> refusal(names, values).isEmpty());
    if (anyWorks) {
      return sampled;
    }
    List<List<String>> all = List.of(List.of());
    for (int role = 0; role < names.size(); role++) {
      List<List<String>> longer = new ArrayList<>();
      for (List<String> start : all) {
        List<String> next =
            role == a ? List.of(valueA) : role == b ? List.of(valueB) : refusable(names.get(role));
        for (String value : next) {
          List<String> values = new ArrayList<>(start);
          values.add(value);
          longer.add(values);
        }
      }
      all = longer;
    }
    return all;
  }

  /** Of orders and planners, few values matter to refusals: the batch lane's, and none. */
  private static List<String> refusable(String name) {
    List<String> all = ROLES.get(name);
    if (name.equals("planning")) {
      return List.of(NONE);
    }
    return name.equals("order") ? List.of("fcfs", "lane") : all;
  }

  private static String refusal(List<String> names, List<String> values) {
    try {
      make(product(names, values));
      return "";
    } catch (IllegalArgumentException e) {
      return String.valueOf(e.getMessage());
    }
  }

  private static String product(List<String> names, List<String> values) {
    List<String> arguments = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      arguments.add(names.get(i) + "=" + values.get(i));
    }
    return "compose:" + String.join(",", arguments);
  }

  private static int gain(List<String> values, Set<String> covered) {
    int gain = 0;
    for (String pair : pairs(values)) {
      gain += covered.contains(pair) ? 0 : 1;
    }
    return gain;
  }

  private static List<String> pairs(List<String> values) {
    List<String> pairs = new ArrayList<>();
    for (int a = 0; a < values.size(); a++) {
      for (int b = a + 1; b < values.size(); b++) {
        pairs.add(pair(a, values.get(a), b, values.get(b)));
      }
    }
    return pairs;
  }

  private static String pair(int a, String valueA, int b, String valueB) {
    return a + valueA + "|" + b + valueB;
  }
}
