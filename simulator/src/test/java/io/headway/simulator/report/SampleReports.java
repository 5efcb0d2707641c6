package io.headway.simulator.report;

import io.headway.api.RandomSource;
import io.headway.simulator.event.EventQueue;
import io.headway.simulator.metrics.RequestOutcome;
import io.headway.simulator.metrics.RunMetrics;
import io.headway.simulator.metrics.RunRecorder;
import io.headway.simulator.metrics.Slo;
import io.headway.simulator.workload.AzureLike;
import io.headway.simulator.workload.Workload;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** Reports over a small queueing model: servers that each run a few requests side by side. */
final class SampleReports {
  private static final long MILLI = 1_000_000L;
  private static final int SLOTS = 16;
  private static final int INSTANCES = 2;

  private SampleReports() {}

  /** Contenders of rising speed, with several seeds and tenants each. */
  static Report report(int contenders, int seeds, int requests) {
    List<Contender> all = new ArrayList<>();
    for (int c = 0; c < contenders; c++) {
      List<SeededRun> runs = new ArrayList<>();
      for (int seed = 1; seed <= seeds; seed++) {
        runs.add(new SeededRun(seed, run(workload(seed, requests), 1.0 - 0.07 * c)));
      }
      String name = NAMES.get(c % NAMES.size()) + (c < NAMES.size() ? "" : " " + c);
      all.add(
          new Contender(
              name,
              List.of(
                  new Setting("routing", name.split(" ")[0]),
                  new Setting("batching", "sarathi-serve:tokenBudget=512,maxSequences=128")),
              runs));
    }
    return new Report(
        "Comparison of routing policies on a conversation workload",
        workload(1, requests),
        slo(),
        List.of(
            new Setting("instances", "2"),
            new Setting("model", "llama3-8b"),
            new Setting("gpu", "a100-80g, tensor parallel 1"),
            new Setting("cost model", "roofline")),
        all);
  }

  private static final List<String> NAMES =
      List.of(
          "round-robin × sarathi-serve",
          "least-requests × sarathi-serve",
          "power-of-two × sarathi-serve",
          "gaps × sarathi-serve with calibrated predictions",
          "prefix-affinity × vtc",
          "oracle");

  static Slo slo() {
    return new Slo(2_000 * MILLI, 40 * MILLI, Slo.UNLIMITED_NANOS);
  }

  static Workload workload(long seed, int requests) {
    return AzureLike.conversation(requests)
        .generate(seed)
        .assignTenants(new double[] {4, 2, 1}, RandomSource.seeded(seed));
  }

  static RunMetrics run(Workload w, double slowness) {
    RunRecorder recorder = new RunRecorder(w, slo());
    List<RunRecorder.OfInstance> instances = new ArrayList<>();
    List<Deque<Integer>> queues = new ArrayList<>();
    int[] running = new int[INSTANCES];
    long[] used = new long[INSTANCES];
    for (int i = 0; i < INSTANCES; i++) {
      instances.add(recorder.addInstance(2_000));
      queues.add(new ArrayDeque<>());
    }
    EventQueue events = new EventQueue();
    for (int row = 0; row < w.size(); row++) {
      events.add(w.arrivalNanos(row), 1, row);
    }
    long now = 0;
    while (events.next()) {
      now = events.timeNanos();
      int row = (int) events.payload();
      int instance = row % INSTANCES;
      if (events.kind() == 1) {
        recorder.routed(row, instance);
        queues.get(instance).add(row);
      } else {
        running[instance]--;
        used[instance] -= blocks(w, row);
        recorder.end(row, RequestOutcome.FINISHED, w.outputTokens(row), now);
      }
      while (running[instance] < SLOTS && !queues.get(instance).isEmpty()) {
        int next = queues.get(instance).remove();
        running[instance]++;
        used[instance] += blocks(w, next);
        long prefill = (long) (w.promptTokens(next) * 0.08 * MILLI * slowness) + 5 * MILLI;
        long step = (long) ((7 + 0.5 * running[instance]) * MILLI * slowness);
        long decode = (w.outputTokens(next) - 1) * step;
        recorder.firstToken(next, now + prefill);
        recorder.tokenGap(step, w.outputTokens(next) - 1);
        instances
            .get(instance)
            .served(w.tenants().code(next), w.promptTokens(next), w.outputTokens(next));
        instances.get(instance).settle();
        instances
            .get(instance)
            .iterations(
                w.outputTokens(next), prefill + decode, w.promptTokens(next), w.outputTokens(next));
        events.add(now + prefill + decode, 0, next);
      }
      boolean[] waits = new boolean[w.tenants().count()];
      queues.get(instance).forEach(r -> waits[w.tenants().code(r)] = true);
      for (int tenant = 0; tenant < waits.length; tenant++) {
        instances.get(instance).backlog(tenant, waits[tenant]);
      }
      instances.get(instance).queues(now, queues.get(instance).size(), running[instance]);
      instances.get(instance).kvUsed(now, used[instance]);
      recorder.decision(700);
    }
    return recorder.finish(now);
  }

  private static int blocks(Workload w, int row) {
    return (w.promptTokens(row) + w.outputTokens(row)) / 16;
  }
}
