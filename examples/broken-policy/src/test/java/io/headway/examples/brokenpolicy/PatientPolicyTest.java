package io.headway.examples.brokenpolicy;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Invariant;
import io.headway.testkit.drive.EngineRules;
import io.headway.testkit.scenario.Campaign;
import io.headway.testkit.scenario.CampaignResult;
import io.headway.testkit.scenario.Failure;
import io.headway.testkit.scenario.FailureReport;
import io.headway.testkit.subject.RuntimeSubject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The testkit refutes the broken policy, and the guide shows its report as it is printed. */
class PatientPolicyTest {
  private static Failure failure() {
    CampaignResult result =
        Campaign.of(EngineRules.standard(), RuntimeSubject.hosting(new PatientPolicy())).run();
    return result.failure().orElseThrow();
  }

  @Test
  void theTestkitFindsTheBugAndMakesItSmall() {
    Failure failure = failure();
    assertThat(failure.violation().invariant()).isEqualTo(Invariant.INV_23);
    assertThat(failure.minimal().events().size()).isLessThanOrEqualTo(8);
    assertThat(failure.minimal().requests()).isLessThanOrEqualTo(3);
  }

  @Test
  void theGuideShowsTheReportAsItIsPrinted() throws IOException {
    Path guide = Path.of("..", "..", "docs", "property-test-your-scheduler.md");
    assertThat(Files.readString(guide))
        .contains("```text\n" + FailureReport.print(failure()) + "```");
  }

  @Test
  void theGuideShowsTheContractAsItIsCompiled() throws IOException {
    Path guide = Path.of("..", "..", "docs", "property-test-your-scheduler.md");
    String source =
        Files.readString(
            Path.of("src/test/java/io/headway/examples/brokenpolicy/PatientPolicyContract.java"));
    assertThat(Files.readString(guide)).contains(source.substring(source.indexOf("class ")));
  }
}
