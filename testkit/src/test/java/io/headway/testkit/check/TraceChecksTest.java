package io.headway.testkit.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class TraceChecksTest {
  private static final List<TraceEvent> BROKEN =
      Lines.trace(
          """
          CONFIG tokenBudget=4 slots=2
          ARRIVE r=a prompt=4 maxNew=2
          ARRIVE r=b prompt=4 maxNew=2
          STEP step=0 batch=[a:0+4p] total=4
          STEP step=1 batch=[b:0+4p,a:4+1d] total=5
          """);

  @Test
  void violationsAreSeenWhileTheTraceGrows() {
    TraceChecks checks = TraceChecks.all();
    for (TraceEvent event : BROKEN.subList(0, 4)) {
      checks.accept(event);
    }
    assertThat(checks.violation()).isEmpty();
    checks.accept(BROKEN.get(4));
    assertThat(checks.violation().orElseThrow().line()).isEqualTo(5);
    CheckReport report = checks.finish();
    assertThat(report.verdicts()).hasSize(40);
    assertThat(report.violations()).extracting(Violation::invariant).contains(Invariant.INV_05);
    assertThat(report.verdict(Invariant.INV_05).toString())
        .isEqualTo("INV-05 VIOLATED: the iteration computes 5 tokens, but the token budget is 4");
  }

  @Test
  void onlyWantedRulesAreChecked() {
    TraceChecks checks = TraceChecks.of(CheckOptions.DEFAULT, rule -> rule == Invariant.INV_07);
    BROKEN.forEach(checks::accept);
    CheckReport report = checks.finish();
    assertThat(report.verdicts()).extracting(Verdict::invariant).containsExactly(Invariant.INV_07);
    assertThatThrownBy(() -> report.verdict(Invariant.INV_05))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("INV-05 was not among the rules checked");
  }

  @Test
  void schedulersThatShareALogAreJudgedApart() {
    List<TraceEvent> shared =
        Lines.trace(
            """
            ROUTE r=a instance=x
            CONFIG on=x tokenBudget=4
            CONFIG on=y tokenBudget=8
            ARRIVE on=x r=a prompt=4 maxNew=1
            ARRIVE on=y r=a prompt=8 maxNew=1
            STEP on=x step=0 batch=[a:0+4p] total=4
            STEP on=y step=0 batch=[a:0+8p] total=8
            """);
    CheckReport report = TraceChecks.check(shared);
    assertThat(report.verdict(Invariant.INV_05).kind()).isEqualTo(Verdict.Kind.HOLDS);
    assertThat(report.verdict(Invariant.INV_05).exercised()).isEqualTo(2);
    assertThat(report.verdict(Invariant.INV_07).kind()).isEqualTo(Verdict.Kind.HOLDS);
    assertThat(report.verdict(Invariant.INV_24).kind()).isEqualTo(Verdict.Kind.INCONCLUSIVE);
  }

  @Test
  void aClaimThatWasNeverExercisedIsVacuous() {
    CheckReport report = TraceChecks.check(BROKEN);
    Map<Invariant, Verdict> vacuous =
        report.vacuous(List.of(Invariant.values())).stream()
            .collect(Collectors.toMap(Verdict::invariant, v -> v));
    assertThat(vacuous).containsKeys(Invariant.INV_20, Invariant.INV_26, Invariant.INV_33);
    assertThat(vacuous).doesNotContainKeys(Invariant.INV_05, Invariant.INV_03);
    assertThat(report.vacuous(List.of(Invariant.INV_03))).isEmpty();
  }

  @Test
  void boundsBelowOneAreRefused() {
    List<String> names =
        List.of(
            "inversionDecisions",
            "serviceDecisions",
            "wakeUpDecisions",
            "refusalDecisions",
            "headOfLineDecisions",
            "leaseDecisions",
            "preemptionsPerRequest",
            "drainFactor",
            "drainSlack",
            "balanceRoutes");
    for (int i = 0; i < names.size(); i++) {
      int[] b = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
      b[i] = 0;
      assertThatThrownBy(
              () -> new CheckOptions(b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9]))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(names.get(i) + " must be at least 1, but was 0");
    }
  }

  @Test
  void anExplanationHoldsTheFewRecordsThatMatter() {
    List<TraceEvent> trace =
        Lines.trace(
            """
            CONFIG blocks=8 blockTokens=4
            ARRIVE r=x prompt=4 maxNew=2
            ARRIVE r=a prompt=4 maxNew=2
            ALLOC r=x blocks=[7]
            ALLOC r=a blocks=[0]
            STEP step=0 batch=[x:0+4p] total=4
            STEP step=1 batch=[a:0+4p] total=4
            XFER_BEGIN transfer=1 r=z direction=out blocks=[0]
            PREEMPT r=x mode=recompute beneficiary=a
            PUBLISH block=0 key=k
            ARRIVE r=b prompt=4 maxNew=2
            ALLOC r=b blocks=[0]
            ALLOC r=a blocks=[3]
            """);
    Violation violation =
        TraceChecks.check(trace).verdict(Invariant.INV_10).violation().orElseThrow();
    assertThat(violation.blocks()).containsExactly(0L);
    ExplanationSlice slice = new ExplanationSlice(violation, 12);
    trace.forEach(slice::accept);
    assertThat(slice.lines())
        .extracting(ExplanationSlice.Line::number)
        .containsExactly(1L, 3L, 5L, 7L, 8L, 9L, 10L, 11L, 12L);
    ExplanationSlice small = new ExplanationSlice(violation, 3);
    trace.forEach(small::accept);
    assertThat(small.lines())
        .extracting(ExplanationSlice.Line::number)
        .containsExactly(1L, 11L, 12L);
    assertThat(small.lines().get(2).toString())
        .isEqualTo("line 12: {\"type\":\"ALLOC\",\"r\":\"b\",\"blocks\":[0]}");
    assertThatThrownBy(() -> new ExplanationSlice(violation, 2))
        .hasMessage("records must be at least 3, but was 2");
  }

  @Test
  void anIdMayComeAgainWhileItsLastLifeIsStillInFlight() {
    CheckReport report =
        TraceChecks.check(
            Lines.trace(
                """
                CONFIG blocks=4 blockTokens=4 slots=2 tokenBudget=8 depth=2
                ARRIVE r=a prompt=4 maxNew=2
                ALLOC r=a blocks=[0]
                STEP step=0 batch=[a:0+4p] total=4 waiting=0 running=1 free=3
                CANCEL r=a reason=cancelled
                ARRIVE r=a prompt=8 maxNew=1
                ALLOC r=a blocks=[1,2]
                STEP step=1 batch=[a:0+8p] total=8 waiting=0 running=1 free=1
                COMPLETE step=0
                RELEASE r=a blocks=[0]
                COMPLETE step=1
                OUTPUT step=1 r=a accepted=1 position=0
                FINISH r=a reason=length output=1
                RELEASE r=a blocks=[2,1]
                GAUGE name=free value=4
                """));
    assertThat(report.violations()).isEmpty();
    assertThat(report.verdict(Invariant.INV_13).convincing()).isTrue();
  }

  @Test
  void aLogThatNamesItsSchedulerThroughoutHasNoOther() {
    CheckReport report =
        TraceChecks.check(
            Lines.trace(
                """
                CONFIG on=x tokenBudget=4
                ARRIVE on=x r=a prompt=4 maxNew=1
                STEP on=x step=0 batch=[a:0+4p] total=4
                """));
    assertThat(report.verdict(Invariant.INV_26).kind()).isEqualTo(Verdict.Kind.HOLDS);
  }

  @Test
  void anExplanationLeavesOutWhatConcernsOthers() {
    List<TraceEvent> trace =
        Lines.trace(
            """
            ARRIVE r=a prompt=4 maxNew=2
            PREEMPT r=x mode=recompute beneficiary=y
            PREEMPT r=x mode=recompute
            PUBLISH block=9 key=k
            PUBLISH key=k
            EVICT block=0 key=k
            ALLOC r=x blocks=[1]
            IDLE
            GAUGE name=free value=2
            """);
    assertThat(slice(trace, new Violation(Invariant.INV_10, 9, "", List.of("a"), List.of(0L))))
        .containsExactly(1L, 6L, 9L);
    assertThat(slice(trace, new Violation(Invariant.INV_08, 9, "", List.of(), List.of())))
        .containsExactly(7L, 8L, 9L);
    assertThat(slice(trace, new Violation(Invariant.INV_08, 9, "", List.of(), List.of(1L))))
        .containsExactly(7L, 9L);
    assertThat(slice(trace, new Violation(Invariant.INV_08, 9, "", List.of("y"), List.of())))
        .containsExactly(2L, 9L);
  }

  private static List<Long> slice(List<TraceEvent> trace, Violation violation) {
    ExplanationSlice slice = new ExplanationSlice(violation, 4);
    trace.forEach(slice::accept);
    return slice.lines().stream().map(ExplanationSlice.Line::number).toList();
  }

  @Test
  void aLeakNamesTheBlocksThatAreLeft() {
    Violation violation =
        TraceChecks.check(
                Lines.trace(
                    """
                    CONFIG blocks=4 blockTokens=4
                    ARRIVE r=a prompt=12 maxNew=2
                    ALLOC r=a blocks=[0,1,2]
                    RELEASE r=a blocks=[1] at=1
                    FINISH r=a reason=stopped
                    DRAINED
                    """))
            .verdict(Invariant.INV_13)
            .violation()
            .orElseThrow();
    assertThat(violation.requests()).containsExactly("a");
    assertThat(violation.blocks()).containsExactly(0L, 2L);
  }
}
