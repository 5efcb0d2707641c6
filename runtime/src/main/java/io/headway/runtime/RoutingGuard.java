package io.headway.runtime;

import io.headway.api.Role;
import io.headway.api.routing.RejectCode;

/**
 * Decides when a custom routing policy has failed: the instance with the fewest requests, among
 * equals the one left alone the longest; without a MIXED instance, one for prompts and one for
 * decodes. Keeps nothing, so it can take over at any moment.
 */
final class RoutingGuard {
  static final String ID = "guard";

  private RoutingGuard() {}

  static void route(Candidates view, RouteBuffer draft) {
    int mixed = least(view, Role.MIXED);
    if (mixed >= 0) {
      draft.accept(mixed);
      return;
    }
    int prefill = least(view, Role.PREFILL);
    int decode = least(view, Role.DECODE);
    if (prefill >= 0 && decode >= 0) {
      draft.accept(prefill, decode);
    } else {
      draft.reject(RejectCode.NO_CANDIDATE, "no instance for one of the roles", 0);
    }
  }

  private static int least(Candidates view, Role role) {
    int best = -1;
    for (int i = 0; i < view.size(); i++) {
      Member member = view.member(i);
      if (member.role() == role && (best < 0 || precedes(member, view.member(best)))) {
        best = i;
      }
    }
    return best;
  }

  private static boolean precedes(Member later, Member best) {
    return later.requests() != best.requests()
        ? later.requests() < best.requests()
        : later.lastRouted() < best.lastRouted();
  }
}
