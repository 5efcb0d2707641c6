package io.headway.testkit.mutant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.headway.api.Invariant;
import io.headway.testkit.scenario.Campaign;
import io.headway.testkit.scenario.CampaignResult;
import io.headway.testkit.scenario.FailureReport;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Attacks every mutant from one seed; {@code KillMatrixIT} does it from ten. */
class MutantsTest {
  private static final int TRIES = 1_000;
  private static final int REFERENCE_TRIES = 300;

  static List<Mutant> mutants() {
    return Mutants.all();
  }

  static List<Reference> references() {
    return Mutants.references();
  }

  @ParameterizedTest
  @MethodSource("mutants")
  void aMutantIsKilledByARuleNamedBeforehand(Mutant mutant) {
    Campaign<?> campaign = mutant.campaign().tries(TRIES).minimiserRuns(0);
    CampaignResult any = campaign.run();
    assertThat(any.killedBy()).as("%s: %s", mutant.id(), mutant.title()).isPresent();
    if (!mutant.expected().contains(any.killedBy().orElseThrow())) {
      CampaignResult named = campaign.only(EnumSet.copyOf(mutant.expected())).run();
      assertThat(named.killedBy())
          .as("%s was killed by %s only", mutant.id(), any.killedBy())
          .isPresent();
    }
  }

  @ParameterizedTest
  @MethodSource("references")
  void aCorrectSubjectPasses(Reference reference) {
    CampaignResult result = reference.campaign().tries(REFERENCE_TRIES).run();
    if (result.failure().isPresent()) {
      fail("\n" + FailureReport.print(result.failure().get()));
    }
    assertThat(result.exercised()).isNotEmpty();
  }

  @Test
  void idsAreUnique() {
    Set<String> ids = new HashSet<>();
    for (Mutant mutant : mutants()) {
      assertThat(ids.add(mutant.id())).as(mutant.id()).isTrue();
      assertThat(mutant.id()).matches("[BH]-\\d\\d[a-d]?");
      assertThat(mutant.title()).isNotBlank();
      assertThat(mutant.source()).isNotBlank();
      assertThat(mutant.expected()).doesNotContainNull().doesNotHaveDuplicates();
    }
    for (Reference reference : references()) {
      assertThat(ids.add(reference.name())).as(reference.name()).isTrue();
    }
  }

  @Test
  void anIdIsMadeOfTheConstantsName() {
    assertThat(Named.B_27A.id()).isEqualTo("B-27a");
    assertThat(Named.H_07.id()).isEqualTo("H-07");
  }

  private enum Named implements Fault {
    B_27A,
    H_07;

    @Override
    public String title() {
      return "a title";
    }

    @Override
    public String source() {
      return "a family";
    }

    @Override
    public List<Invariant> expected() {
      return List.of(Invariant.INV_01);
    }
  }
}
