package io.headway.runtime;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How a request would be routed now and why. Immutable.
 *
 * @param requestId which request
 * @param policyId who decides at present
 * @param kind what would be decided
 * @param rule the rule that decides, as the policy names it; empty if it has one only
 * @param instance where the request (its decodes, if split) would go; empty unless accepted
 * @param prefillInstance where its prompt would go if split; empty otherwise
 * @param reason why it is queued or rejected; empty if accepted
 * @param candidates every instance the router knows, in ascending order of id
 * @param details numbers that concern the whole decision, in the order recorded
 */
public record RouteExplanation(
    String requestId,
    String policyId,
    RoutePlan.Kind kind,
    String rule,
    String instance,
    String prefillInstance,
    String reason,
    List<Candidate> candidates,
    Map<String, Double> details) {
  /** Whether an instance can take a request. */
  public enum Verdict {
    /** It can now. */
    YES,
    /** It cannot now but will be able to without anyone's doing. */
    LATER,
    /** It cannot. */
    NEVER
  }

  /**
   * One instance in the light of one request.
   *
   * @param instance its id
   * @param incarnation which life
   * @param verdict whether it can take the request
   * @param reason why not, in a word; empty with YES
   * @param waiting queued requests as the policy sees them
   * @param running running requests as the policy sees them
   * @param inFlight requests of this router
   * @param matchedBlocks leading prompt blocks that it is believed to hold
   * @param scores parts of its score in the order recorded
   */
  public record Candidate(
      String instance,
      int incarnation,
      Verdict verdict,
      String reason,
      int waiting,
      int running,
      int inFlight,
      int matchedBlocks,
      Map<String, Double> scores) {
    /**
     * Copies the scores.
     *
     * @param instance its id
     * @param incarnation which life
     * @param verdict whether it can take the request
     * @param reason why not
     * @param waiting queued requests
     * @param running running requests
     * @param inFlight requests of this router
     * @param matchedBlocks leading prompt blocks that it is believed to hold
     * @param scores parts of its score
     */
    public Candidate {
      scores = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(scores));
    }
  }

  /**
   * Copies the lists.
   *
   * @param requestId which request
   * @param policyId who decides at present
   * @param kind what would be decided
   * @param rule the rule that decides
   * @param instance where the request would go
   * @param prefillInstance where its prompt would go
   * @param reason why it is queued or rejected
   * @param candidates every instance the router knows
   * @param details numbers that concern the whole decision
   */
  public RouteExplanation {
    candidates = List.copyOf(candidates);
    details = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(details));
  }

  /** Gathers what a policy says about one decision. */
  static final class Collector {
    private final Map<String, Map<String, Double>> scores = new LinkedHashMap<>();
    private final Map<String, Double> details = new LinkedHashMap<>();
    private final List<Candidate> candidates = new ArrayList<>();

    void score(String instance, String part, double value) {
      scores.computeIfAbsent(instance, id -> new LinkedHashMap<>()).put(part, value);
    }

    void detail(String name, double value) {
      details.put(name, value);
    }

    Map<String, Double> scores(String instance) {
      Map<String, Double> own = scores.get(instance);
      return own == null ? Map.of() : own;
    }

    void candidate(Member member, int matchedBlocks, @Nullable String reason, Verdict verdict) {
      candidates.add(
          new Candidate(
              member.id(),
              member.incarnation(),
              verdict,
              reason == null ? "" : reason,
              member.waiting(),
              member.running(),
              member.inFlight(),
              matchedBlocks,
              scores(member.id())));
    }

    List<Candidate> candidates() {
      return candidates;
    }

    Map<String, Double> details() {
      return details;
    }
  }
}
