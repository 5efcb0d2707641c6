package io.headway.examples.toyengine;

import io.headway.api.Request;
import io.headway.api.batching.End;
import io.headway.memory.pool.*;
import io.headway.runtime.*;
import java.util.*;

/** Its next token is a hash of all it reads through the block table: a wrong table shows. */
final class ToyEngine implements EngineEvents {
  private record Job(Request request, List<Integer> output) {}

  private record Step(BatchPlan plan, StepResult result) {}

  final EngineScheduler scheduler;
  final Map<String, String> ends = new TreeMap<>();
  final List<String> plans = new ArrayList<>();
  private final int[] kv = new int[16 * 4]; // 16 blocks of 4 tokens
  private final int[] lastToken = new int[4]; // by slot, as a device keeps it
  private final Map<Long, Job> jobs = new HashMap<>();
  private long nowNanos;

  ToyEngine(String policy, int depth) {
    var pool = PagedKvBlockPool.of(PagedKvConfig.of(4, 16));
    var builder = EngineScheduler.builder().policy(policy).pool(pool).depth(depth);
    scheduler = builder.limits(Limits.of(4, 1_024)).build();
  }

  void submit(Request request) {
    SubmitResult answer = scheduler.submit(request, nowNanos);
    if (answer.accepted()) {
      jobs.put(answer.handle(), new Job(request, new ArrayList<>()));
    } else {
      ends.put(request.id(), answer.kind().toString());
    }
  }

  void run(String cancelled, int afterPlans) {
    var flying = new ArrayDeque<Step>();
    while (!scheduler.isIdle()) {
      while (scheduler.canPlan()) {
        BatchPlan plan = scheduler.next(nowNanos);
        scheduler.events(this);
        if (plan.isEmpty()) {
          break;
        }
        plans.add(plan.toString());
        flying.add(execute(plan));
        if (plans.size() == afterPlans) {
          scheduler.cancel(scheduler.handleOf(cancelled), nowNanos);
        }
      }
      nowNanos += 1_000_000; // every step takes a millisecond here
      if (!flying.isEmpty()) {
        Step done = flying.remove();
        scheduler.complete(done.result, nowNanos);
        for (int row = 0; row < done.plan.rows(); row++) {
          if (done.result.deliver(row)) {
            job(done.plan.handle(row)).output.add(done.result.token(row));
          }
        }
        scheduler.events(this);
      }
    }
  }

  private Step execute(BatchPlan plan) {
    StepResult result = new StepResult().begin(plan);
    for (int row = 0; row < plan.rows(); row++) {
      Job job = job(plan.handle(row));
      int end = plan.start(row) + plan.count(row);
      int slot = plan.slot(row);
      for (int p = plan.start(row), prompt = job.request.promptTokens(); p < end; p++) {
        boolean onDevice = p == end - 1 && plan.inputOnDevice(row);
        int known = p < prompt ? job.request.tokenId(p) : onDevice ? 0 : job.output.get(p - prompt);
        kv[plan.block(row, p / 4) * 4 + p % 4] = onDevice ? lastToken[slot] : known;
      }
      int hash = 7;
      for (int p = 0; p < end; p++) {
        hash = 31 * hash + kv[plan.block(row, p / 4) * 4 + p % 4];
      }
      if (plan.emits(row)) {
        lastToken[slot] = Math.floorMod(hash ^ (hash >>> 15), 97);
        result.token(row, lastToken[slot]);
        if (lastToken[slot] < 8) result.stop(row); // eight of the 97 tokens end a sequence
      }
    }
    return new Step(plan, result);
  }

  private Job job(long handle) {
    return Objects.requireNonNull(jobs.get(handle));
  }

  @Override
  public void ended(long handle, End end, String detail) {
    ends.put(job(handle).request.id(), end + " " + job(handle).output);
  }
}
