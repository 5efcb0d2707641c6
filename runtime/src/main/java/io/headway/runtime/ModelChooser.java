package io.headway.runtime;

import io.headway.api.Invariant;
import io.headway.api.PolicyViolationException;
import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.routing.ModelSelector;
import io.headway.api.routing.RejectCode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Lets a {@link ModelSelector} choose among the models that the instances of a cluster serve. It
 * only chooses: the request is then routed under the model's name.
 *
 * <p>A model is admitted if the {@link ModelJudge} says so and an instance that is ready or
 * starting serves it and can hold the request; it is saturated while none that is ready has room
 * (see {@link InstanceProfile#maxInFlight}). Prices, contexts and parameters are those of the
 * offers. What the cluster looks like may change before the request is routed; it is then queued or
 * turned away there.
 *
 * <p>There is no guard: a selector that throws or decides nothing costs one {@link
 * PolicyViolationException} and gets fresh state. Safe for any number of threads; one choice at a
 * time. Cost of a question: O(instances).
 */
public final class ModelChooser {
  private final ReentrantLock lock = new ReentrantLock();
  private final Bound<?> bound;

  /**
   * Makes a chooser.
   *
   * @param selector the policy, with fresh state
   * @param cluster whose instances serve the models
   * @param offers the models, at least one, cheapest first, each name once
   * @param judge what is known about requests
   * @param random owned by this chooser from now on
   * @throws IllegalArgumentException if there is no offer, a name occurs twice or prices descend
   */
  public ModelChooser(
      ModelSelector<?> selector,
      ClusterScheduler cluster,
      List<ModelOffer> offers,
      ModelJudge judge,
      RandomSource random) {
    Check.notNull("selector", selector);
    View view =
        new View(
            Check.notNull("cluster", cluster),
            List.copyOf(offers),
            Check.notNull("judge", judge),
            Check.notNull("random", random));
    bound = new Bound<>(selector, view);
  }

  /**
   * Chooses the model, or the first step of a cascade.
   *
   * @param request the request; its own {@link Request#model} is not looked at
   * @param nowNanos the cluster's clock
   * @return which model, or why none
   * @throws PolicyViolationException if the selector throws or decides nothing
   */
  public ModelChoice choose(Request request, long nowNanos) {
    Check.notNull("request", request);
    lock.lock();
    try {
      return bound.choose(request, nowNanos);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Chooses the next step of a cascade after a model answered.
   *
   * @param request the request
   * @param answered name of the model that answered
   * @param confidence its confidence, 0 to 1
   * @param nowNanos the cluster's clock
   * @return the next model's name; empty to keep the answer
   * @throws IllegalArgumentException if the model was never offered
   * @throws PolicyViolationException if the selector throws or names a model that does not exist
   */
  public String escalate(Request request, String answered, double confidence, long nowNanos) {
    Check.notNull("request", request);
    Check.notNull("answered", answered);
    lock.lock();
    try {
      return bound.escalate(request, answered, confidence, nowNanos);
    } finally {
      lock.unlock();
    }
  }

  /** A selector with its state. */
  private static final class Bound<S> {
    private final ModelSelector<S> selector;
    private final View view;
    private final Draft draft;
    private S state;

    Bound(ModelSelector<S> selector, View view) {
      this.selector = selector;
      this.view = view;
      draft = new Draft(view.offers);
      state = selector.newState();
    }

    ModelChoice choose(Request request, long nowNanos) {
      view.nowNanos = nowNanos;
      draft.reset();
      try {
        selector.choose(state, request, view, draft);
      } catch (RuntimeException e) {
        throw fault(request, "it threw " + e, e);
      }
      if (draft.kind == null) {
        throw fault(request, "it decided nothing", null);
      }
      return new ModelChoice(draft.kind, draft.model, draft.rule, draft.code);
    }

    String escalate(Request request, String answered, double confidence, long nowNanos) {
      int model = view.indexOf(answered);
      view.nowNanos = nowNanos;
      try {
        int next = selector.escalate(state, request, view, model, confidence);
        return next == ModelSelector.NONE ? "" : draft.name(next);
      } catch (RuntimeException e) {
        throw fault(request, "it threw " + e, e);
      }
    }

    private PolicyViolationException fault(
        Request request, String what, @Nullable RuntimeException cause) {
      state = selector.newState();
      return cause == null
          ? new PolicyViolationException(selector.id(), Invariant.INV_02, request.id(), what)
          : new PolicyViolationException(
              selector.id(), Invariant.INV_02, request.id(), what, cause);
    }
  }

  /** The models as the cluster's instances serve them. */
  private static final class View implements ModelSelector.ModelView {
    private final ClusterScheduler cluster;
    private final List<ModelOffer> offers;
    private final ModelJudge judge;
    private final RandomSource random;
    private long nowNanos;

    View(ClusterScheduler cluster, List<ModelOffer> offers, ModelJudge judge, RandomSource random) {
      this.cluster = cluster;
      this.offers = offers;
      this.judge = judge;
      this.random = random;
      Check.atLeast("number of offers", offers.size(), 1, "model");
      Set<String> names = new HashSet<>();
      for (int i = 0; i < offers.size(); i++) {
        ModelOffer offer = offers.get(i);
        if (!names.add(offer.name())) {
          throw new IllegalArgumentException(
              "offers must name each model once, but '" + offer.name() + "' occurs twice");
        }
        if (i > 0 && offer.price() < offers.get(i - 1).price()) {
          throw new IllegalArgumentException(
              "offers must be in order of price, but '"
                  + offer.name()
                  + "' at "
                  + offer.price()
                  + " follows "
                  + offers.get(i - 1).price());
        }
      }
    }

    int indexOf(String name) {
      List<String> names = new ArrayList<>();
      for (ModelOffer offer : offers) {
        names.add(offer.name());
      }
      int index = names.indexOf(name);
      if (index < 0) {
        throw new IllegalArgumentException(
            "answered must be one of " + names + ", but was '" + name + "'");
      }
      return index;
    }

    @Override
    public long nowNanos() {
      return nowNanos;
    }

    @Override
    public RandomSource random() {
      return random;
    }

    @Override
    public int size() {
      return offers.size();
    }

    @Override
    public String name(int model) {
      return offers.get(model).name();
    }

    @Override
    public long activatedParameters(int model) {
      return offers.get(model).activatedParameters();
    }

    @Override
    public int contextTokens(int model) {
      return offers.get(model).contextTokens();
    }

    @Override
    public double quality(int model, Request request) {
      return judge.quality(model, request);
    }

    @Override
    public double price(int model) {
      return offers.get(model).price();
    }

    @Override
    public boolean admits(int model, Request request) {
      return judge.admits(model, request)
          && cluster.serves(offers.get(model).name(), request, nowNanos);
    }

    @Override
    public boolean saturated(int model) {
      return !cluster.hasRoom(offers.get(model).name(), nowNanos);
    }

    @Override
    public double qualityFloor(Request request) {
      return judge.qualityFloor(request);
    }

    @Override
    public double priceBudget(Request request) {
      return judge.priceBudget(request);
    }

    @Override
    public double winProbability(Request request) {
      return judge.winProbability(request);
    }
  }

  /** Keeps the last answer. */
  private static final class Draft implements ModelSelector.ModelDraft {
    private final List<ModelOffer> offers;
    private RoutePlan.@Nullable Kind kind;
    private String model = "";
    private String rule = "";
    private @Nullable RejectCode code;

    Draft(List<ModelOffer> offers) {
      this.offers = offers;
    }

    void reset() {
      kind = null;
      model = "";
      rule = "";
      code = null;
    }

    String name(int index) {
      Check.range("model", index, 0, offers.size() - 1L, "");
      return offers.get(index).name();
    }

    @Override
    public void accept(int index) {
      model = name(index);
      kind = RoutePlan.Kind.ACCEPT;
      code = null;
    }

    @Override
    public void queue(int index) {
      model = name(index);
      kind = RoutePlan.Kind.QUEUE;
      code = null;
    }

    @Override
    public void reject(RejectCode why) {
      code = Check.notNull("code", why);
      kind = RoutePlan.Kind.REJECT;
      model = "";
    }

    @Override
    public void rule(String text) {
      rule = Check.notNull("rule", text);
    }
  }
}
