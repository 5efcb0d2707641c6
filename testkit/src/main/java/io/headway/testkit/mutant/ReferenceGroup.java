package io.headway.testkit.mutant;

import io.headway.testkit.subject.BatchDecision;
import io.headway.testkit.subject.Ended;
import io.headway.testkit.subject.EngineConfig;
import io.headway.testkit.subject.EngineSnapshot;
import io.headway.testkit.subject.RequestSpec;
import io.headway.testkit.subject.Row;
import io.headway.testkit.subject.RowReport;
import io.headway.testkit.subject.SchedulerFactory;
import io.headway.testkit.subject.SchedulerSubject;
import io.headway.testkit.subject.StepReport;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Two engines that share one world half and half and whose steps run together, as members of a
 * data-parallel group do. A member without work is padded. Shows itself from outside only: rows
 * without block tables, no records of its own.
 */
final class ReferenceGroup implements SchedulerSubject {
  private static final int MEMBERS = 2;

  private final EngineFault fault;
  private final List<ReferenceEngine> members = new ArrayList<>();
  private final Map<String, Integer> homes = new HashMap<>();

  /** Steps of the members in the step in flight; -1 for a member without rows. */
  private long[] inside = new long[MEMBERS];

  private long steps;

  private ReferenceGroup(EngineConfig config, EngineTraits traits, EngineFault fault) {
    this.fault = fault;
    for (int i = 0; i < MEMBERS; i++) {
      EngineConfig half =
          new EngineConfig(
              config.blockTokens(),
              (config.blocks() + 1 - i) / MEMBERS,
              0,
              (config.tokenBudget() + 1 - i) / MEMBERS,
              (config.slots() + 1 - i) / MEMBERS,
              config.maxAdapters(),
              1,
              config.hashValues(),
              config.keys(),
              config.leaseNanos(),
              0,
              1);
      members.add(ReferenceEngine.create(half, traits, fault, event -> {}));
    }
  }

  static SchedulerFactory factory(EngineTraits traits, EngineFault fault) {
    return SchedulerFactory.of(
        traits.features(), (config, trace) -> new ReferenceGroup(config, traits, fault));
  }

  @Override
  public boolean submit(RequestSpec request, long nowNanos) {
    int home = -1;
    for (int i = 0; i < MEMBERS; i++) {
      boolean fits = members.get(i).takes(request);
      if (fits && (home < 0 || live(i) < live(home))) {
        home = i;
      }
    }
    if (home < 0 || !members.get(home).submit(request, nowNanos)) {
      return false;
    }
    homes.put(request.id(), home);
    return true;
  }

  private int live(int member) {
    return members.get(member).inspect().map(EngineSnapshot::live).orElse(0);
  }

  private ReferenceEngine home(String id) {
    return members.get(homes.getOrDefault(id, 0));
  }

  @Override
  public void cancel(String id, long nowNanos) {
    home(id).cancel(id, nowNanos);
  }

  @Override
  public void ready(String id, long nowNanos) {
    home(id).ready(id, nowNanos);
  }

  @Override
  public BatchDecision decide(long nowNanos) {
    if (fault == EngineFault.B_13) {
      for (int i = 0; i < MEMBERS; i++) {
        if (live(i) > 0 && members.get(i).rebuilt().decide(nowNanos).isEmpty()) {
          return BatchDecision.nothing(Long.MAX_VALUE);
        }
      }
    }
    List<Row> rows = new ArrayList<>();
    List<String> preempted = new ArrayList<>();
    long wake = Long.MAX_VALUE;
    inside = new long[MEMBERS];
    for (int i = 0; i < MEMBERS; i++) {
      BatchDecision part = members.get(i).decide(nowNanos);
      inside[i] = part.step();
      wake = Math.min(wake, part.wakeAtNanos());
      preempted.addAll(part.preempted());
      for (Row row : part.rows()) {
        rows.add(
            new Row(row.id(), row.kind(), row.start(), row.count(), new int[0], row.emission()));
      }
    }
    if (rows.isEmpty()) {
      return new BatchDecision(-1, List.of(), List.of(), preempted, 0, wake);
    }
    return BatchDecision.of(steps++, rows, preempted);
  }

  @Override
  public boolean[] deliver(StepReport report, long nowNanos) {
    boolean[] deliver = new boolean[report.rows().size()];
    int at = 0;
    for (int i = 0; i < MEMBERS; i++) {
      List<RowReport> part = new ArrayList<>();
      for (RowReport row : report.rows()) {
        if (homes.getOrDefault(row.id(), -1) == i) {
          part.add(row);
        }
      }
      if (inside[i] >= 0) {
        boolean[] mine = members.get(i).deliver(new StepReport(inside[i], part), nowNanos);
        System.arraycopy(mine, 0, deliver, at, mine.length);
        at += mine.length;
      }
    }
    return deliver;
  }

  @Override
  public List<Ended> ended() {
    List<Ended> all = new ArrayList<>();
    members.forEach(member -> all.addAll(member.ended()));
    return all;
  }

  @Override
  public Optional<EngineSnapshot> inspect() {
    int waiting = 0;
    int running = 0;
    int live = 0;
    int free = 0;
    int total = 0;
    long accepted = 0;
    long ended = 0;
    for (ReferenceEngine member : members) {
      EngineSnapshot part = member.inspect().orElseThrow();
      waiting += part.waiting();
      running += part.running();
      live += part.live();
      free += part.freeBlocks();
      total += part.totalBlocks();
      accepted += part.accepted();
      ended += part.ended();
    }
    return Optional.of(new EngineSnapshot(waiting, running, live, free, total, accepted, ended));
  }
}
