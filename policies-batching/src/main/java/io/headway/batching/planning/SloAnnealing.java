package io.headway.batching.planning;

import io.headway.api.RandomSource;
import io.headway.batching.internal.Arguments;
import java.util.Arrays;

/**
 * Improves a plan of {@link SloSchedule} by simulated annealing.
 *
 * <ol>
 *   <li>Start: the better of first come and ascending exec, first come on a tie; if all objectives
 *       hold in the ascending plan, it is returned at once.
 *   <li>Temperatures from {@code startTemperature} down to {@code endTemperature}, each {@code
 *       cooling} times the one before (63 levels by default), {@code movesPerLevel} moves at each.
 *   <li>A move, each kind with the same probability: <em>squeeze</em> a job into the batch before,
 *       <em>delay</em> it into the batch behind, or <em>swap</em> two jobs of different batches. A
 *       job delayed out of the last batch opens a new one, without which some plans could not be
 *       reached (ours). A move that makes a batch larger than {@code maxBatch} is drawn again, at
 *       most {@value #MAX_DRAWS} times.
 *   <li>A better plan is accepted, another with probability {@code exp((G' - G) / (kappa * T))},
 *       {@code kappa = G0 / startTemperature}, so that the first level accepts the loss of all of
 *       G0 with probability 1/e (ours; the paper leaves the scale open).
 *   <li>The best plan seen is returned: never worse than either start.
 * </ol>
 *
 * <p>O(levels * moves * jobs): 6,300 evaluations by default. Immutable and thread-safe.
 *
 * <p>Source: SLO-aware scheduling by simulated annealing, arXiv 2504.14966; schedule constants and
 * moves are not verified against it, hence configurable.
 *
 * @param maxBatch most jobs of a batch, at least 1
 * @param startTemperature first temperature, above 0
 * @param endTemperature least temperature, above 0
 * @param cooling factor between levels, in (0, 1)
 * @param movesPerLevel moves at one temperature, at least 0
 */
public record SloAnnealing(
    int maxBatch,
    double startTemperature,
    double endTemperature,
    double cooling,
    int movesPerLevel) {
  /** First temperature. */
  public static final double DEFAULT_START_TEMPERATURE = 500;

  /** Least temperature. */
  public static final double DEFAULT_END_TEMPERATURE = 20;

  /** Factor between temperatures. */
  public static final double DEFAULT_COOLING = 0.95;

  /** Moves at one temperature. */
  public static final int DEFAULT_MOVES_PER_LEVEL = 100;

  private static final int MAX_DRAWS = 64;
  private static final int SQUEEZE = 0;
  private static final int DELAY = 1;
  private static final int KINDS = 3;

  public SloAnnealing {
    Arguments.atLeast("maxBatch", maxBatch, 1, "job");
    Arguments.positive("startTemperature", startTemperature, "");
    Arguments.positive("endTemperature", endTemperature, "");
    Arguments.within("cooling", cooling, Double.MIN_VALUE, Math.nextDown(1.0), "");
    Arguments.atLeast("movesPerLevel", movesPerLevel, 0, "moves");
  }

  /**
   * Makes the annealing with the default schedule.
   *
   * @param maxBatch most jobs of a batch, at least 1
   * @return the annealing
   */
  public static SloAnnealing withBatchesOf(int maxBatch) {
    return new SloAnnealing(
        maxBatch,
        DEFAULT_START_TEMPERATURE,
        DEFAULT_END_TEMPERATURE,
        DEFAULT_COOLING,
        DEFAULT_MOVES_PER_LEVEL);
  }

  /**
   * The two plans the annealing may start from.
   *
   * @param firstCome in order of arrival
   * @param ascending by ascending exec
   * @param better the one with the greater G; first come on a tie
   * @param stopEarly whether all objectives hold in the ascending plan
   */
  public record Start(
      SloSchedule.Plan firstCome,
      SloSchedule.Plan ascending,
      SloSchedule.Plan better,
      boolean stopEarly) {}

  /**
   * Returns where the annealing starts.
   *
   * @param schedule the jobs
   * @return both plans and the better one
   */
  public Start start(SloSchedule schedule) {
    SloSchedule.Plan firstCome = schedule.firstCome(maxBatch);
    SloSchedule.Plan ascending = schedule.ascending(maxBatch);
    boolean ascendingIsBetter = ascending.worth().objective() > firstCome.worth().objective();
    return new Start(
        firstCome,
        ascending,
        ascendingIsBetter ? ascending : firstCome,
        ascending.worth().metCount() == schedule.jobs().size());
  }

  /**
   * Returns the probability of accepting a candidate.
   *
   * @param kappa scale of the objective, at least 0
   * @param objective G of the current plan
   * @param candidateObjective G of the candidate
   * @param temperature above 0
   * @return 1 for a better or equal one, otherwise {@code exp((G' - G) / (kappa * T))}
   */
  public static double acceptProbability(
      double kappa, double objective, double candidateObjective, double temperature) {
    if (candidateObjective >= objective) {
      return 1;
    }
    return kappa == 0 ? 0 : Math.exp((candidateObjective - objective) / (kappa * temperature));
  }

  /**
   * Plans.
   *
   * @param schedule the jobs
   * @param random the source of moves
   * @return the best plan seen
   */
  public SloSchedule.Plan plan(SloSchedule schedule, RandomSource random) {
    Start start = start(schedule);
    if (start.stopEarly()) {
      return start.ascending();
    }
    SloSchedule.Plan best = start.better();
    if (schedule.jobs().size() < 2) {
      return best;
    }
    Walk walk = new Walk(schedule, best);
    double kappa = best.worth().objective() / startTemperature;
    double current = best.worth().objective();
    for (double t = startTemperature; t >= endTemperature; t *= cooling) {
      for (int move = 0; move < movesPerLevel; move++) {
        if (!walk.move(random)) {
          continue;
        }
        SloSchedule.Worth worth = walk.worth();
        double candidate = worth.objective();
        double probability = acceptProbability(kappa, current, candidate, t);
        if (probability < 1 && random.nextDouble() >= probability) {
          walk.takeBack();
          continue;
        }
        walk.settle();
        current = candidate;
        if (candidate > best.worth().objective()) {
          best = new SloSchedule.Plan(walk.copy(), worth);
        }
      }
    }
    return best;
  }

  /** A plan that changes by single moves, each of which can be taken back. */
  private final class Walk {
    private final SloSchedule schedule;
    private final int jobs;
    // One row per batch; there are never more batches than jobs.
    private final int[][] batches;
    private final int[] sizes;
    private int count;

    private int fromBatch;
    private int fromAt;
    private int toBatch;
    private int toAt;
    private boolean swapped;

    Walk(SloSchedule schedule, SloSchedule.Plan plan) {
      this.schedule = schedule;
      jobs = schedule.jobs().size();
      batches = new int[jobs + 1][maxBatch < jobs ? maxBatch : jobs];
      sizes = new int[jobs + 1];
      count = plan.batches().length;
      for (int k = 0; k < count; k++) {
        int[] batch = plan.batches()[k];
        sizes[k] = batch.length;
        System.arraycopy(batch, 0, batches[k], 0, batch.length);
      }
    }

    SloSchedule.Worth worth() {
      return schedule.worth(batches, sizes, toBatch == count ? count + 1 : count);
    }

    /** Makes a random move; false if none was found. */
    boolean move(RandomSource random) {
      for (int draw = 0; draw < MAX_DRAWS; draw++) {
        int kind = random.nextInt(KINDS);
        find(random.nextInt(jobs));
        if (kind == SQUEEZE || kind == DELAY) {
          toBatch = kind == SQUEEZE ? fromBatch - 1 : fromBatch + 1;
          boolean alone = sizes[fromBatch] == 1 && toBatch == count;
          if (toBatch >= 0 && !alone && sizes[toBatch] < batches[toBatch].length) {
            shift();
            return true;
          }
        } else {
          int batch = fromBatch;
          int at = fromAt;
          find(random.nextInt(jobs));
          if (fromBatch != batch) {
            toBatch = batch;
            toAt = at;
            swap();
            return true;
          }
        }
      }
      return false;
    }

    private void find(int place) {
      int left = place;
      fromBatch = 0;
      while (left >= sizes[fromBatch]) {
        left -= sizes[fromBatch++];
      }
      fromAt = left;
    }

    private void shift() {
      swapped = false;
      int job = batches[fromBatch][fromAt];
      // The last one fills the gap: order inside a batch means nothing.
      batches[fromBatch][fromAt] = batches[fromBatch][--sizes[fromBatch]];
      toAt = sizes[toBatch]++;
      batches[toBatch][toAt] = job;
    }

    private void swap() {
      swapped = true;
      int job = batches[fromBatch][fromAt];
      batches[fromBatch][fromAt] = batches[toBatch][toAt];
      batches[toBatch][toAt] = job;
    }

    void takeBack() {
      if (swapped) {
        swap();
        return;
      }
      int job = batches[toBatch][--sizes[toBatch]];
      int last = sizes[fromBatch]++;
      batches[fromBatch][last] = batches[fromBatch][fromAt];
      batches[fromBatch][fromAt] = job;
    }

    /** Keeps the move: counts a batch that it opened, drops one that it emptied. */
    void settle() {
      if (toBatch == count) {
        count++;
      }
      if (sizes[fromBatch] == 0) {
        int[] empty = batches[fromBatch];
        for (int k = fromBatch; k + 1 < count; k++) {
          batches[k] = batches[k + 1];
          sizes[k] = sizes[k + 1];
        }
        count--;
        batches[count] = empty;
        sizes[count] = 0;
      }
    }

    int[][] copy() {
      int[][] copy = new int[count][];
      for (int k = 0; k < count; k++) {
        copy[k] = Arrays.copyOf(batches[k], sizes[k]);
      }
      return copy;
    }
  }
}
