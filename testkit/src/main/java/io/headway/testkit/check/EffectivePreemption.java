package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.check.RequestState.Phase;
import io.headway.testkit.trace.TraceEvent;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * INV-22: a preemption helps whom it was for. The beneficiary is in the batch of the same decision,
 * unless {@code deferred-release} is declared; a request that is preempted again has made progress
 * in between, or at most so many times not per token that others got instead; a promised bound on
 * preemptions holds; and a request that resumes stands where its mode of preemption left it.
 */
final class EffectivePreemption extends Checker {
  /**
   * What is known of a request's preemptions.
   *
   * @param delivered its own tokens when it was preempted last
   * @param times preemptions since it got one
   * @param all preemptions ever
   * @param before tokens that anybody had got at the first of these {@code times}
   */
  private record Progress(long delivered, int times, int all, long before) {}

  private final int bound;
  private final Map<String, Progress> progress = new HashMap<>();
  private long tokens;

  EffectivePreemption(CheckOptions options) {
    super(Invariant.INV_22);
    bound = options.preemptionsPerRequest();
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.Preempt e) {
      if (e.beneficiary() != null) {
        preempts(e.r(), before);
      }
    } else if (event instanceof TraceEvent.Resume e) {
      resumes(e, before);
    } else if (event instanceof TraceEvent.Step e) {
      decided(e.batch(), before);
    } else if (event instanceof TraceEvent.Idle) {
      decided(List.of(), before);
    } else if (event instanceof TraceEvent.Output e) {
      tokens += TraceState.orZero(e.accepted());
    } else if (event instanceof TraceEvent.Ended e) {
      progress.remove(e.r());
    }
  }

  private void decided(List<TraceEvent.Row> batch, TraceState before) {
    if (!before.declares("deferred-release")) {
      before.preemptedNow().forEach((victim, whom) -> served(victim, whom, batch, before));
    }
  }

  private void served(
      String victim, String beneficiary, List<TraceEvent.Row> batch, TraceState before) {
    exercised();
    RequestState r = before.request(beneficiary);
    boolean over = r == null || r.phase == Phase.ENDED;
    boolean yielded = victim.equals(beneficiary) || before.preemptedNow().containsKey(beneficiary);
    if (!over && !yielded && batch.stream().noneMatch(row -> row.r().equals(beneficiary))) {
      violated(
          victim + " was preempted for " + beneficiary + ", which is not in the batch",
          victim,
          beneficiary);
    }
  }

  private void preempts(String id, TraceState before) {
    RequestState r = before.request(id);
    if (r == null) {
      return;
    }
    exercised();
    Progress last = progress.get(id);
    int times = 1;
    long since = tokens;
    if (last != null && last.delivered() == r.delivered) {
      times = last.times() + 1;
      since = last.before();
    }
    int all = last == null ? 1 : last.all() + 1;
    progress.put(id, new Progress(r.delivered, times, all, since));
    long allowed = bound * Math.max(1, tokens - since);
    if (times > allowed) {
      violated(
          id
              + " is preempted "
              + times
              + " times without a new token in between; at most "
              + allowed
              + " are allowed while others got "
              + (tokens - since),
          id);
    }
    Double most = before.claim("preemptionsPerRequest");
    if (most != null && all > most) {
      violated(
          id
              + " is preempted "
              + all
              + " times, but the policy promises at most "
              + Math.round(most),
          id);
    }
  }

  private void resumes(TraceEvent.Resume e, TraceState before) {
    RequestState r = before.request(e.r());
    Long computed = e.computed();
    if (r == null || computed == null) {
      return;
    }
    exercised();
    if (r.phase == Phase.SWAPPED && computed != r.computedAtPreemption) {
      violated(
          e.r()
              + " resumes from host memory at "
              + computed
              + " tokens, but left with "
              + r.computedAtPreemption,
          e.r());
    } else if (r.phase == Phase.PREEMPTED && r.known() >= 0 && computed >= r.known()) {
      violated(e.r() + " resumes with nothing left to compute", e.r());
    }
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("STEP")) {
      missing("STEP");
    }
  }
}
