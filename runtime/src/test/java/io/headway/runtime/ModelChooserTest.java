package io.headway.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.headway.api.PolicyViolationException;
import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.routing.ModelSelector;
import io.headway.api.routing.RejectCode;
import io.headway.routing.model.CascadeSelector;
import io.headway.routing.model.TierModelSelector;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Models are chosen by what the instances of a cluster serve and have room for. */
class ModelChooserTest {
  private static final List<ModelOffer> TIERS =
      List.of(
          new ModelOffer("small", 1_000_000_000L, 4_096, 1),
          new ModelOffer("large", 7_000_000_000L, 4_096, 5));

  private final ClusterScheduler cluster =
      ClusterScheduler.builder().policy(RoutingFixtures.leastRequests()).strict().build();

  private ModelChooser chooser(ModelSelector<?> selector, ModelJudge judge) {
    return new ModelChooser(selector, cluster, TIERS, judge, RandomSource.seeded(0));
  }

  private void up(String id, String model, int maxInFlight) {
    cluster.up(id, 0, RoutingFixtures.MIXED.models(Set.of(model)).maxInFlight(maxInFlight), 0);
  }

  private Ticket route(String id, String model) {
    return cluster.route(Request.builder(id, 8, 4).model(model).build(), 0).ticket();
  }

  @Test
  void saturationOfTheInstancesMovesARequestUpAndThenLetsItWait() {
    ModelChooser tiers = chooser(new TierModelSelector(), ModelJudge.NONE);
    up("s1", "small", 1);
    up("s2", "small", 1);
    up("l1", "large", 1);
    Request request = Request.of("r", 8, 4);
    assertThat(tiers.choose(request, 0))
        .isEqualTo(new ModelChoice(RoutePlan.Kind.ACCEPT, "small", "lowest", null));
    Ticket first = route("a", "small");
    assertThat(tiers.choose(request, 0).model()).isEqualTo("small");
    route("b", "small");
    assertThat(tiers.choose(request, 0))
        .isEqualTo(new ModelChoice(RoutePlan.Kind.ACCEPT, "large", "escalated", null));
    assertThat(route("c", "large").primary()).isEqualTo("l1");
    assertThat(tiers.choose(request, 0))
        .isEqualTo(new ModelChoice(RoutePlan.Kind.QUEUE, "small", "saturated", null));
    first.release(ReleaseCause.COMPLETED, Usage.UNKNOWN, 0);
    assertThat(tiers.choose(request, 0).kind()).isEqualTo(RoutePlan.Kind.ACCEPT);
    cluster.drain("s1", 0, 0);
    assertThat(tiers.choose(request, 0).kind())
        .as("one that drains has no room, but what waits for the model is not hopeless")
        .isEqualTo(RoutePlan.Kind.QUEUE);
  }

  @Test
  void aModelThatNobodyServesOrThatCannotHoldTheRequestIsNotAdmitted() {
    ModelChooser tiers = chooser(new TierModelSelector(), ModelJudge.NONE);
    Request request = Request.of("r", 8, 4);
    assertThat(tiers.choose(request, 0).code()).isEqualTo(RejectCode.NO_CANDIDATE);
    cluster.starting("l1", 0, RoutingFixtures.MIXED.models(Set.of("large")), 0);
    assertThat(tiers.choose(request, 0))
        .isEqualTo(new ModelChoice(RoutePlan.Kind.QUEUE, "large", "saturated", null));
    up("s1", "small", 9);
    assertThat(tiers.choose(request, 0).model()).isEqualTo("small");
    cluster.up("s1", 0, RoutingFixtures.MIXED.models(Set.of("small")).maxContextTokens(10), 0);
    assertThat(tiers.choose(request, 0).model()).as("12 tokens do not fit").isEqualTo("large");
    assertThat(tiers.choose(Request.of("huge", 5_000, 1), 0).code())
        .isEqualTo(RejectCode.NEVER_FITS);
  }

  @Test
  void theJudgeSaysWhatInstancesCannot() {
    up("any", "small", 9);
    up("l1", "large", 9);
    ModelJudge judge =
        new ModelJudge() {
          @Override
          public boolean admits(int model, Request request) {
            return model == 0 || request.tenant().equals("gold");
          }

          @Override
          public double quality(int model, Request request) {
            return model == 0 ? 0.4 : 0.9;
          }

          @Override
          public double qualityFloor(Request request) {
            return 0.5;
          }
        };
    ModelChooser tiers = chooser(new TierModelSelector(), judge);
    assertThat(tiers.choose(Request.builder("r", 8, 4).tenant("gold").build(), 0).model())
        .isEqualTo("large");
    assertThat(tiers.choose(Request.of("r", 8, 4), 0).code()).isEqualTo(RejectCode.NO_CANDIDATE);
  }

  @Test
  void aCascadeGoesOnUntilAModelIsSureEnough() {
    up("s1", "small", 9);
    up("l1", "large", 9);
    ModelChooser cascade = chooser(new CascadeSelector(0.75), ModelJudge.NONE);
    Request request = Request.of("r", 8, 4);
    assertThat(cascade.choose(request, 0).model()).isEqualTo("small");
    assertThat(cascade.escalate(request, "small", 0.8, 1)).isEmpty();
    assertThat(cascade.escalate(request, "small", 0.7, 1)).isEqualTo("large");
    assertThat(cascade.escalate(request, "large", 0.1, 2)).isEmpty();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> cascade.escalate(request, "other", 0.1, 2))
        .withMessage("answered must be one of [small, large], but was 'other'");
  }

  /** Decides as it is told. */
  private record Scripted(int model) implements ModelSelector<Stateless> {
    @Override
    public String id() {
      return "scripted";
    }

    @Override
    public Stateless newState() {
      return Stateless.STATE;
    }

    @Override
    public void choose(Stateless state, Request request, ModelView view, ModelDraft draft) {
      if (model >= 0) {
        draft.accept(model);
      }
    }
  }

  @Test
  void aSelectorThatDecidesNothingOrNonsenseIsAViolation() {
    Request request = Request.of("r", 8, 4);
    assertThatExceptionOfType(PolicyViolationException.class)
        .isThrownBy(() -> chooser(new Scripted(-1), ModelJudge.NONE).choose(request, 0))
        .withMessageContaining("policy 'scripted'")
        .withMessageContaining("it decided nothing");
    assertThatExceptionOfType(PolicyViolationException.class)
        .isThrownBy(() -> chooser(new Scripted(2), ModelJudge.NONE).choose(request, 0))
        .withMessageContaining("model must be");
  }

  @Test
  void offersThatMakeNoSenseAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new ModelOffer("m", 1, 2, -1))
        .withMessage("price must be finite and at least 0, but was -1.0");
    ModelOffer twice = new ModelOffer("m", 1, 2, 1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> offering(List.of(twice, twice)))
        .withMessage("offers must name each model once, but 'm' occurs twice");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> offering(List.of(twice, new ModelOffer("n", 1, 2, 0.5))))
        .withMessage("offers must be in order of price, but 'n' at 0.5 follows 1.0");
    assertThatIllegalArgumentException().isThrownBy(() -> offering(List.of()));
  }

  private void offering(List<ModelOffer> offers) {
    ModelJudge judge = ModelJudge.NONE;
    RandomSource random = RandomSource.seeded(0);
    assertThat(new ModelChooser(new TierModelSelector(), cluster, offers, judge, random)).isNull();
  }
}
