package io.headway.examples.toyengine;

import io.headway.api.Request;
import io.headway.api.batching.End;
import io.headway.memory.pool.*;
import io.headway.runtime.*;
import java.util.*;

/** An engine whose next token is a hash of all it reads through the block table: a wrong table changes the output. */
public final class ToyEngine implements EngineEvents {
  private record Job(Request request, List<Integer> output) {}

  private record Step(BatchPlan plan, StepResult result) {}

  private final EngineScheduler scheduler;
  private final int[] kv = new int[16 * 4]; // 16 blocks of 4 tokens
  private final int[] lastToken = new int[4]; // by slot, as a device keeps it
  private final Map<Long, Job> jobs = new HashMap<>();
  private final Map<String, String> ends = new TreeMap<>();
  private final List<String> plans = new ArrayList<>();
  private long nowNanos;

  ToyEngine(String policy, int depth) {
    var pool = PagedKvBlockPool.of(PagedKvConfig.of(4, 16));
    var limits = Limits.of(4, 1_024);
    scheduler = EngineScheduler.builder().policy(policy).limits(limits).pool(pool).depth(depth).build();
  }

  List<String> plans() {
    return plans;
  }

  Map<String, String> ends() {
    return ends;
  }

  void submit(Request request) {
    SubmitResult answer = scheduler.submit(request, nowNanos);
    if (answer.accepted()) {
      jobs.put(answer.handle(), new Job(request, new ArrayList<>()));
    } else {
      ends.put(request.id(), answer.kind().toString());
    }
  }

  /** Runs until every request has ended, cancelling one after the given number of plans. */
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
        var step = new Step(plan, new StepResult().begin(plan));
        for (int row = 0; row < plan.rows(); row++) {
          execute(step, row);
        }
        flying.add(step);
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
            jobs.get(done.plan.handle(row)).output.add(done.result.token(row));
          }
        }
        scheduler.events(this);
      }
    }
  }

  private void execute(Step step, int row) {
    BatchPlan plan = step.plan;
    Job job = jobs.get(plan.handle(row));
    int prompt = job.request.promptTokens();
    int end = plan.start(row) + plan.count(row);
    for (int p = plan.start(row); p < end; p++) {
      boolean onDevice = p == end - 1 && plan.inputOnDevice(row);
      int generated = onDevice || p < prompt ? lastToken[plan.slot(row)] : job.output.get(p - prompt);
      kv[plan.block(row, p / 4) * 4 + p % 4] = p < prompt ? job.request.tokenId(p) : generated;
    }
    int hash = 7;
    for (int p = 0; p < end; p++) {
      hash = 31 * hash + kv[plan.block(row, p / 4) * 4 + p % 4];
    }
    if (plan.emits(row)) {
      int token = Math.floorMod(hash ^ (hash >>> 15), 97);
      lastToken[plan.slot(row)] = token;
      step.result.token(row, token);
      if (token == 0) {
        step.result.stop(row);
      }
    }
  }

  @Override
  public void ended(long handle, End end, String detail) {
    ends.put(jobs.get(handle).request.id(), end + " " + jobs.get(handle).output);
  }
}
