package io.headway.routing.moe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headway.api.RandomSource;
import io.headway.api.config.Parameter;
import io.headway.api.config.PolicyProvider;
import io.headway.api.config.PolicySpec;
import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.RouterTrait;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.ShrinkingMode;
import org.junit.jupiter.api.Test;

/**
 * The contract and every claimed law, with each parameter of each registered router at its least,
 * its greatest and odd values, in any combination. A combination or shape that a router does not
 * take must be refused by an {@link IllegalArgumentException}.
 */
class RouterSettingsTest {
  private static final String SEED = "20261201";
  private static final List<PolicyProvider> ROUTERS = new ExpertRouters().providers();
  private static final int[] TOKENS = {0, 1, 2, 3, 6, 8, 12, 16, 24, 33};
  private static final int[] EXPERTS = {1, 2, 3, 4, 5, 8, 12, 16, 17, 20};

  /** Counts that mostly have to fit the shape, so any value would mostly be refused. */
  private static final Set<String> FITTED =
      Set.of("topK", "devices", "maxDevices", "maxGroups", "stages", "coldTopK", "tokenCap");

  private static final double[] ODD = {0, 1e-3, 0.3, 0.5, 1, 1.5, 2, -0.5, -1};

  @Provide
  Arbitrary<PolicyProvider> routers() {
    return Arbitraries.of(ROUTERS);
  }

  @Property(tries = 2500, seed = SEED, shrinking = ShrinkingMode.OFF)
  void contractAndClaimsHoldWhateverTheSettings(
      @ForAll("routers") PolicyProvider provider, @ForAll long seed) {
    Random random = new Random(seed);
    int tokens = TOKENS[random.nextInt(TOKENS.length)];
    int experts = EXPERTS[random.nextInt(EXPERTS.length)];
    Map<String, String> settings = new TreeMap<>();
    for (Parameter parameter : provider.parameters().list()) {
      boolean fitted = FITTED.contains(parameter.name()) || parameter.name().equals("groups");
      if (fitted || random.nextInt(3) == 0) {
        settings.put(parameter.name(), value(parameter, random, tokens, experts));
      }
    }
    double[] logits =
        random.nextInt(4) == 0
            ? Batches.coarse(seed, tokens, experts)
            : Batches.logits(seed, tokens, experts);
    int kind = random.nextInt(4);
    for (int i = 0; i < logits.length; i++) {
      if (kind == 0) {
        logits[i] *= 300;
      } else if (kind == 1 && i % experts != i / experts % experts && random.nextInt(3) == 0) {
        logits[i] = Double.NEGATIVE_INFINITY;
      }
    }
    Trial one = new Trial(provider, settings, logits, tokens, experts, seed);
    ExpertAssignments out;
    try {
      out = one.route(one.router(settings), logits, tokens);
    } catch (IllegalArgumentException e) {
      // Anything else that is thrown fails the test.
      assertThat(e).hasMessageContaining("must").hasMessageNotContainingAny("null", "@");
      return;
    }
    one.contract(out);
    boolean distinct = Arrays.stream(logits).distinct().count() == logits.length;
    one.claims(out, kind == 1, distinct && kind > 1 && experts > 1, random);
  }

  private static String value(Parameter parameter, Random random, int tokens, int experts) {
    switch (parameter.type()) {
      case BOOLEAN -> {
        return Boolean.toString(random.nextBoolean());
      }
      case CHOICE -> {
        return parameter.choices().get(random.nextInt(parameter.choices().size()));
      }
      case LONG -> {
        return Long.toString(random.nextLong());
      }
      case INT -> {
        return Integer.toString(whole(parameter, random, tokens, experts));
      }
      case DOUBLE -> {
        double odd =
            switch (random.nextInt(6)) {
              case 0 -> parameter.minimum();
              case 1 -> parameter.maximum();
              default -> ODD[random.nextInt(ODD.length)];
            };
        return Double.toString(Math.max(parameter.minimum(), Math.min(parameter.maximum(), odd)));
      }
      default -> throw new AssertionError("no values for " + parameter);
    }
  }

  private static int whole(Parameter parameter, Random random, int tokens, int experts) {
    int least = (int) parameter.minimum();
    int most = (int) Math.min(parameter.maximum(), Integer.MAX_VALUE);
    if (parameter.name().equals("iterations")) {
      return 1 + random.nextInt(40); // The greatest value takes as long as it says.
    }
    if (random.nextInt(8) > 0) {
      if (parameter.name().equals("groups") || parameter.name().equals("devices")) {
        return (parameter.name().equals("groups") ? tokens : experts) % 2 == 0 ? 2 : 1;
      }
      if (FITTED.contains(parameter.name())) {
        return least + random.nextInt(experts - least + 1);
      }
    }
    int[] odd = {least, least + 1, least + 2, 1, 3, experts, most};
    return Math.max(least, Math.min(most, odd[random.nextInt(odd.length)]));
  }

  @Test
  void sumsThatLeaveNothingOutRankNobody() {
    // Every sum is 1; by how it rounds, tokens would be served in another order than their own.
    double[] rows = Batches.logits(407, 33, 3);
    for (String order : List.of("sum", "none")) {
      Trial one =
          new Trial(
              provider("vmoe"),
              Map.of("topK", "3", "priority", order, "slots", "4"),
              rows,
              33,
              3,
              1);
      assertThat(Trial.pairs(one.route(one.router(one.settings), rows, 33), 33))
          .hasSize(12)
          .allMatch(pair -> pair.get(0) < 12);
    }
  }

  @Test
  void groupsAreBoundedEvenForBatchesWithoutTokens() {
    for (String id : List.of("gshard-top2", "glam", "gshard-top2-mesh-tf")) {
      Trial none = new Trial(provider(id), Map.of("groups", "65536"), new double[0], 0, 2, 1);
      assertThat(none.route(none.router(none.settings), none.logits, 0).pairCount()).isZero();
      assertThatThrownBy(() -> none.router(Map.of("groups", "65537")))
          .hasMessageContaining("groups must be a whole number from 1 to 65536 groups");
    }
    assertThatThrownBy(() -> new GShardRouter.Config(CapacityRule.unlimited(), 65_537))
        .hasMessage("groups must lie in 1..65536 groups, but was 65537");
  }

  @Test
  void aHugeCapacityHasNothingToRecycle() {
    Trial huge =
        new Trial(
            provider("hunyuan-recycle"),
            Map.of("slots", Integer.toString(Integer.MAX_VALUE - 1)),
            Batches.logits(3, 9, 4),
            9,
            4,
            1);
    huge.contract(huge.route(huge.router(huge.settings()), huge.logits(), 9));
    assertThatThrownBy(
            () ->
                Batches.route(
                    huge.router(huge.settings()),
                    new RouterInput().logits(huge.logits(), 9, 4).permutation(new int[] {0})))
        .hasMessage("permutation must have one entry per free slot, 8589934575, but had 1");
  }

  @Test
  void devicesMustNotOutnumberExperts() {
    Trial many =
        new Trial(
            provider("deepseek-moe"),
            Map.of("devices", "2147483647", "topK", "1"),
            Batches.logits(3, 2, 4),
            2,
            4,
            1);
    assertThatThrownBy(() -> many.route(many.router(many.settings()), many.logits(), 2))
        .hasMessage("devices must be at most the 4 experts, but was 2147483647");
  }

  private static PolicyProvider provider(String id) {
    return ROUTERS.stream().filter(p -> p.id().equals(id)).findFirst().orElseThrow();
  }

  /** A router with settings, and a batch for it. */
  private record Trial(
      PolicyProvider provider,
      Map<String, String> settings,
      double[] logits,
      int tokens,
      int experts,
      long seed) {
    private ExpertRouter<?> router(Map<String, String> with) {
      PolicySpec spec = PolicySpec.parse(provider.id());
      for (Map.Entry<String, String> setting : with.entrySet()) {
        spec = spec.withDefault(setting.getKey(), setting.getValue());
      }
      return (ExpertRouter<?>) provider.create(spec);
    }

    private ExpertAssignments route(ExpertRouter<?> router, double[] rows, int count) {
      long[] ids = new long[count];
      for (int t = 0; t < count; t++) {
        ids[t] = Double.doubleToLongBits(rows[t * experts]);
      }
      return Batches.route(
          router,
          new RouterInput()
              .logits(rows, count, experts)
              .tokenIds(ids)
              .random(RandomSource.seeded(seed)));
    }

    private void contract(ExpertAssignments out) {
      ExpertRouter<?> router = router(settings);
      int groups =
          provider.parameters().has("maxGroups")
              ? 1
              : Integer.parseInt(settings.getOrDefault("groups", "1"));
      int[] load = new int[experts];
      boolean[] routed = new boolean[tokens];
      Set<List<Integer>> pairs = new HashSet<>();
      Set<List<Integer>> ranks = new HashSet<>();
      Set<List<Integer>> slots = new HashSet<>();
      for (int i = 0; i < out.pairCount(); i++) {
        int t = out.token(i);
        assertThat(pairs.add(List.of(t, out.expert(i)))).as("%s: a pair once", this).isTrue();
        assertThat(out.rank(i) < 0 || ranks.add(List.of(t, out.rank(i))))
            .as("a rank once")
            .isTrue();
        assertThat(out.gate(i)).as(toString()).isFinite();
        if (!router.traits().contains(RouterTrait.RAW_GATES)) {
          assertThat(out.gate(i)).as(toString()).isNotNegative();
        }
        if (out.slot(i) != ExpertAssignments.NO_SLOT) {
          assertThat(out.slot(i)).as(toString()).isBetween(0, out.capacitySlots() - 1);
          int group = (int) ((long) t * groups / tokens);
          assertThat(slots.add(List.of(group, out.expert(i), out.slot(i))))
              .as("%s: a slot once", this)
              .isTrue();
        }
        load[out.expert(i)]++;
        routed[t] = true;
      }
      for (int i = 0; i < out.dropCount(); i++) {
        assertThat(ranks.add(List.of(out.dropToken(i), out.dropRank(i))))
            .as("%s: each choice is kept or dropped once", this)
            .isTrue();
      }
      assertThat(Arrays.copyOf(out.loads(), experts)).as(toString()).isEqualTo(load);
      int unrouted = 0;
      for (int t = 0; t < tokens; t++) {
        assertThat(out.isUnrouted(t)).as(toString()).isEqualTo(!routed[t]);
        unrouted += routed[t] ? 0 : 1;
      }
      assertThat(out.unroutedCount()).as(toString()).isEqualTo(unrouted);
      assertThat(Batches.show(route(router, logits, tokens)))
          .as("%s: equal inputs and draws, equal decisions", this)
          .isEqualTo(Batches.show(out));
    }

    private void claims(ExpertAssignments out, boolean masked, boolean distinct, Random random) {
      ExpertRouter<?> router = router(settings);
      Set<RouterTrait> traits = router.traits();
      if (traits.contains(RouterTrait.DROPLESS)) {
        assertThat(out.dropCount()).as(toString()).isZero();
      }
      if (traits.contains(RouterTrait.EXACT_BALANCE) && tokens % experts == 0 && !masked) {
        assertThat(Arrays.stream(out.loads(), 0, experts).distinct().count())
            .as(toString())
            .isEqualTo(1);
      }
      // Whoever is given every expert has the same sum, 1, as everybody else.
      boolean sumsTie =
          settings.getOrDefault("topK", "").equals(Integer.toString(experts))
              && settings.values().stream().anyMatch(value -> value.endsWith("sum"));
      if (distinct && !sumsTie && traits.contains(RouterTrait.PERMUTATION_EQUIVARIANT)) {
        double[] reversed = new double[logits.length];
        for (int t = 0; t < tokens; t++) {
          System.arraycopy(logits, t * experts, reversed, (tokens - 1 - t) * experts, experts);
        }
        Set<List<Integer>> mirrored = new HashSet<>();
        for (List<Integer> pair : pairs(out, tokens)) {
          mirrored.add(List.of(tokens - 1 - pair.get(0), pair.get(1), pair.get(2)));
        }
        assertThat(pairs(route(router, reversed, tokens), tokens))
            .as(toString())
            .isEqualTo(mirrored);
      }
      if (distinct && traits.contains(RouterTrait.ROW_SHIFT_INVARIANT)) {
        double[] shifted = logits.clone();
        for (int i = 0; i < shifted.length; i++) {
          shifted[i] += i / experts % 3 * 1.5;
        }
        assertThat(pairs(route(router, shifted, tokens), tokens))
            .as(toString())
            .isEqualTo(pairs(out, tokens));
      }
      int kept = tokens / 2;
      if (traits.contains(RouterTrait.BATCH_INVARIANT)) {
        double[] others = Batches.logits(~seed, tokens, experts);
        System.arraycopy(logits, 0, others, 0, kept * experts);
        assertThat(pairs(route(router, others, tokens), kept))
            .as(toString())
            .isEqualTo(pairs(out, kept));
      }
      boolean fixed =
          out.capacitySlots() == CapacityRule.UNLIMITED_SLOTS
              || !settings.getOrDefault("slots", "-1").equals("-1");
      if (fixed && traits.contains(RouterTrait.PREFIX_STABLE)) {
        double[] prefix = Arrays.copyOf(logits, kept * experts);
        assertThat(pairs(route(router, prefix, kept), kept))
            .as(toString())
            .isEqualTo(pairs(out, kept));
      }
      if (traits.contains(RouterTrait.CAPACITY_MONOTONE)
          && provider.parameters().has("slots")
          && out.capacitySlots() < Integer.MAX_VALUE - 4) {
        Map<String, String> more = new TreeMap<>(settings);
        more.put("slots", Integer.toString(out.capacitySlots() + 1 + random.nextInt(3)));
        assertThat(pairs(route(router(more), logits, tokens), tokens))
            .as(toString())
            .containsAll(pairs(out, tokens));
      }
    }

    /** Token, rank and expert of the pairs of the first tokens. */
    static Set<List<Integer>> pairs(ExpertAssignments out, int tokens) {
      Set<List<Integer>> pairs = new HashSet<>();
      for (int i = 0; i < out.pairCount(); i++) {
        if (out.token(i) < tokens) {
          pairs.add(List.of(out.token(i), out.rank(i), out.expert(i)));
        }
      }
      return pairs;
    }

    @Override
    public String toString() {
      return provider.id()
          + settings
          + " with "
          + tokens
          + " tokens, "
          + experts
          + " experts, seed "
          + seed;
    }
  }
}
