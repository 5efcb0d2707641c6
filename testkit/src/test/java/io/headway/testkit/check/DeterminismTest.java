package io.headway.testkit.check;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import java.util.List;
import org.junit.jupiter.api.Test;

class DeterminismTest {
  private static final List<TraceEvent> FIRST =
      Lines.trace("ARRIVE r=a prompt=4 maxNew=2\nSTEP step=0 batch=[a:0+4p] total=4");

  @Test
  void equalRunsHold() {
    Verdict verdict = against(FIRST);
    assertThat(verdict.kind()).isEqualTo(Verdict.Kind.HOLDS);
    assertThat(verdict.exercised()).isEqualTo(2);
  }

  @Test
  void aRunThatDiffersIsReportedOnceAtItsFirstDifference() {
    Verdict verdict =
        against(Lines.trace("ARRIVE r=a prompt=5 maxNew=2\nSTEP step=0 batch=[a:0+5p] total=5"));
    assertThat(verdict.violation().orElseThrow().line()).isEqualTo(1);
    assertThat(verdict.violation().orElseThrow().requests()).containsExactly("a");
    assertThat(verdict.detail()).contains("\"prompt\":5");
    assertThat(verdict.violations()).isEqualTo(1);
  }

  @Test
  void aRunThatEndsEarlierOrLaterDiffers() {
    assertThat(against(FIRST.subList(0, 1)).detail()).contains("ends before this record");
    assertThat(
            against(
                    Lines.trace(
                        "ARRIVE r=a prompt=4 maxNew=2\n"
                            + "STEP step=0 batch=[a:0+4p] total=4\nDRAINED"))
                .detail())
        .contains("goes on with {\"type\":\"DRAINED\"}");
  }

  private static Verdict against(List<TraceEvent> second) {
    TraceChecks checks =
        TraceChecks.of(CheckOptions.DEFAULT, rule -> rule == Invariant.INV_39, second.iterator());
    FIRST.forEach(checks::accept);
    return checks.finish().verdict(Invariant.INV_39);
  }
}
