package io.headway.testkit.mutant;

import io.headway.api.Invariant;
import io.headway.testkit.scenario.Campaign;
import io.headway.testkit.scenario.CampaignResult;
import io.headway.testkit.scenario.Failure;
import io.headway.testkit.scenario.Minimiser;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Which rule finds which planted bug: every mutant is attacked from several seeds, every correct
 * subject must pass, and every rule is left out once to see whether anybody would notice. Equal
 * arguments give equal results, whatever the number of threads.
 *
 * @param seeds attacks of each mutant
 * @param tries most scenarios of an attack
 * @param referenceTries scenarios that every correct subject must pass
 * @param mutants what happened to each mutant
 * @param references what happened to each correct subject
 * @param rules what happened when each rule was left out
 */
public record KillMatrix(
    int seeds,
    int tries,
    int referenceTries,
    List<MutantRow> mutants,
    List<ReferenceRow> references,
    List<RuleRow> rules) {
  private static final long FIRST_SEED = Campaign.DEFAULT_SEED;

  /** Copies the lists. */
  public KillMatrix {
    mutants = List.copyOf(mutants);
    references = List.copyOf(references);
    rules = List.copyOf(rules);
  }

  /**
   * One attack that found something.
   *
   * @param seed it started from
   * @param tries scenarios until then
   * @param by the rule that was broken first
   * @param also other rules that the small scenario breaks
   * @param namedTries scenarios until an expected rule was broken; 0 if none was
   * @param events events of the small scenario; only the first seed's scenario is made small, and
   *     for the others this is 0
   * @param requests requests of the small scenario; likewise
   */
  public record Kill(
      long seed,
      int tries,
      Invariant by,
      List<Invariant> also,
      int namedTries,
      int events,
      int requests) {
    /** Copies the list. */
    public Kill {
      also = List.copyOf(also);
    }

    /**
     * Returns whether an expected rule was broken within the tries.
     *
     * @return true if the mutant was killed as it should be
     */
    public boolean named() {
      return namedTries > 0;
    }
  }

  /**
   * What happened to a mutant.
   *
   * @param mutant the mutant
   * @param kills attacks that found something
   * @param survived seeds of attacks that found nothing
   */
  public record MutantRow(Mutant mutant, List<Kill> kills, List<Long> survived) {
    /** Copies the lists. */
    public MutantRow {
      kills = List.copyOf(kills);
      survived = List.copyOf(survived);
    }

    /**
     * Counts the rules that were broken first.
     *
     * @return attacks by rule
     */
    public Map<Invariant, Integer> by() {
      Map<Invariant, Integer> by = new EnumMap<>(Invariant.class);
      kills.forEach(kill -> by.merge(kill.by(), 1, Integer::sum));
      return Collections.unmodifiableMap(by);
    }

    /**
     * Returns whether every attack broke an expected rule.
     *
     * @return true if the mutant was always killed as it should be
     */
    public boolean named() {
      return survived.isEmpty() && kills.stream().allMatch(Kill::named);
    }
  }

  /**
   * What happened to a correct subject.
   *
   * @param reference the subject
   * @param tries scenarios that were run
   * @param failure how it failed, if it did
   * @param exercised how often each rule could have been broken
   */
  public record ReferenceRow(
      Reference reference, int tries, Optional<Failure> failure, Map<Invariant, Long> exercised) {}

  /**
   * What happened when a rule was left out.
   *
   * @param rule the rule
   * @param kills mutants that it killed in some attack
   * @param survivors mutants of these that nothing else kills from the first seed
   * @param exercised how often correct subjects could have broken it
   */
  public record RuleRow(
      Invariant rule, List<String> kills, List<String> survivors, long exercised) {
    /** Copies the lists. */
    public RuleRow {
      kills = List.copyOf(kills);
      survivors = List.copyOf(survivors);
    }

    /**
     * Returns whether leaving the rule out, or spoiling it, is noticed: some mutant is then killed
     * by another rule or not at all, which changes the matrix, and correct subjects exercise it, so
     * that a false alarm, or an exercise that is not counted, would be seen.
     *
     * @return true if it kills a mutant first and is exercised
     */
    public boolean noticed() {
      return !kills.isEmpty() && exercised > 0;
    }
  }

  /**
   * Runs everything.
   *
   * @param mutants to be attacked
   * @param references must pass
   * @param seeds attacks of each mutant, at least 1
   * @param tries most scenarios of an attack
   * @param referenceTries scenarios that every correct subject must pass
   * @param threads how many run at once, at least 1
   * @param progress takes a line after each
   * @return the matrix
   */
  public static KillMatrix run(
      List<Mutant> mutants,
      List<Reference> references,
      int seeds,
      int tries,
      int referenceTries,
      int threads,
      Consumer<String> progress) {
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      List<ReferenceRow> passed =
          all(
              pool,
              references,
              each -> reference(each, referenceTries),
              each -> say(each),
              progress);
      List<MutantRow> killed =
          all(pool, mutants, each -> mutant(each, seeds, tries), each -> say(each), progress);
      List<RuleRow> rules =
          all(
              pool,
              List.of(Invariant.values()),
              each -> rule(each, killed, passed, tries),
              each -> say(each),
              progress);
      return new KillMatrix(seeds, tries, referenceTries, killed, passed, rules);
    } finally {
      pool.shutdownNow();
    }
  }

  private interface Work<T, R> {
    R of(T each);
  }

  private static <T, R> List<R> all(
      ExecutorService pool,
      List<T> inputs,
      Work<T, R> work,
      Work<R, String> say,
      Consumer<String> progress) {
    List<Future<R>> futures = new ArrayList<>();
    for (T input : inputs) {
      Callable<R> call = () -> work.of(input);
      futures.add(pool.submit(call));
    }
    List<R> results = new ArrayList<>();
    for (Future<R> future : futures) {
      try {
        R result = future.get();
        progress.accept(say.of(result));
        results.add(result);
      } catch (ExecutionException e) {
        throw new IllegalStateException("an attack could not be run", e.getCause());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("interrupted while attacks were running", e);
      }
    }
    return results;
  }

  private static String say(ReferenceRow row) {
    return row.reference().name()
        + row.failure().map(f -> " FAILS " + f.violation()).orElse(" passes " + row.tries());
  }

  private static String say(MutantRow row) {
    return row.mutant().id()
        + " killed by "
        + row.by()
        + (row.survived().isEmpty() ? "" : " SURVIVES seeds " + row.survived())
        + (row.named() ? "" : " not always by " + row.mutant().expected());
  }

  private static String say(RuleRow row) {
    return "without "
        + row.rule().code()
        + (row.survivors().isEmpty() ? " NOBODY survives" : " " + row.survivors() + " survive");
  }

  private static ReferenceRow reference(Reference reference, int tries) {
    CampaignResult result = reference.campaign().seed(FIRST_SEED).tries(tries).run();
    return new ReferenceRow(reference, result.tries(), result.failure(), result.exercised());
  }

  private static MutantRow mutant(Mutant mutant, int seeds, int tries) {
    List<Kill> kills = new ArrayList<>();
    List<Long> survived = new ArrayList<>();
    for (long seed = FIRST_SEED; seed < FIRST_SEED + seeds; seed++) {
      CampaignResult result =
          mutant
              .campaign()
              .minimiserRuns(seed == FIRST_SEED ? Minimiser.DEFAULT_MAX_RUNS : 0)
              .seed(seed)
              .tries(tries)
              .run();
      if (result.failure().isPresent()) {
        kills.add(kill(mutant, result, result.failure().get(), tries));
      } else {
        survived.add(seed);
      }
    }
    return new MutantRow(mutant, kills, survived);
  }

  private static Kill kill(Mutant mutant, CampaignResult result, Failure failure, int tries) {
    Invariant by = failure.violation().invariant();
    int named = result.tries();
    if (!mutant.expected().contains(by)) {
      CampaignResult expected =
          mutant
              .campaign()
              .only(EnumSet.copyOf(mutant.expected()))
              .seed(result.seed())
              .tries(tries)
              .minimiserRuns(0)
              .run();
      named = expected.killedBy().isPresent() ? expected.tries() : 0;
    }
    return new Kill(
        result.seed(),
        result.tries(),
        by,
        failure.also(),
        named,
        result.seed() == FIRST_SEED ? failure.minimal().events().size() : 0,
        result.seed() == FIRST_SEED ? failure.minimal().requests() : 0);
  }

  /** Attacks what a rule kills without it, until enough survive to show that it is needed. */
  private static RuleRow rule(
      Invariant rule, List<MutantRow> mutants, List<ReferenceRow> references, int tries) {
    Set<Invariant> others = EnumSet.complementOf(EnumSet.of(rule));
    List<String> kills = new ArrayList<>();
    List<String> survivors = new ArrayList<>();
    for (MutantRow row : mutants) {
      if (!row.by().containsKey(rule)) {
        continue;
      }
      kills.add(row.mutant().id());
      if (survivors.isEmpty()) {
        CampaignResult without =
            row.mutant()
                .campaign()
                .only(others)
                .seed(FIRST_SEED)
                .tries(tries)
                .minimiserRuns(0)
                .run();
        if (without.killedBy().isEmpty()) {
          survivors.add(row.mutant().id());
        }
      }
    }
    long exercised = 0;
    for (ReferenceRow row : references) {
      exercised += row.exercised().getOrDefault(rule, 0L);
    }
    return new RuleRow(rule, kills, survivors, exercised);
  }

  /**
   * Returns what is wrong with the testkit.
   *
   * @return a sentence for each mutant that survives, each correct subject that fails and each rule
   *     that nobody would miss; empty if all is well
   */
  public List<String> complaints() {
    List<String> complaints = new ArrayList<>();
    for (ReferenceRow row : references) {
      row.failure()
          .ifPresent(
              failure ->
                  complaints.add(
                      row.reference().name() + " is correct, but breaks " + failure.violation()));
    }
    for (MutantRow row : mutants) {
      if (!row.survived().isEmpty()) {
        complaints.add(
            row.mutant().id() + " (" + row.mutant().title() + ") survives seeds " + row.survived());
      }
    }
    for (RuleRow row : rules) {
      if (!row.noticed()) {
        complaints.add(
            row.rule().code()
                + (row.exercised() == 0
                    ? " is exercised by no correct subject"
                    : " kills no mutant first, so that nobody would miss it"));
      }
    }
    return Collections.unmodifiableList(complaints);
  }

  /**
   * Returns the middle of all small scenarios' events.
   *
   * @return the median over the mutants, 0 without any
   */
  public int medianEvents() {
    return median(small().map(Kill::events).toList());
  }

  /**
   * Returns the middle of all small scenarios' requests.
   *
   * @return the median over the mutants, 0 without any
   */
  public int medianRequests() {
    return median(small().map(Kill::requests).toList());
  }

  private Stream<Kill> small() {
    return mutants.stream().flatMap(row -> row.kills().stream()).filter(kill -> kill.events() > 0);
  }

  static int median(List<Integer> values) {
    List<Integer> sorted = values.stream().sorted().toList();
    return sorted.isEmpty() ? 0 : sorted.get(sorted.size() / 2);
  }
}
