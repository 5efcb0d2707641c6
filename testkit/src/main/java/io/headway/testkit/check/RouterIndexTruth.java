package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * INV-35: a router credits an instance with at most the blocks that it holds without a gap from the
 * first. Clear, restart and removal are obeyed, a key goes only with its last copy, and nothing is
 * learnt from a request that was not served there.
 */
final class RouterIndexTruth extends Checker {
  private final Map<String, Set<String>> keys = new HashMap<>();
  private final Map<String, Long> incarnations = new HashMap<>();

  /** Instances that have learnt keys from a request that is not over. */
  private final Map<String, String> learnt = new HashMap<>();

  private final Map<String, String> routed = new HashMap<>();

  RouterIndexTruth() {
    super(Invariant.INV_35);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.Index e) {
      index(e);
    } else if (event instanceof TraceEvent.InstanceState e && e.instance() != null) {
      Long incarnation = e.incarnation();
      Long known = incarnations.get(e.instance());
      boolean next = incarnation != null && known != null && incarnation > known;
      if ("down".equals(e.state()) || next) {
        keys.remove(e.instance());
      }
      if (incarnation != null) {
        incarnations.merge(e.instance(), incarnation, Math::max);
      }
    } else if (event instanceof TraceEvent.Route e) {
      if (e.instance() != null) {
        routed.put(e.r(), e.instance());
      }
      credits(e);
    } else if (event instanceof TraceEvent.Reject e) {
      String instance = learnt.remove(e.r());
      if (instance != null) {
        violated(
            "the index has learnt from " + e.r() + ", which " + instance + " never served", e.r());
      }
      routed.remove(e.r());
    } else if (event instanceof TraceEvent.Ended e) {
      learnt.remove(e.r());
      routed.remove(e.r());
    }
  }

  private void index(TraceEvent.Index e) {
    String instance = e.instance();
    if (instance == null) {
      return;
    }
    exercised();
    Set<String> own = keys.computeIfAbsent(instance, name -> new HashSet<>());
    List<String> named = e.keys() == null ? List.of() : e.keys();
    Long known = incarnations.get(instance);
    if (e.incarnation() != null && known != null && e.incarnation() < known) {
      violated(
          "the index takes "
              + e.action()
              + " from life "
              + e.incarnation()
              + " of "
              + instance
              + ", which lives its life "
              + known);
    }
    switch (String.valueOf(e.action())) {
      case "add" -> {
        own.addAll(named);
        if (e.r() != null) {
          learnt.put(e.r(), instance);
          String target = routed.get(e.r());
          if (target == null || !target.equals(instance)) {
            violated(
                "the index learns from " + e.r() + " for " + instance + ", where it is not", e.r());
          }
        }
      }
      case "remove" -> {
        if (TraceState.orZero(e.copies()) > 0) {
          violated(
              "the index loses keys of "
                  + instance
                  + ", which still has "
                  + e.copies()
                  + " copies");
        }
        named.forEach(own::remove);
      }
      case "clear" -> keys.remove(instance);
      default -> missing("INDEX.action");
    }
    if (own.isEmpty()) {
      keys.remove(instance);
    }
  }

  private void credits(TraceEvent.Route e) {
    List<TraceEvent.Candidate> candidates = e.candidates();
    List<String> chain = e.keys();
    if (candidates == null || chain == null) {
      missing(candidates == null ? "ROUTE.candidates" : "ROUTE.keys");
      return;
    }
    for (TraceEvent.Candidate candidate : candidates) {
      Long hit = candidate.hit();
      if (hit == null) {
        missing("ROUTE.candidates.hit");
        continue;
      }
      Set<String> own = keys.getOrDefault(candidate.instance(), Set.of());
      int held = 0;
      while (held < chain.size() && own.contains(chain.get(held))) {
        held++;
      }
      exercised();
      if (hit > held) {
        violated(
            candidate.instance()
                + " is credited with "
                + hit
                + " blocks of "
                + e.r()
                + ", but holds "
                + held
                + " without a gap",
            e.r());
      }
    }
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("ROUTE")) {
      missing("ROUTE");
    }
  }
}
