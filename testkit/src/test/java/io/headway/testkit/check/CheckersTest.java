package io.headway.testkit.check;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Invariant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * One test per rule, which runs its own checker alone: a changed checker concerns few of them,
 * which makes mutation testing fast.
 */
class CheckersTest {
  private static final Map<Invariant, List<Case>> CASES =
      Case.all().stream().collect(Collectors.groupingBy(Case::invariant));

  @ParameterizedTest
  @EnumSource(Invariant.class)
  void aCheckerJudgesTracesWrittenByHand(Invariant invariant) {
    List<String> differences = new ArrayList<>();
    for (Case each : CASES.get(invariant)) {
      String difference = each.difference(alone(each).verdict(invariant));
      if (!difference.isEmpty()) {
        differences.add(each + ": " + difference);
      }
    }
    assertThat(differences).isEmpty();
  }

  @Test
  void aRuleSaysTheSameAmongTheOthers() {
    for (List<Case> cases : CASES.values()) {
      for (Case each : cases) {
        assertThat(TraceChecks.check(each.trace()).verdict(each.invariant()))
            .as(each.toString())
            .isEqualTo(alone(each).verdict(each.invariant()));
      }
    }
  }

  @Test
  void everyRuleHasTracesThatBreakItKeepItAndDoNotTell() {
    for (Invariant invariant : Invariant.values()) {
      Set<Verdict.Kind> has =
          CASES.get(invariant).stream().map(Case::kind).collect(Collectors.toSet());
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
      for (Case each : CASES.get(invariant)) {
        CheckReport report = alone(each);
        Verdict spoilt = report.perverted(invariant, how).verdict(invariant);
        applies |= !spoilt.equals(report.verdict(invariant));
        noticed |= !each.difference(spoilt).isEmpty();
      }
      if (applies && !(invariant == Invariant.INV_39 && how == Perversion.UNCOUNTED)) {
        assertThat(noticed).as("%s spoilt as %s", invariant.code(), how).isTrue();
      }
    }
  }

  private static CheckReport alone(Case each) {
    TraceChecks checks = TraceChecks.of(CheckOptions.DEFAULT, rule -> rule == each.invariant());
    each.trace().forEach(checks::accept);
    return checks.finish();
  }
}
