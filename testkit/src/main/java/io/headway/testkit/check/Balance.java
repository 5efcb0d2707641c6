package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import io.headway.testkit.trace.TraceEvent.Candidate;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * INV-36: equal instances get equal shares. Under {@code balanceRequests} the counts of any window
 * of routes over the same candidates differ by at most that much; under {@code loadGapRequests} a
 * request that is cached nowhere goes to an instance at most that much busier than the least busy,
 * by waiting and running requests as the router sees them, or else by those it sent, and cached
 * content never outweighs more. An older snapshot never replaces a newer one.
 */
final class Balance extends Checker {
  private final int window;
  private final ArrayDeque<String> recent = new ArrayDeque<>();
  private Set<String> candidates = Set.of();

  /** The latest snapshot seen of each life of an instance. */
  private final Map<String, Long> observed = new HashMap<>();

  Balance(CheckOptions options) {
    super(Invariant.INV_36);
    window = options.balanceRoutes();
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (!(event instanceof TraceEvent.Route e)) {
      return;
    }
    List<Candidate> seen = e.candidates();
    String chosen = e.instance();
    if (seen == null || chosen == null) {
      missing("ROUTE.candidates");
      return;
    }
    snapshots(e, seen);
    Double most = before.claim("balanceRequests");
    if (most != null) {
      shares(e, chosen, seen, most);
    }
    Double gap = before.claim("loadGapRequests");
    if (gap != null) {
      load(e, chosen, seen, gap);
    }
  }

  private void snapshots(TraceEvent.Route e, List<Candidate> seen) {
    Set<String> lives = new HashSet<>();
    for (Candidate candidate : seen) {
      String life = candidate.instance() + "#" + candidate.incarnation();
      lives.add(life);
      Long time = candidate.observed();
      if (time == null) {
        continue;
      }
      exercised();
      Long newest = observed.merge(life, time, Math::max);
      if (newest > time) {
        violated(
            "the decision on "
                + e.r()
                + " sees "
                + candidate.instance()
                + " as of "
                + time
                + " ns, but it was seen as of "
                + newest
                + " ns before",
            e.r());
      }
    }
    observed.keySet().retainAll(lives);
  }

  private void shares(TraceEvent.Route e, String chosen, List<Candidate> seen, double most) {
    Set<String> names = new TreeSet<>();
    seen.forEach(candidate -> names.add(candidate.instance()));
    if (!names.equals(candidates)) {
      candidates = names;
      recent.clear();
    }
    recent.addLast(chosen);
    if (recent.size() > window) {
      recent.removeFirst();
    }
    Map<String, Long> counts = new HashMap<>();
    names.forEach(name -> counts.put(name, 0L));
    recent.forEach(name -> counts.merge(name, 1L, Long::sum));
    long high = counts.values().stream().mapToLong(Long::longValue).max().orElse(0);
    long low = counts.values().stream().mapToLong(Long::longValue).min().orElse(0);
    exercised();
    if (high - low > most) {
      violated(
          "of the last "
              + recent.size()
              + " requests one instance got "
              + high
              + " and another "
              + low
              + "; at most "
              + Math.round(most)
              + " apart is promised",
          e.r());
    }
  }

  private void load(TraceEvent.Route e, String chosen, List<Candidate> seen, double gap) {
    long least = Long.MAX_VALUE;
    long own = -1;
    for (Candidate candidate : seen) {
      Long load = load(candidate);
      if (load == null) {
        missing("ROUTE.candidates.inFlight");
        return;
      }
      least = Math.min(least, load);
      own = candidate.instance().equals(chosen) ? load : own;
    }
    if (own < 0) {
      return;
    }
    exercised();
    if (own - least > gap) {
      violated(
          e.r()
              + " goes to "
              + chosen
              + " with "
              + own
              + " requests while another has "
              + least
              + "; at most "
              + Math.round(gap)
              + " apart is promised",
          e.r());
    }
  }

  /** What a router sees of an instance's load; if the trace does not say, what it sent there. */
  private static @Nullable Long load(Candidate candidate) {
    Long waiting = candidate.waiting();
    Long running = candidate.running();
    if (waiting == null || running == null) {
      return candidate.inFlight();
    }
    return waiting + running;
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("ROUTE")) {
      missing("ROUTE");
    } else if (last.claim("balanceRequests") == null && last.claim("loadGapRequests") == null) {
      missing("CONFIG.claims.balanceRequests");
    }
  }
}
