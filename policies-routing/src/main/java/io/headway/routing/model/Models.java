package io.headway.routing.model;

import io.headway.api.Request;
import io.headway.api.routing.ModelSelector.ModelDraft;
import io.headway.api.routing.ModelSelector.ModelView;
import io.headway.api.routing.RejectCode;

/** What all selectors ask of a model. */
final class Models {
  private Models() {}

  /** Prompt and largest output fit the context. */
  static boolean fits(Request request, ModelView view, int model) {
    return (long) request.promptTokens() + request.maxNewTokens() <= view.contextTokens(model);
  }

  /** The request fits, its capabilities are there and the tenant is entitled. */
  static boolean usable(Request request, ModelView view, int model) {
    return fits(request, view, model) && view.admits(model, request);
  }

  /** Returns the first usable model from an index on, or -1. */
  static int firstUsable(Request request, ModelView view, int from) {
    for (int m = from; m < view.size(); m++) {
      if (usable(request, view, m)) {
        return m;
      }
    }
    return -1;
  }

  /** Turns a request away that no model can serve, and says why. */
  static void rejectUnusable(Request request, ModelView view, ModelDraft draft) {
    boolean fits = false;
    for (int m = 0; m < view.size() && !fits; m++) {
      fits = fits(request, view, m);
    }
    draft.reject(fits ? RejectCode.NO_CANDIDATE : RejectCode.NEVER_FITS);
  }
}
