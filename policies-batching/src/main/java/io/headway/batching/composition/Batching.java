package io.headway.batching.composition;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.batching.AdmissionTest;
import io.headway.api.batching.BatchComposer;
import io.headway.api.batching.BatchPlanner;
import io.headway.api.batching.QueueOrder;
import io.headway.api.batching.VictimSelector;
import io.headway.batching.admission.PaddedBatchAdmission;
import io.headway.batching.order.LaneOrder;
import io.headway.batching.planning.VirtualQueuePlanner;
import org.jspecify.annotations.Nullable;

/**
 * Makes a batching policy out of an order, an admission test, a composition and a rule of
 * preemption. For example VTC's fair order with Sarathi-Serve's admission and composition, a
 * product that nobody has published:
 *
 * <pre>{@code
 * import static io.headway.batching.systems.BatchingParts.*;
 *
 * var policy =
 *     Batching.order(vtc())
 *         .admission(wholePrompt())
 *         .composition(sarathiServe(512))
 *         .preemption(recomputeYoungest())
 *         .build();
 * }</pre>
 *
 * <p>The steps come in this order and none of the first three can be left out: what does not
 * compile is no policy. {@link io.headway.batching.systems.BatchingParts} lists every part of this
 * library; parts of one's own stand beside them. On a command line the same product is {@code
 * compose:order=vtc,composition=sarathi-serve,tokenBudget=512}.
 *
 * <p>Products that cannot work, or in which a part would be without effect, are refused by {@link
 * Builder#build} with the reason:
 *
 * <ol>
 *   <li>an admission test that may run out of memory, without anybody to preempt;
 *   <li>a composition that preempts in favour of the order, without a victim selector;
 *   <li>a victim selector that nobody would ever ask;
 *   <li>a padded batch that others could join;
 *   <li>a composition whose head may evict, with a victim selector that does not know who stands
 *       behind it: two sequences could evict each other for ever;
 *   <li>another composition that preempts in favour of its order, with a victim selector that has
 *       an order of its own and may refuse.
 * </ol>
 */
public final class Batching {
  private Batching() {}

  /**
   * Starts with the order of the queue.
   *
   * @param order who is next
   * @return the step that takes the admission test
   */
  public static Ordered order(QueueOrder<?> order) {
    return new Ordered(requireNonNull(order, "order"));
  }

  /** An order that still needs an admission test. Immutable. */
  public static final class Ordered {
    private final QueueOrder<?> order;

    private Ordered(QueueOrder<?> order) {
      this.order = order;
    }

    /**
     * Sets who may start and how much memory a sequence takes from the start.
     *
     * @param test the admission test
     * @return the step that takes the composition
     */
    public Admitting admission(AdmissionTest<?> test) {
      return new Admitting(order, requireNonNull(test, "admission"));
    }
  }

  /** An order and an admission test that still need a composition. Immutable. */
  public static final class Admitting {
    private final QueueOrder<?> order;
    private final AdmissionTest<?> admission;

    private Admitting(QueueOrder<?> order, AdmissionTest<?> admission) {
      this.order = order;
      this.admission = admission;
    }

    /**
     * Sets which tokens run.
     *
     * @param composer the composition
     * @return a builder that has all it needs
     */
    public Builder composition(BatchComposer<?> composer) {
      return new Builder(order, admission, requireNonNull(composer, "composition"));
    }
  }

  /** Collects what is optional; not thread-safe. */
  public static final class Builder {
    private final QueueOrder<?> order;
    private final AdmissionTest<?> admission;
    private final BatchComposer<?> composition;
    private String id = "compose";
    private @Nullable VictimSelector<?> victims;
    private @Nullable BatchPlanner<?> planner;

    private Builder(QueueOrder<?> order, AdmissionTest<?> admission, BatchComposer<?> composition) {
      this.order = order;
      this.admission = admission;
      this.composition = composition;
    }

    /**
     * Sets who yields when blocks are short, and how; without this call nobody ever does.
     *
     * @param selector the victim selector
     * @return this builder
     */
    public Builder preemption(VictimSelector<?> selector) {
      victims = requireNonNull(selector, "preemption");
      return this;
    }

    /**
     * Sets who plans an order or whole batches once per window, in front of the order of the queue;
     * nobody by default.
     *
     * @param batchPlanner the planner
     * @return this builder
     */
    public Builder planning(BatchPlanner<?> batchPlanner) {
      planner = requireNonNull(batchPlanner, "planning");
      return this;
    }

    /**
     * Names the policy; {@code compose} by default.
     *
     * @param name the id in reports
     * @return this builder
     */
    public Builder id(String name) {
      id = requireNonNull(name, "id");
      return this;
    }

    /**
     * Makes the policy.
     *
     * @return an immutable policy
     * @throws IllegalArgumentException if the parts cannot work together, or one of them would be
     *     without effect, saying why and what would be right
     */
    public ComposedBatchingPolicy build() {
      check();
      checkPromises();
      checkLane();
      checkPlanning();
      return ComposedBatchingPolicy.of(id, order, admission, composition, victims, planner);
    }

    private void check() {
      boolean neverShort =
          admission.claims().bound(Claims.Bound.PREEMPTIONS_PER_REQUEST).orElse(1) == 0;
      if (victims == null && !neverShort) {
        throw refused(
            "admission '"
                + admission.id()
                + "' does not reserve memory for the whole output, so blocks can run out: add"
                + " preemption, or reserve the whole output");
      }
      if (victims == null && composition instanceof PreemptsForOrder) {
        throw refused(
            "composition '"
                + composition.id()
                + "' preempts whom the order puts behind others: add preemption");
      }
      if (victims != null && neverShort && composition instanceof PreemptsOnShortage) {
        throw refused(
            "preemption '"
                + victims.id()
                + "' would never be asked, since admission '"
                + admission.id()
                + "' reserves memory for the whole output: leave one of them out");
      }
      if (admission instanceof PaddedBatchAdmission
          && !(composition instanceof RunToCompletionComposer)) {
        throw refused(
            "admission '"
                + admission.id()
                + "' sizes one batch that nobody joins later, but composition '"
                + composition.id()
                + "' admits while others run: use composition 'run-to-completion'");
      }
      if (composition instanceof EvictingComposer && !(victims instanceof VirtualQueuePlanner)) {
        throw refused(
            "composition '"
                + composition.id()
                + "' lets the head of the queue evict whom the victim selector puts behind it, but"
                + " preemption '"
                + (victims == null ? "none" : victims.id())
                + "' knows no such order: use preemption 'virtual-queue'");
      }
      if (composition instanceof PreemptsForOrder
          && !(composition instanceof EvictingComposer)
          && victims instanceof VirtualQueuePlanner) {
        throw refused(
            "composition '"
                + composition.id()
                + "' preempts whom the order puts behind others, but preemption '"
                + victims.id()
                + "' yields to earlier request groups only: use another preemption");
      }
    }

    private void checkPromises() {
      if (admission instanceof SloTiersComposer && admission != composition) {
        throw refused(
            "admission '"
                + admission.id()
                + "' promises targets that only its own composition keeps, but composition is '"
                + composition.id()
                + "': give the same object to both steps, or the same text to both parts");
      }
    }

    private void checkLane() {
      if (composition instanceof BackfillComposer
          && (!(order instanceof LaneOrder) || planner != null)) {
        throw refused(
            "composition '"
                + composition.id()
                + "' preempts batch work for interactive requests, but "
                + (planner != null
                    ? "planning '" + planner.id() + "'"
                    : "order '" + order.id() + "'")
                + " may put batch work before them, so both would yield for ever: use order 'lane'"
                + " and no planning");
      }
    }

    private void checkPlanning() {
      boolean chooses =
          composition instanceof HarvestComposer || composition instanceof SloTiersComposer;
      if (planner != null && chooses) {
        throw refused(
            "composition '"
                + composition.id()
                + "' decides itself who must start before others, but planning '"
                + planner.id()
                + "' may hold those back: leave planning out");
      }
    }

    private static IllegalArgumentException refused(String why) {
      return new IllegalArgumentException("batching policy makes no sense: " + why);
    }
  }
}
