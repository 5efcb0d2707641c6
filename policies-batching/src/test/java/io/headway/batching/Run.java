package io.headway.batching;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.batching.End;
import io.headway.api.batching.WorkKind;
import io.headway.api.prediction.LengthPredictor;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.EngineStats;
import io.headway.runtime.Limits;
import io.headway.runtime.RuntimeListener;
import io.headway.runtime.StepResult;
import io.headway.runtime.SubmitResult;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Runs jobs through a scheduler over a paged pool, in virtual iterations, and records everything. A
 * policy that breaks a rule or stalls makes the run throw. On the way it checks what must hold for
 * every policy: limits, one place per request, tokens that only grow, an empty pool at the end.
 */
public final class Run {
  private static final int MAX_CALLS = 100;
  private static final int MAX_ITERATIONS = 100_000;

  /** One row of a batch. */
  public record Row(String id, WorkKind kind, int tokens, boolean emits) {
    /** {@code r1:P10} or {@code r1:D1}, as in the tables of the papers' worked examples. */
    @Override
    public String toString() {
      return id + ":" + (kind == WorkKind.DECODE ? "D" : "P") + tokens;
    }
  }

  /** One iteration. */
  public record Step(
      int iteration,
      List<Row> rows,
      List<String> admitted,
      List<String> preempted,
      List<String> finished,
      List<String> rejected,
      int blocksInUse,
      int paddingTokens) {
    public int tokens() {
      return rows.stream().mapToInt(Row::tokens).sum();
    }

    /** The rows by id, such as {@code r1:D1 r3:P14}. */
    public String batch() {
      return String.join(
          " ", rows.stream().sorted(Comparator.comparing(Row::id)).map(Row::toString).toList());
    }
  }

  /** What a run is made of. */
  public static final class Setup {
    private final BatchingPolicy<?> policy;
    private int blocks = 12;
    private int blockTokens = 4;
    private int hostBlocks;
    private int maxSequences = 4;
    private int maxTokens = Integer.MAX_VALUE;
    private int depth = 1;
    private boolean fastForward;
    private long cancelSeed = -1;
    private long iterationNanos = 1;
    private boolean prefixCaching;
    private LengthPredictor<?> predictor;
    private RandomSource random;

    private Setup(BatchingPolicy<?> policy) {
      this.policy = policy;
    }

    public Setup pool(int count, int tokens) {
      blocks = count;
      blockTokens = tokens;
      return this;
    }

    public Setup host(int count) {
      hostBlocks = count;
      return this;
    }

    public Setup limits(int sequences, int tokens) {
      maxSequences = sequences;
      maxTokens = tokens;
      return this;
    }

    public Setup depth(int plans) {
      depth = plans;
      return this;
    }

    /** Jumps over iterations that the scheduler says repeat. */
    public Setup fastForward() {
      fastForward = true;
      return this;
    }

    /** Cancels a live request now and then. */
    public Setup cancelling(long seed) {
      cancelSeed = seed;
      return this;
    }

    /** Lets requests find each other's prefixes in the pool. */
    public Setup prefixCaching() {
      prefixCaching = true;
      return this;
    }

    /** How long an iteration takes; 1 ns unless set. */
    public Setup iterationNanos(long nanos) {
      iterationNanos = nanos;
      return this;
    }

    public Setup predictor(LengthPredictor<?> value) {
      predictor = value;
      return this;
    }

    /** What the policy draws from. */
    public Setup random(RandomSource value) {
      random = value;
      return this;
    }

    public Run run(List<Job> jobs) {
      return new Run(this, jobs);
    }
  }

  private final Map<String, Job> jobs = new LinkedHashMap<>();
  private final List<Step> steps = new ArrayList<>();
  private final Map<String, Integer> produced = new TreeMap<>();
  private final Map<String, Integer> firstToken = new TreeMap<>();
  private final Map<String, Integer> finish = new TreeMap<>();
  private final List<String> cancelled = new ArrayList<>();
  private final Map<String, Integer> expired = new TreeMap<>();
  private final List<String> admitted = new ArrayList<>();
  private final List<String> preempted = new ArrayList<>();
  private final EngineScheduler scheduler;
  private int now;
  private final long iterationNanos;

  private Run(Setup setup, List<Job> input) {
    iterationNanos = setup.iterationNanos;
    List<Job> sorted = new ArrayList<>(input);
    sorted.sort(Comparator.comparingInt(Job::arrival).thenComparing(Job::id));
    sorted.forEach(job -> jobs.put(job.id(), job));
    EngineScheduler.Builder builder =
        EngineScheduler.builder()
            .policy(setup.policy)
            .limits(Limits.of(setup.maxSequences, setup.maxTokens))
            .pool(
                PagedKvBlockPool.of(
                    PagedKvConfig.of(setup.blockTokens, setup.blocks)
                        .withHostBlocks(setup.hostBlocks)
                        .withPrefixCaching(setup.prefixCaching)))
            .depth(setup.depth)
            .listener(new Listener())
            .strict();
    if (setup.predictor != null) {
      builder.predictor(setup.predictor);
    }
    if (setup.random != null) {
      builder.random(setup.random);
    }
    scheduler = builder.build();
    run(setup, new ArrayDeque<>(sorted));
  }

  /** Starts a run: 12 blocks of 4 tokens, 4 sequences, no token limit, depth 1. */
  public static Setup with(BatchingPolicy<?> policy) {
    return new Setup(policy);
  }

  public List<Step> steps() {
    return steps;
  }

  public Step step(int iteration) {
    return steps.get(iteration);
  }

  public Map<String, Integer> finish() {
    return finish;
  }

  public Map<String, Integer> firstToken() {
    return firstToken;
  }

  public List<String> cancelled() {
    return cancelled;
  }

  /** When batch work expired, by id. */
  public Map<String, Integer> expired() {
    return expired;
  }

  public Job job(String id) {
    return jobs.get(id);
  }

  public int preemptions() {
    return steps.stream().mapToInt(step -> step.preempted().size()).sum();
  }

  /** One line per iteration: batch, {@code |}, preempted, {@code |}, blocks in use. */
  public List<String> table() {
    return steps.stream()
        .map(
            step ->
                step.batch()
                    + " | "
                    + String.join(" ", step.preempted())
                    + " | "
                    + step.blocksInUse())
        .toList();
  }

  private void run(Setup setup, Deque<Job> pending) {
    RandomSource cancels = RandomSource.seeded(setup.cancelSeed);
    Deque<BatchPlan> flying = new ArrayDeque<>();
    while (!pending.isEmpty() || !scheduler.isIdle()) {
      assertThat(now).as("iterations").isLessThan(MAX_ITERATIONS);
      List<String> rejected = submit(pending, now);
      if (setup.cancelSeed >= 0 && cancels.nextInt(8) == 0) {
        cancelOne(cancels, now);
      }
      BatchPlan plan = null;
      admitted.clear();
      preempted.clear();
      if (scheduler.canPlan()) {
        plan = next(flying.isEmpty());
        checkPlan(setup, plan);
      }
      EngineStats stats = scheduler.stats();
      List<Row> rows = plan == null ? List.of() : rows(plan);
      int padding = plan == null ? 0 : plan.paddingTokens();
      List<String> started = List.copyOf(admitted);
      List<String> yielded = List.copyOf(preempted);
      int repetitions = 0;
      if (plan != null && !plan.isEmpty()) {
        flying.add(plan);
        if (setup.fastForward) {
          int untilArrival = pending.isEmpty() ? 1 << 20 : pending.peek().arrival() - now - 1;
          repetitions = scheduler.repeatable(plan, Math.min(untilArrival, untilStop(plan)));
        }
      }
      List<String> finished = new ArrayList<>();
      boolean full = flying.size() == setup.depth || plan == null || plan.isEmpty();
      if (full && !flying.isEmpty()) {
        complete(flying.poll(), repetitions, now, finished);
      }
      steps.add(
          new Step(now, rows, started, yielded, finished, rejected, stats.usedBlocks(), padding));
      now += 1 + repetitions;
    }
    checkRest(setup);
  }

  /** Asks again while somebody has only yielded, which is no iteration. */
  private BatchPlan next(boolean again) {
    long nowNanos = now * iterationNanos;
    BatchPlan plan = scheduler.next(nowNanos);
    for (int calls = 1; again && plan.isEmpty() && plan.wakeAtNanos() == nowNanos; calls++) {
      assertThat(calls).as("calls in one iteration").isLessThan(MAX_CALLS);
      plan = scheduler.next(nowNanos);
    }
    return plan;
  }

  /** How often a plan may repeat before a row reaches the length at which the engine stops it. */
  private int untilStop(BatchPlan plan) {
    int least = Integer.MAX_VALUE;
    for (int row = 0; row < plan.rows(); row++) {
      String id = scheduler.request(plan.handle(row)).id();
      least = Math.min(least, jobs.get(id).output() - produced.getOrDefault(id, 0) - 1);
    }
    return least;
  }

  private List<String> submit(Deque<Job> pending, int now) {
    List<String> rejected = new ArrayList<>();
    while (!pending.isEmpty() && pending.peek().arrival() <= now) {
      Job job = pending.poll();
      SubmitResult answer = scheduler.submit(job.request(iterationNanos), now * iterationNanos);
      if (!answer.accepted()) {
        assertThat(answer.kind()).isEqualTo(SubmitResult.Kind.NEVER_FITS);
        rejected.add(job.id());
      }
    }
    return rejected;
  }

  private void cancelOne(RandomSource random, int now) {
    List<String> live =
        jobs.keySet().stream().filter(id -> scheduler.handleOf(id) != -1).sorted().toList();
    if (!live.isEmpty()) {
      String id = live.get(random.nextInt(live.size()));
      assertThat(scheduler.cancel(scheduler.handleOf(id), now * iterationNanos)).isTrue();
      cancelled.add(id);
    }
  }

  private List<Row> rows(BatchPlan plan) {
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < plan.rows(); i++) {
      String id = scheduler.request(plan.handle(i)).id();
      rows.add(new Row(id, plan.kind(i), plan.count(i), plan.emits(i)));
    }
    return rows;
  }

  private void complete(BatchPlan plan, int repetitions, int now, List<String> finished) {
    StepResult result = new StepResult().begin(plan);
    List<String> ids = new ArrayList<>();
    for (int row = 0; row < plan.rows(); row++) {
      String id = idOf(plan, row);
      ids.add(id);
      if (plan.emits(row)) {
        result.token(row, 0);
        if (produced.getOrDefault(id, 0) + 1 + repetitions >= jobs.get(id).output()) {
          result.stop(row);
        }
      }
    }
    scheduler.completeRepeated(result, repetitions, (now + repetitions) * iterationNanos);
    for (int row = 0; row < ids.size(); row++) {
      if (result.deliver(row)) {
        String id = ids.get(row);
        int total = produced.merge(id, 1 + repetitions, Integer::sum);
        firstToken.putIfAbsent(id, now);
        assertThat(total).as("tokens of " + id).isLessThanOrEqualTo(jobs.get(id).output());
        if (total == jobs.get(id).output()) {
          finished.add(id);
          finish.put(id, now + repetitions);
        }
      }
    }
  }

  private String idOf(BatchPlan plan, int row) {
    return scheduler.request(plan.handle(row)).id();
  }

  private void checkPlan(Setup setup, BatchPlan plan) {
    assertThat(plan.tokens()).as("token limit").isLessThanOrEqualTo(setup.maxTokens);
    assertThat(plan.rows()).as("sequence limit").isLessThanOrEqualTo(setup.maxSequences);
    EngineStats stats = scheduler.stats();
    assertThat(stats.usedBlocks()).as("blocks in use").isLessThanOrEqualTo(setup.blocks);
    assertThat(stats.running()).as("running").isLessThanOrEqualTo(setup.maxSequences);
    assertThat(plan.paddingTokens()).as("padding").isGreaterThanOrEqualTo(0);
  }

  private void checkRest(Setup setup) {
    EngineStats stats = scheduler.stats();
    assertThat(stats.usedBlocks()).as("blocks at rest").isZero();
    assertThat(stats.accepted()).isEqualTo(stats.ended());
    for (Job job : jobs.values()) {
      boolean served = finish.containsKey(job.id());
      boolean refused = steps.stream().anyMatch(step -> step.rejected().contains(job.id()));
      boolean over = cancelled.contains(job.id()) || expired.containsKey(job.id());
      assertThat(served && expired.containsKey(job.id())).as(job + " ended twice").isFalse();
      assertThat(served || refused || over).as(job + " ended").isTrue();
      if (served) {
        assertThat(produced.get(job.id())).as("output of " + job).isEqualTo(job.output());
      }
    }
  }

  private final class Listener implements RuntimeListener {
    @Override
    public void started(long handle, long waitedNanos, int cachedTokens) {
      admitted.add(scheduler.request(handle).id());
    }

    @Override
    public void preempted(long handle, int preemptions) {
      preempted.add(scheduler.request(handle).id());
    }

    @Override
    public void ended(long handle, End why, int outputTokens) {
      if (why == End.EXPIRED) {
        Request request = scheduler.request(handle);
        expired.put(request.id(), now);
      }
    }
  }
}
