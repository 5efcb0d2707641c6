package io.headway.runtime;

import io.headway.api.InstanceState;
import io.headway.api.PolicyViolationException;
import io.headway.api.Request;
import io.headway.api.Role;
import io.headway.api.routing.RejectCode;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Decides where one request goes, without carrying the decision out: who can take it at all, and
 * what the policy says about those. Guarded by the cluster's lock.
 */
final class RouteDecisions {
  private static final int PROMPT_PHASE = 1;
  private static final int DECODE_PHASE = 2;
  private static final int BOTH_PHASES = 3;

  private final Fleet fleet;
  private final RoutingPolicyGuard policy;
  private final @Nullable ServicePredictions<?, ?> predictions;
  private final ClusterFaults faults;
  private final @Nullable ClusterLog log;
  private final Tally<RejectCode> rejected = new Tally<>(RejectCode.class);

  /** Who could take the request that was decided last. */
  final Candidates candidates;

  /** The answer to it. */
  final RouteBuffer answer;

  RouteDecisions(
      Fleet fleet,
      Candidates candidates,
      RoutingPolicyGuard policy,
      @Nullable ServicePredictions<?, ?> predictions,
      ClusterFaults faults,
      @Nullable ClusterLog log) {
    this.fleet = fleet;
    this.candidates = candidates;
    this.policy = policy;
    this.predictions = predictions;
    this.faults = faults;
    this.log = log;
    answer = new RouteBuffer(candidates);
  }

  /** Returns what was answered last. */
  RoutePlan.Kind kind() {
    RoutePlan.Kind kind = answer.kind;
    if (kind == null) {
      throw new IllegalStateException("nothing was decided");
    }
    return kind;
  }

  /** Returns the refusals so far, by code. */
  Tally<RejectCode> rejected() {
    return rejected;
  }

  /**
   * Decides about a request.
   *
   * @return what the policy said about the candidates if the decision log wants it, else null
   * @throws PolicyViolationException in strict mode, if the policy failed
   */
  RouteExplanation.@Nullable Collector decide(
      Request request, @Nullable Set<String> subset, List<String> tried) {
    RouteExplanation.Collector seen = log == null ? null : new RouteExplanation.Collector();
    answer.reset(policy.id(), request.id(), seen);
    if (!findCandidates(request, subset, tried)) {
      return seen;
    }
    policy.route(request, candidates, answer, seen);
    ServicePredictions<?, ?> source = predictions;
    if (source != null) {
      // Memoised: what the policy did not ask for is predicted here, before anything changes.
      candidates.hasServicePrediction(request);
      check(source);
    }
    if (seen != null) {
      describe(request, subset, tried, seen);
    }
    return seen;
  }

  private void check(ServicePredictions<?, ?> source) {
    RuntimeException cause = source.takeFault();
    if (cause != null) {
      PolicyViolationException fault = faults.ofPart(source.id(), cause);
      if (faults.strict()) {
        throw fault;
      }
    }
  }

  /** As {@link #decide}, but on a copy of the policy's state; returns who decided. */
  String rehearse(Request request, RouteExplanation.Collector seen) {
    String decider = policy.decider();
    answer.reset(decider, request.id(), seen);
    if (findCandidates(request, null, List.of())) {
      RuntimeException before = predictions == null ? null : predictions.takeFault();
      decider = policy.rehearse(request, candidates, answer, seen);
      if (predictions != null) {
        // What a predictor threw in a rehearsal is no fault of the next decision.
        predictions.keepFault(before);
      }
    }
    describe(request, null, List.of(), seen);
    return decider;
  }

  /** Refuses a request as the last answer says. */
  RoutePlan reject(Request request, long now) {
    return reject(request, answer.code, answer.rule, answer.reason, answer.retryNanos, now);
  }

  RoutePlan reject(
      Request request, RejectCode code, String rule, String reason, long retryAfter, long now) {
    rejected.add(code);
    RoutePlan plan = RoutePlan.rejected(code, rule, reason, retryAfter);
    if (log != null) {
      log.rejected(request, plan, now);
    }
    return plan;
  }

  /** Fills the view; if nobody can take the request now, writes the answer and returns false. */
  private boolean findCandidates(
      Request request, @Nullable Set<String> subset, List<String> tried) {
    candidates.reset(fleet.indexBound());
    boolean split = policy.splitsRoles();
    // One bit per phase, prompt and decodes: for which is there somebody of each kind?
    int ready = 0;
    int busy = 0;
    int tooSmall = 0;
    int notNow = 0;
    InstanceNumbers numbers = fleet.numbers;
    boolean anywhere = subset == null && tried.isEmpty() && request.model().isEmpty();
    long kvTokens = request.maxKvTokens();
    long lengthTokens = (long) request.promptTokens() + request.maxNewTokens();
    for (int rank = 0; rank < fleet.size(); rank++) {
      int index = fleet.index(rank);
      // What most requests ask of most instances, without a look at the object.
      if (anywhere && numbers.canTake(index, kvTokens, lengthTokens)) {
        candidates.add(index);
        ready = BOTH_PHASES;
        continue;
      }
      Member member = fleet.member(rank);
      switch (fit(member, request, subset, tried, split)) {
        case YES -> {
          candidates.add(index);
          ready |= phases(member);
        }
        case BUSY -> busy |= phases(member);
        case TOO_SMALL -> tooSmall |= phases(member);
        case STARTING, DRAINING, TRIED -> notNow |= phases(member);
        case ROLE, MODEL, SUBSET -> {}
      }
    }
    int missing = BOTH_PHASES & ~ready;
    if (missing == 0) {
      return true;
    }
    int hopeless = missing & ~busy;
    if (hopeless == 0) {
      answer.queue("all-busy", Long.MAX_VALUE);
    } else if ((hopeless & tooSmall & ~notNow) != 0) {
      answer.reject(
          RejectCode.NEVER_FITS,
          "needs " + request.maxKvTokens() + " tokens of KV, more than any instance holds",
          0);
    } else {
      answer.reject(RejectCode.NO_CANDIDATE, "no instance is ready", 0);
    }
    return false;
  }

  /**
   * Returns whether instances of a model cover prompt and decodes.
   *
   * @param request what they must be able to hold; null for any
   * @param withRoom whether only those count that are ready and have room now
   */
  boolean covers(String model, @Nullable Request request, boolean withRoom) {
    boolean split = policy.splitsRoles();
    int covered = 0;
    for (int rank = 0; rank < fleet.size(); rank++) {
      Member member = fleet.member(rank);
      boolean there =
          withRoom
              ? member.state() == InstanceState.READY && member.hasRoom()
              : member.state() == InstanceState.READY || member.state() == InstanceState.STARTING;
      if (there
          && (split || member.role() == Role.MIXED)
          && serves(member, model)
          && (request == null || holds(member, request))) {
        covered |= phases(member);
      }
    }
    return covered == BOTH_PHASES;
  }

  private boolean serves(Member member, String model) {
    return member.servesAnyModel || fleet.models.has(model, member.index);
  }

  private static int phases(Member member) {
    return switch (member.role()) {
      case PREFILL -> PROMPT_PHASE;
      case DECODE -> DECODE_PHASE;
      case MIXED -> BOTH_PHASES;
    };
  }

  /** Whether an instance can take a request, or the first reason why not. */
  private enum Fit {
    YES,
    BUSY,
    STARTING,
    DRAINING,
    TOO_SMALL,
    ROLE,
    MODEL,
    SUBSET,
    TRIED
  }

  private Fit fit(
      Member member,
      Request request,
      @Nullable Set<String> subset,
      List<String> tried,
      boolean split) {
    if (!split && member.role() != Role.MIXED) {
      return Fit.ROLE;
    }
    if (subset != null && !subset.contains(member.id())) {
      return Fit.SUBSET;
    }
    if (!tried.isEmpty() && tried.contains(member.id())) {
      return Fit.TRIED;
    }
    if (!request.model().isEmpty() && !serves(member, request.model())) {
      return Fit.MODEL;
    }
    if (!holds(member, request)) {
      return Fit.TOO_SMALL;
    }
    return switch (member.state()) {
      case READY -> member.hasRoom() ? Fit.YES : Fit.BUSY;
      case STARTING -> Fit.STARTING;
      case DRAINING, DOWN -> Fit.DRAINING;
    };
  }

  private static boolean holds(Member member, Request request) {
    long needed = member.role() == Role.PREFILL ? request.promptTokens() : request.maxKvTokens();
    return needed <= member.capacityTokens
        && (long) request.promptTokens() + request.maxNewTokens() <= member.contextLimit;
  }

  /** Returns whether a request could go on at an instance. */
  static boolean canTakeOver(Member member, Ticket ticket) {
    return member.state() == InstanceState.READY
        && member.role() != Role.PREFILL
        && member.hasRoom()
        && holds(member, ticket.request());
  }

  private void describe(
      Request request,
      @Nullable Set<String> subset,
      List<String> tried,
      RouteExplanation.Collector seen) {
    boolean split = policy.splitsRoles();
    for (int rank = 0; rank < fleet.size(); rank++) {
      Member member = fleet.member(rank);
      Fit fit = fit(member, request, subset, tried, split);
      seen.candidate(
          member,
          candidates.matchedBlocks(request, member),
          fit == Fit.YES ? null : ClusterLog.code(fit.name()),
          switch (fit) {
            case YES -> RouteExplanation.Verdict.YES;
            case BUSY, STARTING -> RouteExplanation.Verdict.LATER;
            case DRAINING, TOO_SMALL, ROLE, MODEL, SUBSET, TRIED -> RouteExplanation.Verdict.NEVER;
          });
    }
  }
}
