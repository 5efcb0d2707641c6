package io.headway.testkit.check;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Invariant;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class CheckersTest {
  static List<Case> cases() {
    return Case.all();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void aCheckerJudgesATraceWrittenByHand(Case each) {
    Verdict verdict = TraceChecks.check(each.trace()).verdict(each.invariant());
    assertThat(each.difference(verdict)).as("%s: %s", each, verdict).isEmpty();
  }

  @Test
  void everyRuleHasTracesThatBreakItKeepItAndDoNotTell() {
    Map<Invariant, Set<Verdict.Kind>> kinds = new EnumMap<>(Invariant.class);
    for (Case each : cases()) {
      kinds
          .computeIfAbsent(each.invariant(), i -> EnumSet.noneOf(Verdict.Kind.class))
          .add(each.kind());
    }
    for (Invariant invariant : Invariant.values()) {
      Set<Verdict.Kind> has = kinds.get(invariant);
      assertThat(has).as(invariant.code()).contains(Verdict.Kind.VIOLATED, Verdict.Kind.UNKNOWN);
      // Only a second run can show that runs agree; DeterminismTest has it.
      if (invariant != Invariant.INV_39) {
        assertThat(has).as(invariant.code()).contains(Verdict.Kind.HOLDS);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Perversion.class)
  void aSpoiltCheckerDoesNotGoUnnoticed(Perversion how) {
    for (Invariant invariant : Invariant.values()) {
      boolean noticed = false;
      boolean applies = false;
      for (Case each : cases()) {
        if (each.invariant() == invariant) {
          CheckReport report = TraceChecks.check(each.trace());
          Verdict spoilt = report.perverted(invariant, how).verdict(invariant);
          applies |= !spoilt.equals(report.verdict(invariant));
          noticed |= !each.difference(spoilt).isEmpty();
        }
      }
      if (applies && !(invariant == Invariant.INV_39 && how == Perversion.UNCOUNTED)) {
        assertThat(noticed).as("%s spoilt as %s", invariant.code(), how).isTrue();
      }
    }
  }
}
