package io.headway.routing.model;

import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.routing.ModelSelector;
import io.headway.api.routing.RejectCode;

/**
 * Sends a request to the cheapest tier that will do.
 *
 * <p>A tier is admissible if prompt and largest output fit its context ({@code p + maxNew <=
 * contextTokens}), it can do what is asked and the tenant may use it ({@link ModelView#admits}),
 * and its expected quality is at least the request's floor; an unknown quality is below every floor
 * above 0. The lowest admissible tier is taken. If it is saturated, the next admissible one is
 * taken instead, provided that its price is within the budget and it is not saturated too; else the
 * request waits for the lowest. Without an admissible tier the request is turned away: {@link
 * RejectCode#NEVER_FITS} if it exceeds every context, else {@link RejectCode#NO_CANDIDATE}.
 *
 * <p>Rules named in the draft: {@code lowest}, {@code escalated}, {@code saturated}. Tiers are
 * looked at in the view's order, so there are no ties. Cost: O(tiers). Safe for any number of
 * threads.
 *
 * <p>Product tiers as of Qwen Team, Qwen2.5 Technical Report, 2024 (arXiv 2412.15115), whose hosted
 * models are named by tier; the rule itself is common practice and not from that report.
 */
public final class TierModelSelector implements ModelSelector<Stateless> {
  /** Creates the policy. */
  public TierModelSelector() {}

  @Override
  public String id() {
    return "tier-map";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public void choose(Stateless state, Request request, ModelView view, ModelDraft draft) {
    int lowest = nextAdmissible(request, view, 0);
    if (lowest < 0) {
      Models.rejectUnusable(request, view, draft);
      return;
    }
    if (!view.saturated(lowest)) {
      draft.rule("lowest");
      draft.accept(lowest);
      return;
    }
    int next = nextAdmissible(request, view, lowest + 1);
    if (next >= 0 && view.price(next) <= view.priceBudget(request) && !view.saturated(next)) {
      draft.rule("escalated");
      draft.accept(next);
    } else {
      draft.rule("saturated");
      draft.queue(lowest);
    }
  }

  private static int nextAdmissible(Request request, ModelView view, int from) {
    double floor = view.qualityFloor(request);
    for (int m = from; m < view.size(); m++) {
      if (Models.usable(request, view, m) && (floor <= 0 || view.quality(m, request) >= floor)) {
        return m;
      }
    }
    return NONE;
  }
}
