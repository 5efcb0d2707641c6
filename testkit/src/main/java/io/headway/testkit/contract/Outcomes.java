package io.headway.testkit.contract;

import io.headway.api.Invariant;
import io.headway.testkit.scenario.Outcome;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;

/** What the scenarios of one contract class showed, so that each is run once for all its rules. */
final class Outcomes {
  private final Map<Long, Outcome> bySeed = new HashMap<>();
  private final Map<Invariant, Long> exercised = new EnumMap<>(Invariant.class);

  interface Run {
    Outcome outcome();
  }

  synchronized Outcome of(long seed, Run run) {
    Outcome known = bySeed.get(seed);
    if (known == null) {
      known = run.outcome();
      bySeed.put(seed, known);
      known.exercised().forEach((rule, times) -> exercised.merge(rule, times, Long::sum));
    }
    return known;
  }

  synchronized long exercised(Invariant rule) {
    return exercised.getOrDefault(rule, 0L);
  }
}
