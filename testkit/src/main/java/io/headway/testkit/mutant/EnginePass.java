package io.headway.testkit.mutant;

import io.headway.api.batching.WorkKind;
import io.headway.testkit.subject.Move;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One decision of the reference engine. Whoever runs is served first, the longest unserved first,
 * or, where urgency takes from whoever runs, the most urgent, with those in the queue in between;
 * if blocks run short, the lowest in rank gives its own back, perhaps the asker itself. Then the
 * queue is gone through in order.
 */
final class EnginePass {
  private final ReferenceEngine engine;
  private final EngineMemory memory;
  private final EngineLog log;
  private final EngineFault fault;

  final List<EngineRow> rows = new ArrayList<>();
  final List<String> preempted = new ArrayList<>();
  final List<Move> moves = new ArrayList<>();
  private final Set<EngineRequest> yielded = new HashSet<>();
  int total;
  private int budget;

  /** Of the budget, what is left to whoever is being admitted. */
  private int spare;

  private int cursor;

  /** What a planted bug credits before anything is given out. */
  private final Map<EngineRequest, List<Integer>> foreseen = new LinkedHashMap<>();

  /** Whether somebody has been passed as often as may be. */
  private boolean barrier;

  /** For whom others gave way in the queue, so that it need not leave room for them. */
  private @Nullable EngineRequest replacedFor;

  EnginePass(ReferenceEngine engine) {
    this.engine = engine;
    memory = engine.memory;
    log = engine.log;
    fault = engine.fault;
    int own = fault == EngineFault.H_87 ? 0 : engine.traits.ownTokens();
    budget = own == 0 ? engine.config.tokenBudget() : Math.min(own, engine.config.tokenBudget());
    budget -= fault == EngineFault.H_95 ? engine.tokensOfEnded() : 0;
  }

  /** Whether the batch has as many requests as the scheduler wants in one. */
  private boolean capped() {
    return engine.traits.ownSequences() > 0 && rows.size() >= engine.traits.ownSequences();
  }

  void run() {
    if (fault == EngineFault.B_23) {
      for (EngineRequest r : engine.queue()) {
        foreseen.put(r, engine.cached(r));
      }
    }
    if (fault == EngineFault.B_16) {
      waiting(false);
      if (rows.isEmpty()) {
        running();
      }
      return;
    }
    if (engine.traits.preemptive()) {
      waiting(true);
    }
    running();
    boolean skips = fault == EngineFault.B_05 && (!preempted.isEmpty() || engine.recovering > 0);
    if (skips) {
      engine.recovering = preempted.isEmpty() ? engine.recovering - 1 : 2;
      return;
    }
    waiting(false);
  }

  // ---- whoever runs

  private void running() {
    List<EngineRequest> running = engine.running;
    running.sort(engine.serviceOrder());
    for (cursor = 0; cursor < running.size(); cursor++) {
      boolean unpaid = fault == EngineFault.B_21 && running.get(cursor).decodes();
      if ((budget <= 0 && !unpaid) || capped()) {
        break;
      }
      EngineRequest r = running.get(cursor);
      boolean waits = fault == EngineFault.H_08 && !r.decodes() && someDecode();
      if (!batched(r) && !waits) {
        serve(r);
      }
    }
  }

  private boolean someDecode() {
    return engine.running.stream().anyMatch(EngineRequest::decodes);
  }

  private boolean batched(EngineRequest r) {
    for (EngineRow row : rows) {
      if (row.request() == r) {
        return true;
      }
    }
    return false;
  }

  private void serve(EngineRequest r) {
    int n = fault == EngineFault.B_21 && r.decodes() ? 1 : engine.work(r, budget);
    if (n <= 0) {
      return;
    }
    int drafts = engine.drafts(r, budget - n);
    if (replacedFor != null) {
      // What was counted for others who run must be left to them.
      drafts = Math.max(0, Math.min(drafts, room(r) - n));
    }
    while (memory.blocksFor(r.computed + n + drafts) - r.table.size() > memory.available()) {
      int room =
          (r.table.size() + memory.available()) * engine.config.blockTokens() - r.computed - n;
      if (fault == EngineFault.B_22) {
        n = Math.max(n + room, n);
        break;
      }
      if (drafts > 0) {
        drafts = Math.max(0, Math.min(drafts, room));
      } else if (n + room >= 1 && n > 1 && engine.chunks()) {
        n += room;
      } else if (!makeRoom(r)) {
        return;
      }
    }
    engine.grow(r, r.computed + n + drafts, drafts);
    add(r, n, drafts);
  }

  /** Tokens for which a request already holds blocks. */
  private int room(EngineRequest r) {
    return r.table.size() * engine.config.blockTokens() - r.computed;
  }

  /** Lets the lowest in rank give its blocks back; returns whether the asker still runs. */
  private boolean makeRoom(EngineRequest r) {
    if (engine.someRelease()) {
      return false; // Room is on its way.
    }
    EngineRequest victim = r;
    for (EngineRequest other : engine.running) {
      boolean lower =
          fault == EngineFault.H_84
              ? other.admitted > victim.admitted
              : engine.ranks(victim, other);
      victim = lower != (fault == EngineFault.H_07) ? other : victim;
    }
    if (victim == r && engine.running.size() == 1 && fault == EngineFault.B_35) {
      throw new IllegalStateException("nobody is left to be preempted for " + r);
    }
    if (victim == r && r.inFlight > 0) {
      return false; // What is in flight is worth more than its blocks.
    }
    preempt(victim, r);
    return victim != r && !victim.releasing;
  }

  private void preempt(EngineRequest victim, EngineRequest beneficiary) {
    unbatch(victim);
    int at = engine.running.indexOf(victim);
    if (at <= cursor && (fault != EngineFault.B_02 || victim == beneficiary)) {
      cursor--;
    }
    preempted.add(victim.id());
    yielded.add(victim);
    engine.preempt(victim, beneficiary, moves);
  }

  /** Takes a request out of the batch again, with what it was given. */
  private void unbatch(EngineRequest r) {
    for (int i = 0; i < rows.size(); i++) {
      if (rows.get(i).request() == r && fault != EngineFault.B_01) {
        budget += rows.get(i).count();
        total -= fault == EngineFault.H_11 ? 0 : rows.get(i).count();
        r.computed = rows.get(i).start();
        rows.remove(i);
        return;
      }
    }
  }

  private void add(EngineRequest r, int n, int drafts) {
    boolean decodes = r.decodes();
    WorkKind kind =
        drafts > 0 ? WorkKind.VERIFY : decodes && n == 1 ? WorkKind.DECODE : WorkKind.PREFILL;
    int last = r.known() - (fault == EngineFault.H_98A && kind == WorkKind.PREFILL ? 1 : 0);
    boolean emits = drafts > 0 || r.computed + n >= last;
    int pending = r.pending + (emits ? 1 : 0);
    rows.add(new EngineRow(r, r.epoch, kind, r.computed, n + drafts, drafts, emits, pending));
    budget -= n + drafts;
    total += n + drafts;
    engine.served(r);
  }

  // ---- the queue

  /** Goes through the queue, or only through those who go before somebody who runs. */
  private void waiting(boolean urgent) {
    List<EngineRequest> queue = engine.queue();
    if (fault == EngineFault.B_09) {
      queue.addAll(engine.loaded);
      queue.sort(engine::compare);
    }
    barrier = false;
    for (EngineRequest r : queue) {
      if (yielded.contains(r) || (fault == EngineFault.B_53 && r.incoming)) {
        continue; // The bug: no queue takes a request whose transfer is over.
      }
      if (engine.loaded.contains(r)) {
        engine.promote(r);
        continue;
      }
      spare = urgent ? budget - due(r) : budget;
      if (spare <= 0 || capped() || (urgent && !engine.outranksSomeone(r))) {
        return;
      }
      if (barrier) {
        log.refused(r, "held-back");
        continue;
      }
      String outcome = admit(r, foreseen.getOrDefault(r, List.of()));
      if (outcome.equals("done")) {
        overtake(queue, r);
      } else if (outcome.equals("no-slot") || fault == EngineFault.B_09) {
        return;
      } else if (!engine.traits.bypass() && !outcome.equals("no-adapter")) {
        return;
      } else if (outcome.equals("no-adapter")
          && (fault == EngineFault.B_04B || fault == EngineFault.H_88)) {
        return;
      }
      barrier |= !outcome.equals("done") && passedOften(r);
    }
  }

  /** Tokens of those who run, go before a request and are not served yet: they are left to them. */
  private int due(EngineRequest r) {
    int tokens = 0;
    for (EngineRequest other : engine.running) {
      if (engine.ranks(other, r) && !batched(other)) {
        tokens += engine.work(other, budget - tokens);
      }
    }
    return tokens;
  }

  private boolean passedOften(EngineRequest r) {
    return engine.traits.bypasses() > 0
        && r.overtaken >= engine.traits.bypasses()
        && fault != EngineFault.B_18;
  }

  private void overtake(List<EngineRequest> queue, EngineRequest admitted) {
    for (EngineRequest r : queue) {
      if (r.state.queued() && !yielded.contains(r) && engine.ranks(r, admitted)) {
        r.overtaken++;
        barrier |= passedOften(r);
      }
    }
    admitted.overtaken = 0;
  }

  private String admit(EngineRequest r, List<Integer> foreseen) {
    if (r.releasing || (!engine.traits.inOrder() && r.inFlight > 0)) {
      log.refused(r, "in-flight");
      return "in-flight";
    }
    if (engine.full || engine.slots() >= engine.config.slots()) {
      if (!replace(r)) {
        engine.full = true;
        log.refused(r, "no-slot");
        return "no-slot";
      }
    }
    if (!engine.adapterFits(r)) {
      log.refused(r, "no-adapter");
      return "no-adapter";
    }
    return r.state == EngineRequest.State.SWAPPED ? comeBack(r) : start(r, foreseen);
  }

  /** Lets lower ranks give their places and blocks back, if that is enough. */
  private boolean replace(EngineRequest r) {
    if (!engine.traits.preemptive() || engine.someRelease()) {
      return false;
    }
    List<EngineRequest> lower = new ArrayList<>();
    for (EngineRequest other : engine.running) {
      if (engine.ranks(r, other)) {
        lower.add(other);
      }
    }
    lower.sort((a, b) -> engine.compare(b, a));
    if (fault == EngineFault.H_83) {
      return replaceOneByOne(r, lower);
    }
    List<EngineRequest> victims = new ArrayList<>();
    for (EngineRequest victim : lower) {
      victims.add(victim);
      boolean slot = engine.slots() - victims.size() < engine.config.slots();
      int need = memory.blocksFor(r.known()) + growth(r);
      if (slot && need <= memory.available() + memory.freedBy(victims)) {
        for (EngineRequest each : victims) {
          preempt(each, r);
        }
        replacedFor = r;
        return true;
      }
    }
    return false;
  }

  /** The bug: nobody looks before whether it helps. */
  private boolean replaceOneByOne(EngineRequest r, List<EngineRequest> lower) {
    for (EngineRequest victim : lower) {
      preempt(victim, r);
      replacedFor = r;
      if (memory.blocksFor(r.known()) + growth(r) <= memory.available()) {
        return true;
      }
    }
    return false;
  }

  /** Blocks that those need at once who run, go before a request and are not served yet. */
  private int growth(EngineRequest r) {
    int blocks = 0;
    for (EngineRequest other : engine.running) {
      if (engine.ranks(other, r) && !batched(other)) {
        int end = other.computed + engine.work(other, budget);
        blocks += Math.max(0, memory.blocksFor(end) - other.table.size());
      }
    }
    return blocks;
  }

  private String start(EngineRequest r, List<Integer> foreseen) {
    List<Integer> hit = engine.hit(r);
    int cached = hit.size() * engine.config.blockTokens();
    if (fault == EngineFault.B_23) {
      // Charged by what was foreseen, executed by what is there.
      cached = foreseen.size() * engine.config.blockTokens();
    }
    int computed = r.computed;
    r.computed = Math.min(cached, r.known() - (fault == EngineFault.B_25 ? 0 : 1));
    int n = fault == EngineFault.B_24 ? Math.min(spare, r.known()) : engine.work(r, spare);
    r.computed = computed;
    if (n <= 0 && fault != EngineFault.B_25) {
      log.refused(r, "no-budget");
      return "no-budget";
    }
    boolean alone = engine.running.isEmpty() && rows.isEmpty();
    alone |= replacedFor == r;
    int reserve = alone ? r.known() : Math.min(r.known() + 1, r.spec.maxKvTokens());
    int headroom = alone ? 0 : engine.headroom(r) + growth(r);
    int demand = demand(r, reserve, hit);
    int supply = supply(hit);
    if (demand + headroom > supply && replace(r)) {
      reserve = r.known();
      headroom = 0;
      hit = engine.hit(r);
      demand = demand(r, reserve, hit);
      supply = supply(hit);
    }
    if (demand + headroom > supply) {
      log.attempt(r, "no-blocks", n, demand, supply, reserve, headroom);
      engine.admissionFailed(r, hit);
      return "no-blocks";
    }
    if (engine.owedToAnother(r)) {
      log.refused(r, "held-back");
      return "held-back";
    }
    int before = r.size;
    String outcome = engine.admit(r, hit, n, demand, supply, reserve, headroom);
    if (!outcome.equals("done")) {
      return outcome;
    }
    if (fault == EngineFault.B_23) {
      n = Math.min(n + cached, before) - r.computed;
    }
    add(r, n, 0);
    return "done";
  }

  private int demand(EngineRequest r, int reserve, List<Integer> hit) {
    if (fault == EngineFault.B_34) {
      return r.prompt() / engine.config.blockTokens() - hit.size();
    }
    return memory.blocksFor(reserve) - hit.size();
  }

  private int supply(List<Integer> hit) {
    return switch (fault) {
      case B_12 -> memory.empty();
      case H_01 -> memory.available();
      default -> memory.available() - memory.unheld(hit);
    };
  }

  private String comeBack(EngineRequest r) {
    int reserve = Math.min(r.known() + 1, r.spec.maxKvTokens());
    boolean alone = (engine.running.isEmpty() && rows.isEmpty()) || replacedFor == r;
    reserve = alone ? r.known() : reserve;
    int headroom = alone ? 0 : engine.headroom(r) + growth(r);
    int demand = memory.blocksFor(reserve);
    int supply = memory.available();
    if (demand + headroom > supply && replace(r)) {
      reserve = r.known();
      headroom = 0;
      demand = memory.blocksFor(reserve);
      supply = memory.available();
    }
    int n = engine.work(r, spare);
    if (demand + headroom > supply || n <= 0) {
      log.attempt(
          r, n <= 0 ? "no-budget" : "no-blocks", Math.max(n, 0), demand, supply, reserve, headroom);
      return "no-blocks";
    }
    if (engine.owedToAnother(r)) {
      log.refused(r, "held-back");
      return "held-back";
    }
    log.attempt(r, "done", n, demand, supply, reserve, headroom);
    engine.swapIn(r, demand, moves);
    add(r, n, 0);
    return "done";
  }
}
