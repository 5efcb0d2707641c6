package io.headway.batching.composition;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.batching.AdmissionTest;
import io.headway.api.batching.BatchComposer;
import io.headway.api.batching.QueueOrder;
import io.headway.api.batching.VictimSelector;
import io.headway.batching.admission.PaddedBatchAdmission;
import org.jspecify.annotations.Nullable;

/**
 * Makes a batching policy out of an order, an admission test, a composition and a rule of
 * preemption. For example VTC's fair order with Sarathi-Serve's composition:
 *
 * <pre>{@code
 * var policy =
 *     Batching.order(FairShareOrder.of(new VtcLedger(VtcParameters.DEFAULT)))
 *         .admission(new WholePromptAdmission(0.01))
 *         .composition(new StallFreeComposer(512))
 *         .preemption(new LastCandidate())
 *         .build();
 * }</pre>
 *
 * <p>Combinations that cannot work are refused by {@link Builder#build}: an admission test that may
 * run out of memory without anybody to preempt; a victim selector that nobody would ever ask; a
 * composition that preempts for its order without a victim selector; a padded batch that others
 * could join.
 */
public final class Batching {
  private Batching() {}

  /**
   * Starts with the order of the queue.
   *
   * @param order who is next
   * @return a builder that still needs an admission test and a composition
   */
  public static Builder order(QueueOrder<?> order) {
    return new Builder(requireNonNull(order, "order"));
  }

  /** Collects the parts; not thread-safe. */
  public static final class Builder {
    private final QueueOrder<?> order;
    private String id = "composed";
    private @Nullable AdmissionTest<?> admission;
    private @Nullable BatchComposer<?> composition;
    private @Nullable VictimSelector<?> victims;

    private Builder(QueueOrder<?> order) {
      this.order = order;
    }

    /**
     * Sets who may start and how much memory a sequence takes from the start.
     *
     * @param test the admission test
     * @return this builder
     */
    public Builder admission(AdmissionTest<?> test) {
      admission = requireNonNull(test, "admission");
      return this;
    }

    /**
     * Sets which tokens run.
     *
     * @param composer the composition
     * @return this builder
     */
    public Builder composition(BatchComposer<?> composer) {
      composition = requireNonNull(composer, "composition");
      return this;
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
     * Names the policy; {@code composed} by default.
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
     * @throws IllegalStateException if the admission test or the composition is missing
     * @throws IllegalArgumentException if the parts cannot work together, saying why
     */
    public ComposedBatchingPolicy build() {
      if (admission == null || composition == null) {
        throw new IllegalStateException(
            "a batching policy needs an admission test and a composition; "
                + (admission == null ? "admission" : "composition")
                + " is missing");
      }
      check(admission, composition);
      return ComposedBatchingPolicy.of(id, order, admission, composition, victims);
    }

    private void check(AdmissionTest<?> test, BatchComposer<?> composer) {
      boolean neverShort = test.claims().bound(Claims.Bound.PREEMPTIONS_PER_REQUEST).orElse(1) == 0;
      boolean preemptsForOrder = composer instanceof PreemptsForOrder;
      if (victims == null && !neverShort) {
        throw refused(
            "admission '"
                + test.id()
                + "' does not reserve memory for the whole output, so blocks can run out: add"
                + " preemption, or reserve the whole output");
      }
      if (victims == null && preemptsForOrder) {
        throw refused(
            "composition '"
                + composer.id()
                + "' preempts whom the order puts behind others: add preemption");
      }
      if (victims != null && neverShort && composer instanceof PreemptsOnShortage) {
        throw refused(
            "preemption '"
                + victims.id()
                + "' would never be asked, since admission '"
                + test.id()
                + "' reserves memory for the whole output: leave one of them out");
      }
      if (test instanceof PaddedBatchAdmission && !(composer instanceof RunToCompletionComposer)) {
        throw refused(
            "admission '"
                + test.id()
                + "' sizes one batch that nobody joins later, but composition '"
                + composer.id()
                + "' admits while others run: use composition 'run-to-completion'");
      }
    }

    private static IllegalArgumentException refused(String why) {
      return new IllegalArgumentException("batching policy makes no sense: " + why);
    }
  }
}
