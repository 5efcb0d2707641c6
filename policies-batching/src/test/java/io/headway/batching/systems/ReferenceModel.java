package io.headway.batching.systems;

import io.headway.batching.Job;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The systems as their papers state them, on plain lists and counters: slow, obvious, and
 * independent of everything that is tested against it.
 */
abstract class ReferenceModel {
  static final class Seq {
    final Job job;
    int computed;
    int generated;
    int blocks;

    Seq(Job job) {
      this.job = job;
    }

    int known() {
      return job.prompt() + generated;
    }

    int need() {
      return known() - computed;
    }

    boolean decoding() {
      return need() == 1 && computed >= job.prompt();
    }

    @Override
    public String toString() {
      return job.id();
    }
  }

  static final Comparator<Seq> ARRIVAL =
      Comparator.<Seq>comparingInt(s -> s.job.arrival()).thenComparing(s -> s.job.id());

  final int blocks;
  final int blockTokens;
  final int maxSequences;
  final List<Seq> waiting = new ArrayList<>();
  final List<Seq> running = new ArrayList<>();
  final Map<Seq, Integer> batch = new LinkedHashMap<>();
  final List<String> preempted = new ArrayList<>();
  final List<Seq> admittedNow = new ArrayList<>();
  int free;

  /** How many were preempted in this iteration before this decision. */
  int earlier;

  ReferenceModel(int blocks, int blockTokens, int maxSequences) {
    this.blocks = blocks;
    this.blockTokens = blockTokens;
    this.maxSequences = maxSequences;
    free = blocks;
  }

  abstract boolean canServe(Job job);

  abstract void plan();

  void arrived(Seq seq) {
    waiting.add(seq);
  }

  void emitted(Seq seq) {}

  void ended(Seq seq) {}

  final int blocksFor(int tokens) {
    return (tokens + blockTokens - 1) / blockTokens;
  }

  final boolean grow(Seq seq, int tokens) {
    int more = Math.max(0, blocksFor(tokens) - seq.blocks);
    if (more > free) {
      return false;
    }
    free -= more;
    seq.blocks += more;
    return true;
  }

  final void preempt(Seq victim) {
    batch.remove(victim);
    free += victim.blocks;
    victim.blocks = 0;
    victim.computed = 0;
    running.remove(victim);
    waiting.add(0, victim);
    preempted.add(victim.job.id());
  }

  final void start(Seq seq, int tokens) {
    waiting.remove(seq);
    running.add(seq);
    batch.put(seq, tokens);
    admittedNow.add(seq);
  }

  final int used() {
    return batch.values().stream().mapToInt(n -> n).sum();
  }

  /** One line per iteration as {@code Run.table()} writes them. */
  final List<String> run(List<Job> jobs) {
    List<Job> pending = new ArrayList<>(jobs);
    pending.sort(Comparator.comparingInt(Job::arrival).thenComparing(Job::id));
    List<String> table = new ArrayList<>();
    for (int now = 0; !pending.isEmpty() || !waiting.isEmpty() || !running.isEmpty(); now++) {
      while (!pending.isEmpty() && pending.get(0).arrival() <= now) {
        Job job = pending.remove(0);
        if (blocksFor(job.prompt() + job.maxNew() - 1) <= blocks && canServe(job)) {
          arrived(new Seq(job));
        }
      }
      batch.clear();
      preempted.clear();
      admittedNow.clear();
      int before;
      do {
        before = preempted.size();
        earlier = before;
        plan();
        // A decision that only preempted gives the engine nothing to execute; the next one follows.
      } while (batch.isEmpty() && preempted.size() > before);
      table.add(line());
      for (Map.Entry<Seq, Integer> entry : new ArrayList<>(batch.entrySet())) {
        Seq seq = entry.getKey();
        boolean emits = entry.getValue() == seq.need();
        seq.computed += entry.getValue();
        if (emits) {
          seq.generated++;
          emitted(seq);
        }
      }
      for (Seq seq : new ArrayList<>(running)) {
        if (seq.generated == seq.job.output()) {
          running.remove(seq);
          free += seq.blocks;
          ended(seq);
        }
      }
    }
    return table;
  }

  private String line() {
    Map<String, String> rows = new TreeMap<>();
    batch.forEach(
        (seq, tokens) -> rows.put(seq.job.id(), seq + ":" + (seq.decoding() ? "D" : "P") + tokens));
    return String.join(" ", rows.values())
        + " | "
        + String.join(" ", preempted)
        + " | "
        + (blocks - free);
  }

  /** Sheet: request-level scheduling, memory as slots. */
  static final class Static extends ReferenceModel {
    Static(int slots, int maxSequences) {
      super(slots, 1, maxSequences);
    }

    @Override
    boolean canServe(Job job) {
      return job.prompt() + job.maxNew() <= blocks;
    }

    @Override
    void plan() {
      if (!running.isEmpty()) {
        running.forEach(seq -> batch.put(seq, 1));
        return;
      }
      int longest = 0;
      int output = 0;
      while (!waiting.isEmpty() && running.size() < maxSequences) {
        Seq head = waiting.get(0);
        longest = Math.max(longest, head.job.prompt());
        output = Math.max(output, head.job.maxNew());
        if ((longest + output) * (running.size() + 1) > blocks) {
          return;
        }
        grow(head, head.job.prompt() + head.job.maxNew());
        start(head, head.need());
      }
    }
  }

  /** Sheet: ORCA, memory as slots, declared lengths. */
  static class Orca extends ReferenceModel {
    Orca(int slots, int maxSequences) {
      super(slots, 1, maxSequences);
    }

    @Override
    boolean canServe(Job job) {
      return job.prompt() + job.maxNew() <= blocks;
    }

    @Override
    void plan() {
      running.forEach(seq -> batch.put(seq, seq.need()));
      while (!waiting.isEmpty() && running.size() < maxSequences) {
        Seq head = next();
        if (!grow(head, head.job.prompt() + head.job.maxNew())) {
          return;
        }
        start(head, head.need());
        admitted(head);
      }
    }

    Seq next() {
      return waiting.get(0);
    }

    void admitted(Seq seq) {}
  }

  /** Sheet: VTC, its step over ORCA's memory. */
  static final class Vtc extends Orca {
    final Map<String, Double> counters = new TreeMap<>();
    final Map<String, Double> weights;
    private String lastLeaver;

    Vtc(int slots, int maxSequences, Map<String, Double> weights) {
      super(slots, maxSequences);
      this.weights = weights;
    }

    private boolean waits(String tenant) {
      return waiting.stream().anyMatch(seq -> seq.job.tenant().equals(tenant));
    }

    @Override
    void arrived(Seq seq) {
      String tenant = seq.job.tenant();
      double own = counters.getOrDefault(tenant, 0.0);
      if (!waits(tenant)) {
        if (waiting.isEmpty()) {
          own = Math.max(own, lastLeaver == null ? 0 : counters.get(lastLeaver));
        } else {
          own =
              Math.max(
                  own,
                  waiting.stream()
                      .mapToDouble(other -> counters.get(other.job.tenant()))
                      .min()
                      .getAsDouble());
        }
      }
      counters.put(tenant, own);
      super.arrived(seq);
    }

    @Override
    Seq next() {
      return waiting.stream()
          .min(
              Comparator.<Seq>comparingDouble(seq -> counters.get(seq.job.tenant()))
                  .thenComparing(seq -> seq.job.tenant())
                  .thenComparing(ARRIVAL))
          .get();
    }

    private void charge(Seq seq, double cost) {
      String tenant = seq.job.tenant();
      counters.merge(tenant, cost / weights.getOrDefault(tenant, 1.0), Double::sum);
    }

    @Override
    void admitted(Seq seq) {
      charge(seq, seq.job.prompt());
      if (!waits(seq.job.tenant())) {
        lastLeaver = seq.job.tenant();
      }
    }

    @Override
    void emitted(Seq seq) {
      charge(seq, 2);
    }
  }

  /** Sheet: vLLM v1. */
  static final class Vllm extends ReferenceModel {
    private static final Comparator<Seq> PRIORITY =
        Comparator.<Seq>comparingInt(s -> s.job.priority()).thenComparing(ARRIVAL);

    private final int budget;
    private final boolean byPriority;
    private final int threshold;
    private final boolean chunked;

    Vllm(
        int blocks,
        int blockTokens,
        int maxSequences,
        int budget,
        boolean byPriority,
        int threshold,
        boolean chunked) {
      super(blocks, blockTokens, maxSequences);
      this.budget = budget;
      this.byPriority = byPriority;
      this.threshold = threshold == 0 ? Integer.MAX_VALUE : threshold;
      this.chunked = chunked;
    }

    @Override
    boolean canServe(Job job) {
      return chunked || Math.min(job.prompt(), threshold) <= budget;
    }

    @Override
    void plan() {
      for (Seq seq : new ArrayList<>(running)) {
        int left = budget - used();
        if (left == 0) {
          break;
        }
        if (!running.contains(seq)) {
          continue;
        }
        int tokens = Math.min(Math.min(seq.need(), threshold), left);
        boolean gone = false;
        while (!gone && !grow(seq, seq.computed + tokens)) {
          Seq victim =
              byPriority ? running.stream().max(PRIORITY).get() : running.get(running.size() - 1);
          preempt(victim);
          gone = victim == seq;
        }
        if (gone) {
          return;
        }
        batch.put(seq, tokens);
      }
      if (preempted.size() > earlier) {
        return;
      }
      while (!waiting.isEmpty() && running.size() < maxSequences && used() < budget) {
        Seq head = byPriority ? waiting.stream().min(PRIORITY).get() : waiting.get(0);
        int left = budget - used();
        int tokens = Math.min(head.need(), threshold);
        if (!chunked && Math.min(tokens, budget) > left) {
          return;
        }
        tokens = Math.min(tokens, left);
        if (!grow(head, tokens)) {
          return;
        }
        start(head, tokens);
      }
    }
  }

  /** Sheet: SARATHI. */
  static final class Sarathi extends ReferenceModel {
    private final int chunk;

    Sarathi(int blocks, int blockTokens, int maxSequences, int chunk) {
      super(blocks, blockTokens, maxSequences);
      this.chunk = chunk;
    }

    @Override
    boolean canServe(Job job) {
      return blocksFor(job.prompt() + job.maxNew()) <= blocks;
    }

    @Override
    void plan() {
      Seq prefill = null;
      for (Seq seq : running) {
        if (seq.decoding()) {
          batch.put(seq, 1);
        } else {
          prefill = seq;
        }
      }
      if (prefill != null) {
        batch.put(prefill, Math.min(prefill.need(), chunk - used()));
      } else if (!waiting.isEmpty() && running.size() < maxSequences) {
        Seq head = waiting.get(0);
        if (grow(head, head.job.prompt() + head.job.maxNew())) {
          start(head, Math.min(head.need(), chunk - used()));
        }
      }
    }
  }

  /** Sheet: Sarathi-Serve. */
  static final class SarathiServe extends ReferenceModel {
    private final int budget;
    private final int watermark;

    SarathiServe(int blocks, int blockTokens, int maxSequences, int budget, double watermark) {
      super(blocks, blockTokens, maxSequences);
      this.budget = budget;
      this.watermark = (int) Math.floor(watermark * blocks + 1e-9);
    }

    @Override
    boolean canServe(Job job) {
      return blocksFor(job.prompt() + job.maxNew() - 1) + watermark <= blocks;
    }

    @Override
    void plan() {
      List<Seq> unvisited = new ArrayList<>(running);
      unvisited.sort(ARRIVAL);
      List<Seq> prefills = new ArrayList<>();
      while (!unvisited.isEmpty()) {
        Seq seq = unvisited.remove(0);
        if (!seq.decoding()) {
          prefills.add(seq);
          continue;
        }
        boolean gone = false;
        while (!gone && !grow(seq, seq.computed + 1)) {
          gone = unvisited.isEmpty();
          preempt(gone ? seq : unvisited.remove(unvisited.size() - 1));
        }
        if (!gone) {
          batch.put(seq, 1);
        }
      }
      for (Seq seq : prefills) {
        int chunk = Math.min(seq.need(), budget - used());
        if (chunk > 0) {
          batch.put(seq, chunk);
        }
      }
      while (!waiting.isEmpty() && used() < budget && running.size() < maxSequences) {
        Seq head = waiting.get(0);
        boolean justPreempted = preempted.contains(head.job.id());
        if (justPreempted || blocksFor(head.known()) + watermark > free) {
          return;
        }
        grow(head, head.known());
        start(head, Math.min(head.need(), budget - used()));
      }
    }
  }
}
