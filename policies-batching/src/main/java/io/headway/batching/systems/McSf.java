package io.headway.batching.systems;

import static java.util.Objects.requireNonNull;

import io.headway.api.Decision;
import io.headway.api.batching.QueueOrder;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.FutureFitAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.IterationLevelComposer;
import io.headway.batching.order.FirstComeOrder;
import io.headway.batching.order.PredictedRemainingOrder;
import io.headway.batching.preemption.LastCandidate;
import java.util.List;

/**
 * Decides batches as MC-SF does, memory-constrained shortest first: waiting requests by predicted
 * output, the next one starts if everybody fits until the end, and the first that does not ends the
 * admissions; running requests always go on. See {@link FutureFitAdmission}. {@link
 * io.headway.batching.planning.HindsightOptimum} computes what no schedule can beat.
 *
 * <p>If all requests arrive together, prompts are equal, predictions are never too short, and the
 * memory is at least twice the largest request, the total latency is within a constant factor of
 * the optimum; in general no online algorithm is (both theorems of the paper). With {@code order =
 * arrival} this is the paper's MC-Benchmark.
 *
 * <p>Id {@code mc-sf}. arXiv 2502.07115.
 *
 * @param order who is next
 * @param length which output length the memory test counts
 * @param reserveFraction share of the pool left for predictions that are too short, in [0, 1)
 */
public record McSf(Order order, FutureFitAdmission.Length length, double reserveFraction) {
  /** Who is next. */
  public enum Order {
    /** The shortest predicted output. */
    PREDICTED,
    /** The first to arrive: MC-Benchmark. */
    ARRIVAL
  }

  /** The id. */
  public static final String ID = "mc-sf";

  /** Shortest first, by predictions, without reserve. */
  public static final McSf DEFAULT =
      new McSf(Order.PREDICTED, FutureFitAdmission.Length.PREDICTED, 0);

  public McSf {
    requireNonNull(order, "order");
    requireNonNull(length, "length");
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    QueueOrder<?> queue =
        order == Order.PREDICTED
            ? new PredictedRemainingOrder(Integer.MAX_VALUE, 0)
            : new FirstComeOrder();
    Batching.Builder builder =
        Batching.order(queue)
            .admission(new FutureFitAdmission(length, reserveFraction))
            .composition(new IterationLevelComposer())
            .id(ID);
    return length == FutureFitAdmission.Length.DECLARED
        ? builder.build()
        : builder.preemption(new LastCandidate()).build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "Shortest predicted output first, started if everybody fits until the end",
        "MC-SF, arXiv 2502.07115",
        ParameterSet.builder()
            .choice(
                "order",
                "predicted",
                List.of("predicted", "arrival"),
                "who is next; arrival is the paper's MC-Benchmark")
            .choice(
                "length",
                "predicted",
                List.of("predicted", "declared"),
                "which output length the memory test counts")
            .doubleValue(
                "reserveFraction",
                0,
                0,
                Math.nextDown(1.0),
                "",
                "share of the pool left for predictions that are too short")
            .build(),
        config ->
            new McSf(
                    config.choice("order", Order::valueOf),
                    config.choice("length", FutureFitAdmission.Length::valueOf),
                    config.doubleValue("reserveFraction"))
                .policy());
  }
}
