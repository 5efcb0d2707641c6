package io.headway.runtime;

import io.headway.api.Invariant;
import io.headway.api.PolicyViolationException;
import io.headway.api.Role;
import io.headway.api.routing.RejectCode;
import io.headway.api.routing.RouteDraft;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The draft that policies write into, one per cluster. Guarded by the cluster's lock. */
final class RouteBuffer implements RouteDraft {
  static final int NONE = -1;

  private final Candidates view;
  private String policyId = "";
  private String requestId = "";

  RoutePlan.@Nullable Kind kind;
  int position;
  int prefillPosition;
  int kvSource;
  int[] fallbacks = new int[4];
  int fallbackCount;
  long deadlineNanos;
  String rule = "";
  String reason = "";
  RejectCode code = RejectCode.NO_CANDIDATE;
  long retryNanos;

  private RouteExplanation.@Nullable Collector collector;

  RouteBuffer(Candidates view) {
    this.view = view;
  }

  void reset(
      String policy, String request, RouteExplanation.@Nullable Collector explanationCollector) {
    policyId = policy;
    requestId = request;
    kind = null;
    position = NONE;
    prefillPosition = NONE;
    kvSource = NONE;
    fallbackCount = 0;
    deadlineNanos = Long.MAX_VALUE;
    rule = "";
    reason = "";
    retryNanos = 0;
    collector = explanationCollector;
  }

  private PolicyViolationException refused(String detail) {
    return new PolicyViolationException(policyId, Invariant.INV_33, requestId, detail);
  }

  private Member checked(int candidate) {
    if (!view.has(candidate)) {
      throw refused("position must be from 0 to " + (view.size() - 1) + ", but was " + candidate);
    }
    return view.member(candidate);
  }

  @Override
  public void accept(int candidate) {
    Member member = checked(candidate);
    if (member.role() == Role.PREFILL) {
      throw refused(
          "a whole request needs a MIXED or DECODE instance, but '"
              + member.id()
              + "' is "
              + member.role()
              + "; accept(prefill, decode) splits it");
    }
    kind = RoutePlan.Kind.ACCEPT;
    position = candidate;
    prefillPosition = NONE;
  }

  @Override
  public void accept(int prefillCandidate, int decodeCandidate) {
    Member prefill = checked(prefillCandidate);
    Member decode = checked(decodeCandidate);
    if (prefillCandidate == decodeCandidate) {
      accept(decodeCandidate);
      return;
    }
    if (prefill.role() == Role.DECODE || decode.role() == Role.PREFILL) {
      throw refused(
          "prompt and decodes need instances of their roles, but '"
              + prefill.id()
              + "' is "
              + prefill.role()
              + " and '"
              + decode.id()
              + "' is "
              + decode.role());
    }
    kind = RoutePlan.Kind.ACCEPT;
    position = decodeCandidate;
    prefillPosition = prefillCandidate;
  }

  @Override
  public void fallback(int candidate) {
    Member member = checked(candidate);
    if (member.role() != Role.MIXED) {
      throw refused(
          "a fallback needs a MIXED instance, but '" + member.id() + "' is " + member.role());
    }
    for (int i = 0; i < fallbackCount; i++) {
      if (fallbacks[i] == candidate) {
        return;
      }
    }
    if (fallbackCount == fallbacks.length) {
      fallbacks = Arrays.copyOf(fallbacks, 2 * fallbackCount);
    }
    fallbacks[fallbackCount++] = candidate;
  }

  @Override
  public void kvSource(int candidate) {
    checked(candidate);
    kvSource = candidate;
  }

  @Override
  public void deadlineNanos(long nanos) {
    deadlineNanos = nanos;
  }

  @Override
  public void queue(String why, long retryAtNanos) {
    kind = RoutePlan.Kind.QUEUE;
    reason = Check.notNull("reason", why);
    retryNanos = retryAtNanos;
  }

  @Override
  public void reject(RejectCode why, String text, long retryAfterNanos) {
    kind = RoutePlan.Kind.REJECT;
    code = Check.notNull("code", why);
    reason = Check.notNull("reason", text);
    retryNanos = Math.max(0, retryAfterNanos);
  }

  @Override
  public boolean explaining() {
    return collector != null;
  }

  @Override
  public void score(int candidate, String part, double value) {
    if (collector != null) {
      collector.score(checked(candidate).id(), part, value);
    }
  }

  @Override
  public void detail(String name, double value) {
    if (collector != null) {
      collector.detail(name, value);
    }
  }

  @Override
  public void rule(String name) {
    rule = Check.notNull("rule", name);
  }
}
