package io.headway.examples.firstpolicy;

import io.headway.api.Request;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.RouteDraft;
import io.headway.api.routing.RoutingPolicy;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Sends a session where it went last, as long as that instance is a candidate, and everybody else
 * to the instance with the fewest requests. Remembers the most recent sessions.
 *
 * <p>O(instances) per request. Thread-safe; the state is single-threaded.
 */
public final class StickyRouting implements RoutingPolicy<Map<String, String>> {
  private static final int MAX_SESSIONS = 10_000;

  /** Makes the policy. */
  public StickyRouting() {}

  @Override
  public String id() {
    return "sticky";
  }

  @Override
  public Map<String, String> newState() {
    return new LinkedHashMap<>(16, 0.75f, true) {
      private static final long serialVersionUID = 1;

      @Override
      protected boolean removeEldestEntry(Map.Entry<String, String> eldest) {
        return size() > MAX_SESSIONS;
      }
    };
  }

  @Override
  public Map<String, String> copyOf(Map<String, String> state) {
    Map<String, String> copy = newState();
    copy.putAll(state);
    return copy;
  }

  @Override
  public void route(
      Map<String, String> state, Request request, ClusterView view, RouteDraft draft) {
    int chosen = -1;
    String last = state.getOrDefault(request.session(), "");
    for (int i = 0; i < view.size() && chosen < 0; i++) {
      chosen = view.instance(i).id().equals(last) ? i : -1;
    }
    if (chosen < 0) {
      chosen = 0;
      for (int i = 1; i < view.size(); i++) {
        if (view.instance(i).requests() < view.instance(chosen).requests()) {
          chosen = i;
        }
      }
    }
    if (!request.session().isEmpty()) {
      state.put(request.session(), view.instance(chosen).id());
    }
    draft.accept(chosen);
  }
}
