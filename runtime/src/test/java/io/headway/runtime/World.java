package io.headway.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Request;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.batching.End;
import io.headway.api.batching.WorkKind;
import io.headway.api.memory.KvBlockPool;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * An engine, its clients and its links around one scheduler, all driven by one seed: requests come,
 * are cancelled and expire, steps and rows fail, results come late, transfers end well, badly or
 * not at all. After every call the scheduler's state is audited; every token delivered is compared
 * with what the model says about the request alone.
 */
final class World implements EngineEvents {
  /** What a request has seen so far. */
  static final class Job {
    final Request request;
    final ToyModel.Text text;
    final List<Integer> expected;
    final List<Integer> output = new ArrayList<>();
    long handle;
    boolean handsOver;
    @Nullable End end;

    Job(Request request, ToyModel.Text text) {
      this.request = request;
      this.text = text;
      expected = text.alone();
    }
  }

  /** A transfer nobody has ended yet. */
  private record Transfer(Job job, @Nullable Reservation reservation) {}

  private record Step(BatchPlan plan, StepResult result) {}

  final Random random;
  final WorldConfig config;
  final EngineScheduler scheduler;
  final KvBlockPool pool;
  final Map<Long, Job> jobs = new HashMap<>();
  final Map<String, Job> byId = new LinkedHashMap<>();
  final List<String> trace = new ArrayList<>();
  final Deque<Step> flying = new ArrayDeque<>();
  private final List<Transfer> transfers = new ArrayList<>();
  private final ToyModel model;
  private final int[] lastToken;
  private final long[] granted;
  private long nowNanos;
  private int count;
  private int events;
  int delivered;
  int preemptions;

  World(WorldConfig config, BatchingPolicy<?> policy) {
    this.config = config;
    random = new Random(config.seed());
    pool = config.pool();
    model = new ToyModel(config.blockTokens(), config.blocks(), config.hostBlocks());
    lastToken = new int[config.slots()];
    granted = new long[config.slots()];
    java.util.Arrays.fill(granted, -1);
    scheduler = config.scheduler(pool, policy).build();
  }

  boolean chance(int percent) {
    return random.nextInt(100) < percent;
  }

  // ---- one random action

  void act() {
    nowNanos += random.nextInt(3) * 1_000L;
    int dice = random.nextInt(100);
    if (dice < 22) {
      submit();
    } else if (dice < 55) {
      next();
    } else if (dice < 85) {
      if (chance(config.stepFailures())) {
        fail();
      } else {
        complete();
      }
    } else if (dice < 90) {
      cancel();
    } else if (dice < 93) {
      reserve();
    } else if (dice < 97) {
      endTransfer();
    } else {
      nowNanos += 20_000;
    }
    if (chance(80)) {
      handEvents();
    }
    audit();
  }

  void audit() {
    Audit.check(scheduler, pool, flying.stream().map(Step::plan).toList());
  }

  private Request.Builder request(ToyModel.Text text) {
    Request.Builder request =
        Request.builder("r" + count++, text.prompt().length, text.maxNewTokens())
            .arrivalNanos(nowNanos)
            .adapter(text.adapter())
            .tenant(chance(50) ? "" : "t" + random.nextInt(3))
            .priority(random.nextInt(3));
    if (chance(config.deadlines())) {
      request.deadlineNanos(nowNanos + random.nextInt(60) * 1_000L);
    }
    return config.keyed(request, text);
  }

  private ToyModel.Text text() {
    int length = 1 + random.nextInt(3 * config.blockTokens() + 2);
    int[] prompt = new int[length];
    for (int i = 0; i < length; i++) {
      // Words of one block each, so that prefixes are shared often.
      int word = i / config.blockTokens();
      prompt[i] = 1 + (i + (word == 0 ? 0 : random.nextInt(2)) * 7) % (ToyModel.VOCABULARY - 1);
    }
    String adapter = chance(60) ? "" : "a" + random.nextInt(2);
    return new ToyModel.Text(prompt, adapter, 1 + random.nextInt(config.maxNewTokens()));
  }

  private void submit() {
    ToyModel.Text text = text();
    Job job = new Job(request(text).build(), text);
    job.handsOver = chance(config.handOvers());
    SubmitResult answer =
        job.handsOver
            ? scheduler.submitPrefill(job.request, nowNanos)
            : scheduler.submit(job.request, nowNanos);
    if (answer.accepted()) {
      job.handle = answer.handle();
      jobs.put(job.handle, job);
      byId.put(job.request.id(), job);
    } else {
      assertThat(answer.kind()).isEqualTo(SubmitResult.Kind.NEVER_FITS);
    }
  }

  private void cancel() {
    List<Job> all = new ArrayList<>(byId.values());
    if (all.isEmpty()) {
      return;
    }
    Job job = all.get(random.nextInt(all.size()));
    boolean over = scheduler.handleOf(job.request.id()) == -1;
    assertThat(scheduler.cancel(job.handle, nowNanos)).isEqualTo(!over);
    assertThat(scheduler.cancel(job.handle, nowNanos)).isFalse();
  }

  // ---- plans and results

  boolean next() {
    if (!scheduler.canPlan()) {
      return false;
    }
    BatchPlan plan = scheduler.next(nowNanos);
    if (plan.isEmpty()) {
      return false;
    }
    trace.add(plan.toString());
    flying.add(new Step(plan, new StepResult().begin(plan)));
    return true;
  }

  /** Executes the oldest plan, as late as possible, and reports it. */
  boolean complete() {
    Step step = flying.poll();
    if (step == null) {
      return false;
    }
    BatchPlan plan = step.plan;
    model.move(plan);
    int[] wrong = new int[plan.rows()];
    for (int row = 0; row < plan.rows(); row++) {
      wrong[row] = execute(step, row);
    }
    scheduler.complete(step.result.elapsed(1_000), nowNanos);
    for (int row = 0; row < plan.rows(); row++) {
      if (!step.result.deliver(row)) {
        continue;
      }
      Job job = jobs.get(plan.handle(row));
      assertThat(job.end).as("delivery to %s after its end", job.request.id()).isNull();
      assertThat(wrong[row]).as("wrong content for %s in %s", job.request.id(), plan).isEqualTo(-1);
      for (int i = 0; i < step.result.tokenCount(row); i++) {
        job.output.add(step.result.tokenAt(row, i));
        delivered++;
      }
      assertThat(job.expected)
          .as("output of %s after %s", job.request.id(), plan)
          .startsWith(job.output.toArray(Integer[]::new));
    }
    return true;
  }

  /** Loses the oldest plan as a whole: what it would have written is garbage. */
  private void fail() {
    Step step = flying.poll();
    if (step == null) {
      return;
    }
    model.move(step.plan);
    for (int row = 0; row < step.plan.rows(); row++) {
      scribble(step.plan, row);
    }
    scheduler.fail(step.plan.stepId(), new IllegalStateException("device"), nowNanos);
  }

  private void scribble(BatchPlan plan, int row) {
    for (int i = 0; i < plan.count(row); i++) {
      model.scribble(plan, row, plan.start(row) + i);
    }
  }

  /** Executes one row; returns the first wrong position it has read, or -1. */
  private int execute(Step step, int row) {
    BatchPlan plan = step.plan;
    StepResult result = step.result;
    if (chance(config.rowFailures())) {
      scribble(plan, row);
      result.rowFailed(row, new IllegalStateException("kernel"));
      return -1;
    }
    Job job = jobs.get(plan.handle(row));
    int start = plan.start(row);
    int fed = plan.kind(row) == WorkKind.VERIFY ? 1 : plan.count(row);
    boolean known = true;
    for (int p = start; p < start + fed; p++) {
      int token = input(plan, row, job, p);
      known &= token >= 0;
      model.write(plan, row, job.text, p, token);
    }
    int wrong =
        known && start + fed <= job.text.prompt().length + job.output.size()
            ? model.wrongPosition(plan, row, job.text, job.output, start + fed)
            : -1;
    if (!plan.emits(row)) {
      return wrong;
    }
    if (plan.kind(row) == WorkKind.VERIFY) {
      verify(step, row, job, start + 1);
    } else {
      int token = model.next(plan, row, start + fed);
      lastToken[plan.slot(row)] = token;
      result.token(row, token);
      if (token == ToyModel.STOP) {
        result.stop(row);
      }
    }
    return wrong;
  }

  /** Returns the token at a position, or -1 if a row that was executed in vain asks for it. */
  private int input(BatchPlan plan, int row, Job job, int position) {
    int prompt = job.text.prompt().length;
    if (position < prompt) {
      return job.text.prompt()[position];
    }
    if (plan.inputOnDevice(row) && position == plan.start(row) + plan.count(row) - 1) {
      return lastToken[plan.slot(row)];
    }
    return position - prompt < job.output.size() ? job.output.get(position - prompt) : -1;
  }

  private void verify(Step step, int row, Job job, int from) {
    BatchPlan plan = step.plan;
    if (chance(8)) {
      return; // Nothing was sampled at all.
    }
    int[] ids = new int[plan.draftCount(row) + 1];
    int accepted = 0;
    int truth = model.next(plan, row, from);
    boolean accepting = true;
    for (int d = 0; d < plan.draftCount(row); d++) {
      int draft = chance(65) ? truth : (truth + 1) % ToyModel.VOCABULARY;
      model.write(plan, row, job.text, from + d, draft);
      accepting &= draft == truth && truth != ToyModel.STOP;
      if (accepting) {
        ids[accepted++] = draft;
        truth = model.next(plan, row, from + d + 1);
      }
    }
    ids[accepted] = truth;
    lastToken[plan.slot(row)] = truth;
    step.result.tokens(row, accepted, ids);
    if (truth == ToyModel.STOP) {
      step.result.stop(row);
    }
  }

  // ---- transfers

  private void reserve() {
    if (!chance(config.handOvers() * 3)) {
      return;
    }
    ToyModel.Text text = text();
    Job job = new Job(request(text).build(), text);
    Reservation reservation = scheduler.reserveIncoming(job.request, nowNanos);
    if (!reservation.granted()) {
      return;
    }
    job.handle = reservation.handle();
    job.output.add(job.expected.get(0));
    jobs.put(job.handle, job);
    byId.put(job.request.id(), job);
    transfers.add(new Transfer(job, reservation));
  }

  /** Ends a transfer: well, badly, or not at all. */
  private void endTransfer() {
    if (transfers.isEmpty()) {
      return;
    }
    Transfer transfer = transfers.remove(random.nextInt(transfers.size()));
    boolean ok = chance(60);
    if (transfer.reservation != null) {
      bring(transfer.job, transfer.reservation, ok);
      return;
    }
    if (ok) {
      scheduler.handOverDone(transfer.job.handle, nowNanos);
    } else if (chance(60)) {
      scheduler.handOverFailed(transfer.job.handle, nowNanos);
    } else {
      return; // Never heard of again: the lease will tell.
    }
    // What the transport repeats is dropped.
    assertThat(scheduler.handOverDone(transfer.job.handle, nowNanos)).isFalse();
  }

  private void bring(Job job, Reservation reservation, boolean ok) {
    int prompt = job.text.prompt().length;
    int arrived = ok ? prompt : random.nextInt(prompt);
    if (((Sequences) scheduler.view()).find(job.handle) != Sequences.NONE) {
      int[] blocks = scheduler.blocks(job.handle, 0);
      for (int p = 0; p < arrived; p++) {
        model.receive(blocks, job.text, p);
      }
    }
    boolean stopped = job.expected.get(0) == ToyModel.STOP;
    if (ok && !stopped) {
      if (scheduler.incomingDone(reservation, job.expected.get(0), nowNanos)) {
        assertThat(scheduler.incomingDone(reservation, job.expected.get(0), nowNanos)).isFalse();
      }
    } else if (stopped || chance(70)) {
      // A request that stopped with its first token never decodes anywhere.
      if (stopped) {
        scheduler.cancel(job.handle, nowNanos);
      }
      scheduler.incomingFailed(reservation, arrived, nowNanos);
    }
  }

  // ---- events

  void handEvents() {
    while (true) {
      try {
        scheduler.events(this);
        return;
      } catch (SinkFailure e) {
        // The event was delivered all the same; the rest follows.
      }
    }
  }

  /** What a sink throws in a world whose sinks throw. */
  static final class SinkFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private void maybeThrow() {
    if (++events % 7 == 0 && config.throwingSinks()) {
      throw new SinkFailure();
    }
  }

  @Override
  public void granted(int slot, long handle) {
    assertThat(granted[slot]).as("slot %s granted while held", slot).isEqualTo(-1);
    granted[slot] = handle;
    maybeThrow();
  }

  @Override
  public void released(int slot, long handle) {
    assertThat(granted[slot]).as("slot %s released", slot).isEqualTo(handle);
    granted[slot] = -1;
    maybeThrow();
  }

  @Override
  public void handOver(long handle, int slot) {
    Job job = jobs.get(handle);
    assertThat(job.handsOver).isTrue();
    assertThat(granted[slot]).isEqualTo(handle);
    transfers.add(new Transfer(job, null));
    maybeThrow();
  }

  @Override
  public void ended(long handle, End end, String detail) {
    Job job = jobs.get(handle);
    assertThat(job.end).as("ends of %s", job.request.id()).isNull();
    job.end = end;
    switch (end) {
      case STOPPED -> {
        assertThat(job.output).isEqualTo(job.expected);
        assertThat(job.output.get(job.output.size() - 1)).isEqualTo(ToyModel.STOP);
      }
      case LENGTH -> assertThat(job.output).hasSize(job.request.maxNewTokens());
      case HANDED_OVER -> assertThat(job.output).hasSize(1);
      default -> {}
    }
    trace.add(job.request.id() + " " + end + " " + job.output);
    maybeThrow();
  }

  // ---- coming to rest

  /** Plays until nothing is left: all results and transfers arrive, or their leases expire. */
  void rest() {
    int bound = 2_000;
    while (!scheduler.isIdle()) {
      assertThat(bound--).as("steps left to come to rest in %s", trace).isPositive();
      nowNanos += 1_000;
      if (!next() && !complete()) {
        if (!transfers.isEmpty()) {
          endTransfer();
        } else {
          nowNanos += WorldConfig.LEASE_NANOS;
        }
      } else if (chance(50)) {
        complete();
      }
      handEvents();
      audit();
    }
    handEvents();
    Audit.quiet(scheduler, pool);
    assertThat(granted).containsOnly(-1);
    for (Job job : byId.values()) {
      assertThat(job.end).as("end of %s", job.request.id()).isNotNull();
    }
    preemptions = (int) scheduler.stats().preemptions();
  }
}
