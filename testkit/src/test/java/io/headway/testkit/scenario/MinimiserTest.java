package io.headway.testkit.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Invariant;
import java.util.List;
import org.junit.jupiter.api.Test;

class MinimiserTest {
  private static final Field ROOM = Field.of("room", 0, 100);
  private static final Field SIZE = Field.of("size", 0, 100);
  private static final EventType COME = EventType.request("come", SIZE);
  private static final EventType WAIT = EventType.of("wait");
  private static final Vocabulary WORDS =
      new Vocabulary("test", List.of(ROOM), List.of(COME, WAIT));

  /** Breaks a rule with the second guest of at least 10, and another one with any of 50. */
  private static Outcome run(Scenario scenario) {
    Observations seen = new Observations(false);
    int large = 0;
    for (int i = 0; i < scenario.events().size(); i++) {
      seen.event(i);
      Event event = scenario.events().get(i);
      if (event.is(COME) && event.get(SIZE) >= 50) {
        seen.violated(Invariant.INV_02, "guest", "too large", "");
      }
      if (event.is(COME) && event.get(SIZE) >= 10 && ++large == 2) {
        seen.violated(Invariant.INV_01, "guest", "two large guests", "");
      }
    }
    return seen.outcome();
  }

  private static Scenario crowded() {
    Scenario.Builder scenario = WORDS.scenario(1).set(ROOM, 77);
    for (int i = 0; i < 30; i++) {
      scenario.add(COME.with(i % 7 * 10)).add(WAIT.with());
    }
    return scenario.build();
  }

  @Test
  void theSmallestScenarioThatBreaksTheSameRuleIsFound() {
    Violation target = run(crowded()).violation(Invariant.INV_01).orElseThrow();
    Minimiser.Result result =
        Minimiser.minimise(MinimiserTest::run, crowded(), target, Minimiser.DEFAULT_MAX_RUNS);
    assertThat(result.scenario().toString()).isEqualTo("test[] come(size=10); come(size=10)");
    assertThat(result.violation().invariant()).isEqualTo(Invariant.INV_01);
    assertThat(result.fromEvents()).isEqualTo(60);
    assertThat(result.exhausted()).isFalse();
  }

  @Test
  void shrinkingDoesNotSlideToAnotherRule() {
    Violation target = run(crowded()).violation(Invariant.INV_02).orElseThrow();
    Minimiser.Result result =
        Minimiser.minimise(MinimiserTest::run, crowded(), target, Minimiser.DEFAULT_MAX_RUNS);
    assertThat(result.scenario().toString()).isEqualTo("test[] come(size=50)");
  }

  @Test
  void theBudgetIsKeptAndSaid() {
    Violation target = run(crowded()).violation(Invariant.INV_01).orElseThrow();
    Minimiser.Result result = Minimiser.minimise(MinimiserTest::run, crowded(), target, 3);
    assertThat(result.runs()).isEqualTo(3);
    assertThat(result.exhausted()).isTrue();
    assertThat(run(result.scenario()).violation(Invariant.INV_01)).isPresent();
  }
}
