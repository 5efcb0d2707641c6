package io.headway.simulator.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.headway.simulator.workload.Workload;
import org.junit.jupiter.api.Test;

class RunRecorderTest {
  private static final long S = 1_000_000_000L;

  @Test
  void sumsUpARun() {
    Workload w =
        Workload.builder("w")
            .add(0, 100, 3)
            .tenant("a")
            .add(S, 50, 1)
            .tenant("b")
            .add(2 * S, 10, 4)
            .tenant("b")
            .add(2 * S, 10, 4)
            .tenant("a")
            .add(3 * S, 10, 4)
            .tenant("a")
            .leftOut(1, 2)
            .build();
    RunRecorder recorder = new RunRecorder(w, new Slo(2 * S, S, Slo.UNLIMITED_NANOS));
    RunRecorder.OfInstance first = recorder.addInstance(100);
    RunRecorder.OfInstance second = recorder.addInstance(300);
    recorder.routed(0, 1);
    second.kvUsed(0, 150);
    second.queues(0, 1, 0);
    second.queues(S, 0, 1);
    recorder.firstToken(0, S);
    recorder.tokenGap(S, 1);
    recorder.tokenGap(3 * S, 1);
    recorder.end(0, RequestOutcome.FINISHED, 3, 5 * S);
    recorder.firstToken(1, 4 * S);
    recorder.cached(1, 16);
    recorder.end(1, RequestOutcome.FINISHED, 1, 4 * S);
    recorder.end(2, RequestOutcome.REJECTED, 0, 2 * S);
    recorder.firstToken(3, 8 * S);
    recorder.preempted(3);
    recorder.preempted(3);
    recorder.end(3, RequestOutcome.EXPIRED, 2, 9 * S);
    first.iterations(4, 2 * S, 60, 2);
    recorder.decision(500);
    recorder.decision(700);
    RunMetrics m = recorder.finish(10 * S);

    assertThat(m.counts()).isEqualTo(new RunMetrics.Counts(5, 2, 1, 1, 0, 1, 2, 2, 150, 4, 16));
    assertThat(m.durationNanos()).isEqualTo(9 * S);
    assertThat(m.latencies().ttft().count()).isEqualTo(3);
    assertThat(m.latencies().ttft().p50Nanos()).isEqualTo(3.0 * S);
    assertThat(m.latencies().tpot().meanNanos()).isEqualTo(2.0 * S);
    assertThat(m.latencies().tpot().count()).as("one token has no TPOT").isEqualTo(1);
    assertThat(m.latencies().tbt().maxNanos()).isEqualTo(3.0 * S);
    assertThat(m.latencies().e2e().meanNanos()).isEqualTo(4.0 * S);
    assertThat(m.rates().requestsPerSecond()).isCloseTo(2 / 9.0, within(1e-12));
    assertThat(m.rates().outputTokensPerSecond()).isCloseTo(4 / 9.0, within(1e-12));
    assertThat(m.rates().totalTokensPerSecond()).isCloseTo(154 / 9.0, within(1e-12));
    assertThat(m.rates().sloAttainment()).as("0 breaks TPOT, 1 breaks TTFT").isZero();
    assertThat(m.kvUse().mean()).isCloseTo(150 / 400.0, within(1e-9));
    assertThat(m.waiting().mean()).isCloseTo(0.1, within(1e-9));
    assertThat(m.running().mean()).isCloseTo(0.9, within(1e-9));
    assertThat(m.instances().get(0))
        .isEqualTo(new RunMetrics.InstanceMetrics(4, 2 * S, 60, 2, 0, 0, 0, 0));
    assertThat(m.instances().get(1).kvMax()).isEqualTo(0.5);
    assertThat(m.instances().get(1).waitingMax()).isEqualTo(1);
    assertThat(m.policyCost().nanosPerDecision()).isEqualTo(600);
    RunMetrics.Fairness fairness = m.fairness();
    assertThat(fairness).isNotNull();
    assertThat(fairness.tenants())
        .extracting(RunMetrics.TenantMetrics::name)
        .containsExactly("a", "b");
    assertThat(fairness.tenants().get(0).serviceTokens()).isEqualTo(106);
    assertThat(fairness.tenants().get(0).tokensPerSecond()).isCloseTo(106 / 5.0, within(1e-9));
    assertThat(fairness.tenants().get(1).tokensPerSecond()).isCloseTo(52 / 3.0, within(1e-9));
    assertThat(fairness.jainIndex())
        .isCloseTo(FairnessMeter.jainIndex(106 / 5.0, 52 / 3.0), within(1e-12));
    assertThat(m.requests().instance(0)).isEqualTo(1);
    assertThat(m.requests().instance(1)).isEqualTo(RequestTable.NONE);
    assertThat(m.requests().outcome(4)).isEqualTo(RequestOutcome.UNFINISHED);
  }

  @Test
  void countsGoodput() {
    Workload w = Workload.builder("w").add(0, 1, 2).add(0, 1, 2).build();
    Slo slo = new Slo(S, 2 * S, 3 * S);
    RunRecorder recorder = new RunRecorder(w, slo);
    recorder.addInstance(1);
    recorder.firstToken(0, S);
    recorder.end(0, RequestOutcome.FINISHED, 2, 3 * S);
    recorder.firstToken(1, S);
    recorder.end(1, RequestOutcome.FINISHED, 2, 3 * S + 1);
    RunMetrics m = recorder.finish(4 * S);
    assertThat(m.rates().sloAttainment()).isEqualTo(0.5);
    assertThat(m.rates().goodputPerSecond()).isCloseTo(1 / 3.0, within(1e-9));
    assertThat(m.requests().attains(0, slo)).as("on the limit is within it").isTrue();
    assertThat(m.requests().attains(1, Slo.NONE)).isTrue();
    assertThat(m.fairness()).isNull();
    assertThat(m.policyCost()).isEqualTo(RunMetrics.PolicyCost.UNMEASURED);
    assertThat(m.policyCost().nanosPerDecision()).isNaN();
  }

  @Test
  void summarisesARunInWhichNothingFinished() {
    Workload w = Workload.builder("w").add(7, 1, 2).build();
    RunRecorder recorder = new RunRecorder(w, Slo.NONE);
    RunMetrics m = recorder.finish(7);
    assertThat(m.latencies().e2e()).isEqualTo(Distribution.EMPTY);
    assertThat(m.rates().requestsPerSecond()).isZero();
    assertThat(m.ttftCurve().points()).isZero();
    assertThat(m.counts().unfinished()).isEqualTo(1);
  }

  @Test
  void refusesASecondEnd() {
    RunRecorder recorder = new RunRecorder(Workload.builder("w").add(0, 1, 1).build(), Slo.NONE);
    recorder.end(0, RequestOutcome.FAILED, 0, 1);
    assertThatThrownBy(() -> recorder.end(0, RequestOutcome.FINISHED, 1, 2))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("request 0 has ended before: FAILED");
    assertThatThrownBy(() -> recorder.addInstance(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("kvCapacityBlocks must be at least 1 block, but was 0");
    assertThatThrownBy(() -> new Slo(0, 1, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("ttftNanos must be at least 1 ns, but was 0");
  }

  @Test
  void curvesAscendToTheMaximum() {
    Workload.Builder b = Workload.builder("w");
    for (int i = 0; i < 1_000; i++) {
      b.add(0, 1, 1);
    }
    RunRecorder recorder = new RunRecorder(b.build(), Slo.NONE);
    for (int i = 0; i < 1_000; i++) {
      recorder.firstToken(i, 1_000 - i);
      recorder.end(i, RequestOutcome.FINISHED, 1, 1_000 - i);
    }
    LatencyCurve curve = recorder.finish(1_000).ttftCurve();
    assertThat(curve.points()).isEqualTo(110);
    assertThat(curve.probability(109)).isEqualTo(1);
    assertThat(curve.nanos(109)).isEqualTo(1_000);
    assertThat(curve.nanos(50)).isCloseTo(1 + 999 * 0.5, within(1e-9));
    for (int i = 1; i < curve.points(); i++) {
      assertThat(curve.probability(i)).isGreaterThan(curve.probability(i - 1));
      assertThat(curve.nanos(i)).isGreaterThanOrEqualTo(curve.nanos(i - 1));
    }
  }

  @Test
  void estimatesWithStudentsInterval() {
    Estimate e = Estimate.of(1, 2, 3, Double.NaN);
    assertThat(e.runs()).isEqualTo(3);
    assertThat(e.mean()).isCloseTo(2, within(1e-12));
    assertThat(e.halfWidth()).isCloseTo(4.302652729911275 / Math.sqrt(3), within(1e-9));
    assertThat(Estimate.of(5).halfWidth()).isNaN();
    assertThat(Estimate.of().mean()).isNaN();
  }
}
