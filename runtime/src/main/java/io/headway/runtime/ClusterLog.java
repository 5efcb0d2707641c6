package io.headway.runtime;

import io.headway.api.Claims;
import io.headway.api.Request;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Writes what a cluster scheduler decides as decision-log records. Guarded by the cluster's lock.
 */
final class ClusterLog {
  private final JsonLine json;

  ClusterLog(DecisionLog log, String policyId, Claims claims) {
    json = new JsonLine(log, "");
    json.begin("CONFIG", 0)
        .number("schema", DecisionLog.SCHEMA)
        .string("routing", policyId)
        .claims(claims)
        .end();
  }

  void accepted(
      Ticket ticket,
      RouteBuffer decision,
      String policyId,
      RouteExplanation.Collector seen,
      PrefixKeys keys,
      long nowNanos) {
    json.begin("ROUTE", nowNanos)
        .string("r", ticket.request().id())
        .string("policy", policyId)
        .string("instance", ticket.primary)
        .number("incarnation", ticket.primaryIncarnation);
    if (!ticket.prefillInstance.isEmpty()) {
      json.string("prefill", ticket.prefillInstance);
    }
    if (!decision.rule.isEmpty()) {
      json.string("rule", decision.rule);
    }
    if (ticket.deadlineNanos != Long.MAX_VALUE) {
      json.number("deadline", ticket.deadlineNanos);
    }
    json.openArray("fallbacks");
    for (Member member : ticket.fallbacks) {
      json.element(member.id());
    }
    json.closeArray();
    candidates(seen, keys);
    json.end();
  }

  void deferred(Request request, String reason, long nowNanos) {
    json.begin("DEFER", nowNanos)
        .string("r", request.id())
        .string("for", "instance")
        .string("reason", reason)
        .end();
  }

  void promoted(Request request, String event, long nowNanos) {
    json.begin("PROMOTE", nowNanos).string("r", request.id()).string("event", event).end();
  }

  void rejected(Request request, RoutePlan plan, long nowNanos) {
    json.begin("REJECT", nowNanos)
        .string("r", request.id())
        .string("reason", code(plan.rejectCode().name()))
        .string("detail", plan.reason())
        .end();
  }

  void ledger(Member member, int amount, String requestId, String cause, long nowNanos) {
    json.begin("LEDGER", nowNanos)
        .string("instance", member.id())
        .number("incarnation", member.incarnation())
        .number("amount", amount)
        .string("r", requestId)
        .string("cause", cause)
        .end();
  }

  void instance(Member member, long nowNanos) {
    json.begin("INSTANCE", nowNanos)
        .string("instance", member.id())
        .number("incarnation", member.incarnation())
        .string("state", code(member.state().name()))
        .string("role", code(member.role().name()))
        .end();
  }

  void index(Member member, String action, PrefixKeys keys, long nowNanos) {
    json.begin("INDEX", nowNanos)
        .string("instance", member.id())
        .number("incarnation", member.incarnation())
        .string("action", action)
        .openArray("keys");
    for (int i = 0; i < keys.count(); i++) {
      json.hexElement(keys.key(i));
    }
    json.closeArray().end();
  }

  void index(Member member, String action, long[] keys, long nowNanos) {
    json.begin("INDEX", nowNanos)
        .string("instance", member.id())
        .number("incarnation", member.incarnation())
        .string("action", action)
        .openArray("keys");
    for (long key : keys) {
      json.hexElement(key);
    }
    json.closeArray().end();
  }

  /** Writes what was seen of each, and the leading keys that any of them is credited with. */
  private void candidates(RouteExplanation.Collector seen, PrefixKeys keys) {
    List<RouteExplanation.Candidate> all = seen.candidates();
    int longest = 0;
    for (RouteExplanation.Candidate candidate : all) {
      longest = Math.max(longest, candidate.matchedBlocks());
    }
    json.openArray("keys");
    for (int i = 0; i < longest; i++) {
      json.hexElement(keys.key(i));
    }
    json.closeArray();
    json.openArray("candidates");
    for (RouteExplanation.Candidate candidate : all) {
      if (candidate.verdict() == RouteExplanation.Verdict.YES) {
        json.openElement()
            .string("instance", candidate.instance())
            .number("incarnation", candidate.incarnation())
            .number("waiting", candidate.waiting())
            .number("running", candidate.running())
            .number("inFlight", candidate.inFlight())
            .number("hit", candidate.matchedBlocks())
            .openObject("scores");
        for (Map.Entry<String, Double> score : candidate.scores().entrySet()) {
          json.decimal(score.getKey(), score.getValue());
        }
        json.closeElement().closeElement();
      }
    }
    json.closeArray();
  }

  static String code(String name) {
    return name.toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
