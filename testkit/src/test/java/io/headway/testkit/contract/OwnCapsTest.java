package io.headway.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Invariant;
import io.headway.testkit.drive.EngineRules;
import io.headway.testkit.scenario.Campaign;
import io.headway.testkit.scenario.CampaignResult;
import io.headway.testkit.subject.CallbackSubject;
import io.headway.testkit.subject.EngineConfig;
import io.headway.testkit.subject.Feature;
import io.headway.testkit.subject.Features;
import io.headway.testkit.subject.RequestSpec;
import io.headway.testkit.subject.Row;
import io.headway.testkit.subject.RowReport;
import io.headway.testkit.subject.SchedulerFactory;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A scheduler of somebody else that claims a budget or a cap of its own is held to it. */
class OwnCapsTest {
  private static final int TRIES = 200;

  /** First come, first served, with a budget and a cap of its own. */
  private static final class Capped {
    private record Job(RequestSpec spec, int computed, int known) {}

    private final int mostTokens;
    private final int mostRequests;
    private final List<Job> jobs = new ArrayList<>();

    Capped(EngineConfig config, int ownTokens, int ownRequests) {
      mostTokens = Math.min(config.tokenBudget(), ownTokens);
      mostRequests = Math.min(config.slots(), ownRequests);
    }

    boolean add(RequestSpec spec) {
      return jobs.add(new Job(spec, 0, spec.promptTokens()));
    }

    void drop(String id) {
      jobs.removeIf(job -> job.spec().id().equals(id));
    }

    List<Row> step() {
      List<Row> rows = new ArrayList<>();
      int left = mostTokens;
      for (int i = 0; i < jobs.size() && rows.size() < mostRequests && left > 0; i++) {
        Job job = jobs.get(i);
        int count = Math.min(left, job.known() - job.computed());
        rows.add(Row.of(job.spec().id(), job.computed(), count));
        jobs.set(i, new Job(job.spec(), job.computed() + count, job.known()));
        left -= count;
      }
      return rows;
    }

    boolean token(RowReport row) {
      for (int i = 0; i < jobs.size(); i++) {
        Job job = jobs.get(i);
        if (job.spec().id().equals(row.id())) {
          int known = job.known() + 1;
          boolean last =
              row.stopped() || known == job.spec().promptTokens() + job.spec().maxNewTokens();
          if (last) {
            jobs.remove(i);
          } else {
            jobs.set(i, new Job(job.spec(), job.computed(), known));
          }
          return true;
        }
      }
      return false;
    }
  }

  private static CampaignResult run(Features features, int ownTokens, int ownRequests) {
    SchedulerFactory factory =
        SchedulerFactory.of(
            features,
            (config, trace) -> {
              Capped scheduler = new Capped(config, ownTokens, ownRequests);
              return CallbackSubject.of(
                  scheduler::add, scheduler::drop, scheduler::step, scheduler::token);
            });
    return Campaign.of(EngineRules.standard(), factory).tries(TRIES).minimiserRuns(0).run();
  }

  private static Features features() {
    return Features.of(Feature.CANCEL, Feature.CHUNKED_PREFILL, Feature.RENAMING);
  }

  @Test
  void whoeverKeepsToItsClaimsPasses() {
    CampaignResult result = run(features().batchTokens(3).batchSequences(2), 3, 2);
    assertThat(result.failure()).isEmpty();
    assertThat(result.exercised()).containsKeys(Invariant.INV_05, Invariant.INV_06);
  }

  @Test
  void aBudgetThatIsClaimedAndNotKeptIsFound() {
    assertThat(run(features().batchTokens(3), 4, 8).killedBy()).contains(Invariant.INV_05);
  }

  @Test
  void aCapThatIsClaimedAndNotKeptIsFound() {
    assertThat(run(features().batchSequences(1), 1_000, 2).killedBy()).contains(Invariant.INV_06);
  }
}
