package io.headway.testkit.drive;

import io.headway.api.Invariant;
import io.headway.api.PolicyViolationException;
import io.headway.api.batching.End;
import io.headway.api.batching.WorkKind;
import io.headway.testkit.executor.ContentExecutor;
import io.headway.testkit.executor.Mismatch;
import io.headway.testkit.executor.ModelText;
import io.headway.testkit.scenario.Event;
import io.headway.testkit.scenario.Observations;
import io.headway.testkit.scenario.Scenario;
import io.headway.testkit.subject.BatchDecision;
import io.headway.testkit.subject.Ended;
import io.headway.testkit.subject.EngineConfig;
import io.headway.testkit.subject.EngineSnapshot;
import io.headway.testkit.subject.Feature;
import io.headway.testkit.subject.Features;
import io.headway.testkit.subject.RequestSpec;
import io.headway.testkit.subject.Row;
import io.headway.testkit.subject.RowReport;
import io.headway.testkit.subject.SchedulerFactory;
import io.headway.testkit.subject.SchedulerSubject;
import io.headway.testkit.subject.ServiceOrder;
import io.headway.testkit.subject.StepReport;
import io.headway.testkit.subject.Transfer;
import io.headway.testkit.trace.TraceSink;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.StringJoiner;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Plays one scenario against one scheduler: an engine, its clients and its links. Keeps a small
 * model of requests, executes what is decided on blocks that carry content, and checks every rule
 * that can be seen from outside. Ends with a drain: no more arrivals, every result delivered, every
 * transfer ended.
 */
final class EngineRun {
  /** Decisions that a drain may take: 4 (tokens / T + requests + transfers) + 50. */
  private static final int DRAIN_FACTOR = 4;

  private static final int DRAIN_OFFSET = 50;

  /** Empty decisions in a row, with work that fits and nothing outstanding, that are too many. */
  private static final int IDLE_DECISIONS = 2;

  private static final int ALL_ACCEPTED = 255;

  /** Of how many scenarios one is played with a scheduler rebuilt before every decision. */
  private static final int REBUILT = 2;

  /** A decision whose result is outstanding; a void row is executed for nothing. */
  @SuppressWarnings("ArrayRecordComponent") // Rows become void while it is outstanding.
  private record Flight(
      BatchDecision decision, boolean[] emits, boolean[] counted, boolean[] voided) {
    /** Voids every row of a request, or of everybody. */
    void voidRows(@Nullable String id) {
      for (int i = 0; i < voided.length; i++) {
        voided[i] |= id == null || decision.rows().get(i).id().equals(id);
      }
    }
  }

  private record Pending(Transfer transfer, long begunNanos) {}

  /** Stops a run after a violation that leaves nothing to go on with. */
  private static final class Halt extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Halt() {
      super(null, null, false, false);
    }
  }

  private final Scenario scenario;
  private final EngineConfig config;
  private final Features features;
  private final Observations seen;
  private final String prefix;
  private final ContentExecutor executor;
  private final SchedulerSubject subject;
  private final TraceOf trace;
  private final boolean rebuilds;

  /** Whether the run is to be compared with another one. */
  private final boolean journals;

  private final Map<String, Job> jobs = new LinkedHashMap<>();
  private final List<Flight> outstanding = new ArrayList<>();

  /** Steps outstanding that were planned on a lost one: losing them, too, loses nothing more. */
  private final Set<Long> voidSteps = new HashSet<>();

  private final List<Pending> transfers = new ArrayList<>();
  private final StringBuilder journal = new StringBuilder();
  private long now;
  private int arrivals;
  private int accepted;
  private int ends;
  private int reserved;
  private long decisions;
  private int idle;
  private int drained;

  /**
   * Prepares a run.
   *
   * @param prefix what names of requests, tenants and adapters begin with
   */
  EngineRun(
      SchedulerFactory factory,
      Scenario scenario,
      Observations seen,
      TraceSink records,
      String prefix) {
    this.scenario = scenario;
    this.seen = seen;
    this.prefix = prefix;
    config = Engine.config(scenario);
    features = factory.features();
    executor = new ContentExecutor(config.blockTokens(), config.blocks(), config.hostBlocks());
    subject = factory.create(config, records);
    trace = new TraceOf(records, !subject.recordsItself());
    journals = EngineRules.comparesNames(features, scenario);
    rebuilds = features.has(Feature.REBUILD) && scenario.seed() % REBUILT == 0;
  }

  /** What was decided and delivered, with requests named by their numbers. */
  String journal() {
    return journal.toString();
  }

  /** Plays everything. */
  void play() {
    try {
      trace.config(config, features);
      List<Event> events = scenario.events();
      for (int i = 0; i < events.size(); i++) {
        seen.event(i);
        play(events.get(i));
        look();
      }
      seen.event(events.size());
      drain();
    } catch (Halt halt) {
      // What went wrong was recorded where it happened.
    } finally {
      subject.close();
    }
  }

  private void play(Event event) {
    if (event.is(Engine.SUBMIT)) {
      submit(event);
    } else if (event.is(Engine.INCOMING)) {
      incoming(event);
    } else if (event.is(Engine.DECIDE)) {
      decide();
    } else if (event.is(Engine.DELIVER)) {
      deliver(event);
    } else if (event.is(Engine.FAIL)) {
      fail();
    } else if (event.is(Engine.CANCEL)) {
      cancel(event);
    } else if (event.is(Engine.TRANSFER)) {
      endTransfer(event.intOf(Engine.WHICH), event.intOf(Engine.ENDS), event.get(Engine.ARRIVED));
    } else if (event.is(Engine.READY)) {
      ready(event.intOf(Engine.WHICH));
    } else if (event.is(Engine.ADVANCE)) {
      now += event.get(Engine.TIME);
    } else if (event.is(Engine.RESERVE)) {
      reserve(event.intOf(Engine.RESERVED));
    } else if (event.is(Engine.CLEAR)) {
      call(() -> "clearCache", () -> subject.clearCache(now));
    }
  }

  // ---- calls of the subject

  private interface Call {
    void run();
  }

  /** Calls the subject; whatever it throws is a violation. */
  private void call(Supplier<String> what, Call call) {
    try {
      call.run();
    } catch (PolicyViolationException e) {
      seen.exercised(e.rule());
      violated(e.rule(), "policy", what.get() + " threw: " + e.getMessage(), "");
      throw new Halt();
    } catch (RuntimeException e) {
      violated(
          Invariant.INV_02,
          "exception",
          what.get() + " threw " + e + at(e),
          "no exception, since every input is legal");
      throw new Halt();
    }
    seen.exercised(Invariant.INV_02);
    listen();
  }

  private static String at(RuntimeException e) {
    StackTraceElement[] stack = e.getStackTrace();
    return stack.length == 0 ? "" : " at " + stack[0];
  }

  /** Takes what the subject tells of ends and transfers. */
  private void listen() {
    for (Transfer transfer : subject.transfers()) {
      seen.label(transfer.incoming() ? "transfer in" : "transfer out");
      transfers.add(new Pending(transfer, now));
      Job job = jobs.get(transfer.id());
      if (job != null && !transfer.incoming()) {
        job.running = false;
      }
    }
    for (Ended ended : subject.ended()) {
      ended(ended);
    }
  }

  private void ended(Ended ended) {
    Job job = jobs.get(ended.id());
    if (job == null) {
      violated(Invariant.INV_02, "end", "an unknown request " + ended.id() + " ended", "");
      return;
    }
    seen.check(
        job.end == null,
        Invariant.INV_02,
        "end",
        () -> job.id() + " ended twice, as " + job.end + " and as " + ended.end());
    if (job.end == null) {
      ends++;
      job.end = ended.end();
      job.running = false;
      seen.check(
          isTrue(job, ended.end()),
          Invariant.INV_02,
          "end",
          () ->
              job.id()
                  + " ended as "
                  + ended.end()
                  + " with output "
                  + job.output.size()
                  + " of "
                  + job.spec.maxNewTokens()
                  + ", which is not true");
      trace.ended(job, ended.end(), now);
      note(job, " " + ended.end());
    }
  }

  /** Returns whether a reason is the true one. Failures are the runtime's own business. */
  private boolean isTrue(Job job, End end) {
    List<Integer> output = job.output;
    return switch (end) {
      case STOPPED, LENGTH -> true; // Told before the tokens are seen; checked when the run rests.
      case CANCELLED -> job.cancelled;
      case EXPIRED -> job.expired(now);
      case HANDED_OVER -> job.spec.handsOver() && output.size() <= 1;
      case FAILED -> features.has(Feature.RETRIES) || features.has(Feature.TRANSFERS);
      case NEVER_FITS, DRAINED -> output.isEmpty() || !job.feasible;
    };
  }

  private void violated(Invariant rule, String entity, String sentence, String expected) {
    seen.violated(rule, entity, sentence, expected);
  }

  // ---- requests

  private void submit(Event event) {
    RequestSpec spec = spec(event, true);
    Job job = new Job(arrivals++, spec, new ModelText(spec, isolation(event)), feasible(spec));
    boolean[] answer = new boolean[1];
    call(() -> "submit of " + spec, () -> answer[0] = subject.submit(spec, now));
    arrived(job, answer[0], "submit");
  }

  private void incoming(Event event) {
    RequestSpec spec = spec(event, false);
    Job job = new Job(arrivals, spec, new ModelText(spec, isolation(event)), feasible(spec));
    if (job.text.alone().get(0) == ModelText.STOP || spec.maxNewTokens() == 1) {
      return; // Its first token was its last: nobody would send it anywhere.
    }
    arrivals++;
    job.output.add(job.text.alone().get(0));
    job.arriving = true;
    job.started = true; // It has its blocks, and was never in the queue.
    jobs.put(spec.id(), job);
    boolean[] answer = new boolean[1];
    call(() -> "reserveIncoming of " + spec, () -> answer[0] = subject.reserveIncoming(spec, now));
    if (answer[0]) {
      call(() -> "firstToken", () -> subject.firstToken(spec.id(), job.output.get(0)));
    } else {
      jobs.remove(spec.id());
    }
    arrived(job, answer[0], "incoming");
  }

  private void arrived(Job job, boolean taken, String how) {
    if (taken) {
      accepted++;
      jobs.put(job.id(), job);
      trace.arrived(job.spec);
    } else {
      trace.rejected(job.spec);
      seen.label("refused");
    }
    if (!job.feasible) {
      seen.exercised(Invariant.INV_25);
      seen.label("unservable");
    }
    note(job, taken ? " in" : " refused");
    line(() -> how + " " + job.spec, taken ? "" : "refused");
  }

  private RequestSpec spec(Event event, boolean here) {
    long deadline = event.get(Engine.DEADLINE);
    return new RequestSpec(
        prefix + ordinal(arrivals + 1),
        Engine.prompt(event, config.blockTokens()),
        event.intOf(Engine.MAX_NEW),
        now,
        event.intOf(Engine.PRIORITY),
        named(event.get(Engine.TENANT)),
        named(event.get(Engine.ADAPTER)),
        named(event.get(Engine.SALT)),
        deadline == 0 ? Long.MAX_VALUE : now + deadline,
        here ? event.intOf(Engine.PREDICTED) : 0,
        here && event.get(Engine.HANDS_OVER) == 1,
        here && event.get(Engine.DEFERRED) == 1,
        here ? event.intOf(Engine.MEDIA_ITEMS) : 0,
        here ? event.intOf(Engine.MEDIA_UNITS) : 1);
  }

  /** Returns 1 to 9, a to y, z1 and so on: in the order of the numbers, since ties go by name. */
  private static String ordinal(int number) {
    if (number < 10) {
      return Integer.toString(number);
    }
    int letter = number - 10;
    return letter < 25 ? String.valueOf((char) ('a' + letter)) : "z" + ordinal(letter - 24);
  }

  /** Keeps requests apart as their names do, so that other names change no output. */
  private static long isolation(Event event) {
    long numbers =
        (event.get(Engine.TENANT) * 4 + event.get(Engine.ADAPTER)) * 4 + event.get(Engine.SALT);
    return (numbers + 1) * 0x2545f4914f6cdd1dL;
  }

  private String named(long number) {
    String name = Engine.name(number);
    return name.isEmpty() || prefix.equals("r") ? name : prefix + name;
  }

  /** Returns whether an otherwise empty system can complete a request, whatever the policy. */
  private boolean feasible(RequestSpec spec) {
    return blocksFor(spec.maxKvTokens()) <= config.blocks()
        && (spec.mediaItems() == 0 || spec.mediaUnits() <= config.encoderUnits())
        && (features.has(Feature.CHUNKED_PREFILL) || spec.promptTokens() <= config.tokenBudget());
  }

  private int blocksFor(int tokens) {
    return (tokens + config.blockTokens() - 1) / config.blockTokens();
  }

  private List<Job> live() {
    List<Job> live = new ArrayList<>();
    for (Job job : jobs.values()) {
      if (!job.over()) {
        live.add(job);
      }
    }
    return live;
  }

  private void cancel(Event event) {
    List<Job> among = event.get(Engine.AMONG_ALL) == 1 ? new ArrayList<>(jobs.values()) : live();
    if (among.isEmpty()) {
      return;
    }
    Job job = among.get(event.intOf(Engine.WHICH) % among.size());
    seen.label(
        "cancel "
            + (job.over()
                ? "ended"
                : job.running ? "running" : job.started ? "preempted" : "waiting"));
    if (!job.over()) {
      job.cancelled = true;
      job.running = false;
      trace.cancelled(job, now);
    }
    // One that is being handed over has made its output here, but is not over before its transfer.
    job.cancelled |= job.end == null && job.spec.handsOver();
    call(() -> "cancel of " + job.id(), () -> subject.cancel(job.id(), now));
    line(() -> "cancel " + job.id(), "");
  }

  private void ready(int which) {
    List<Job> waiting = new ArrayList<>();
    for (Job job : live()) {
      if (job.deferred) {
        waiting.add(job);
      }
    }
    if (!waiting.isEmpty()) {
      Job job = waiting.get(which % waiting.size());
      job.deferred = false;
      trace.promoted(job, now);
      call(() -> "ready of " + job.id(), () -> subject.ready(job.id(), now));
      line(() -> "ready " + job.id(), "");
    }
  }

  private void reserve(int blocks) {
    reserved = blocks;
    call(() -> "setReserved of " + blocks, () -> subject.setReserved(blocks, now));
    line(() -> "reserve " + blocks, "");
  }

  // ---- decisions

  /** Takes one decision, if one may be outstanding; returns it, or nothing. */
  private Optional<BatchDecision> decide() {
    if (outstanding.size() >= Math.min(config.asyncDepth(), features.asyncDepth())) {
      return Optional.empty();
    }
    BatchDecision[] answer = new BatchDecision[1];
    expireTransfers();
    BatchDecision[] again = new BatchDecision[1];
    if (rebuilds) {
      call(() -> "decide of a scheduler rebuilt", () -> again[0] = subject.rebuilt().decide(now));
    }
    call(() -> "decide", () -> answer[0] = subject.decide(now));
    BatchDecision decision = answer[0];
    if (rebuilds) {
      seen.check(
          sameWork(again[0], decision),
          Invariant.INV_27,
          "rebuilt",
          () ->
              "rebuilt from its primary state the scheduler decides "
                  + work(again[0])
                  + ", but it decided "
                  + work(decision));
    }
    seen.step(decisions);
    decisions++;
    preempted(decision);
    if (decision.isEmpty()) {
      empty(decision);
      return Optional.of(decision);
    }
    idle = 0;
    boolean[] counted = new boolean[decision.rows().size()];
    boolean[] emits = validate(decision, counted);
    outstanding.add(new Flight(decision, emits, counted, new boolean[emits.length]));
    trace.step(decision, now);
    subject
        .inspect()
        .filter(inside -> inside.freeBlocks() == 0)
        .ifPresent(inside -> seen.label("pool exactly full"));
    waited(decision);
    write(decision);
    return Optional.of(decision);
  }

  private static boolean sameWork(BatchDecision a, BatchDecision b) {
    boolean same = a.rows().size() == b.rows().size();
    for (int i = 0; same && i < a.rows().size(); i++) {
      Row x = a.rows().get(i);
      Row y = b.rows().get(i);
      same = x.id().equals(y.id()) && x.start() == y.start() && x.count() == y.count();
    }
    return same;
  }

  private static List<String> work(BatchDecision decision) {
    return decision.rows().stream()
        .map(row -> row.id() + ":" + row.start() + "+" + row.count())
        .toList();
  }

  private void preempted(BatchDecision decision) {
    for (String id : decision.preempted()) {
      Job job = jobs.get(id);
      seen.label("preemption");
      if (job == null || job.over()) {
        violated(Invariant.INV_02, "request", "preempted " + id + ", which is not live", "");
        continue;
      }
      if (!outstanding.isEmpty()) {
        seen.label("preemption with results outstanding");
      }
      trace.preempted(id, now);
      restart(job);
    }
  }

  /** Takes a request back; what is outstanding of it may be applied or dropped. */
  private void restart(Job job) {
    executor.forget(job.id());
    job.restart();
    for (Flight flight : outstanding) {
      flight.voidRows(job.id());
    }
  }

  private void empty(BatchDecision decision) {
    boolean stalled =
        outstanding.isEmpty()
            && transfers.isEmpty()
            && reserved == 0
            && decision.wakeAtNanos() == Long.MAX_VALUE
            && decision.preempted().isEmpty()
            && anyCanRun();
    trace.idle(now);
    if (!stalled) {
      idle = 0;
      return;
    }
    seen.exercised(Invariant.INV_23);
    idle++;
    line(() -> "decide nothing", "");
    if (idle >= IDLE_DECISIONS) {
      violated(
          Invariant.INV_23,
          "scheduler",
          idle + " decisions in a row were empty although " + waitingNames() + " could run",
          "work for one of them");
      throw new Halt();
    }
  }

  private boolean anyCanRun() {
    for (Job job : jobs.values()) {
      if (!job.over() && !job.expired(now) && job.feasible && !job.deferred && !job.arriving) {
        return true;
      }
    }
    return false;
  }

  private String waitingNames() {
    StringJoiner names = new StringJoiner(", ");
    for (Job job : live()) {
      if (job.feasible && !job.deferred) {
        names.add(job.id());
      }
    }
    return names.toString();
  }

  private boolean[] validate(BatchDecision decision, boolean[] counted) {
    Set<String> ids = new HashSet<>();
    Set<String> adapters = new HashSet<>();
    Map<Integer, String> written = new HashMap<>();
    boolean[] emits = new boolean[decision.rows().size()];
    List<Job> starting = new ArrayList<>();
    int sum = 0;
    for (int i = 0; i < emits.length; i++) {
      Row row = decision.rows().get(i);
      sum += row.count();
      seen.exercised(Invariant.INV_03);
      if (!ids.add(row.id())) {
        violated(Invariant.INV_03, "request", row.id() + " is scheduled twice in one step", "");
      }
      if (decision.preempted().contains(row.id())) {
        violated(
            Invariant.INV_03,
            "request",
            row.id() + " was preempted in this decision and is still scheduled in it",
            "a batch without " + row.id());
        throw new Halt();
      }
      Job job = scheduled(row);
      if (!job.spec.adapter().isEmpty()) {
        adapters.add(job.spec.adapter());
      }
      if (!job.started) {
        starting.add(job);
      }
      int pending = job.pending;
      emits[i] = validate(row, job);
      counted[i] = job.pending > pending;
      writes(row, written);
    }
    int tokens = sum;
    seen.check(
        sum == decision.totalTokens(),
        Invariant.INV_03,
        "total",
        () ->
            "the declared total is "
                + decision.totalTokens()
                + " tokens, but the rows sum to "
                + tokens);
    if (sum >= config.tokenBudget()) {
      seen.label("budget used up");
    }
    seen.check(
        sum <= config.tokenBudget(),
        Invariant.INV_05,
        "budget",
        () -> "the step has " + tokens + " tokens, but the budget is T = " + config.tokenBudget());
    seen.check(
        decision.rows().size() <= config.slots(),
        Invariant.INV_06,
        "slots",
        () -> "the step has " + decision.rows().size() + " requests, but S = " + config.slots());
    if (features.has(Feature.ADAPTERS) && !adapters.isEmpty()) {
      seen.check(
          adapters.size() <= config.maxAdapters(),
          Invariant.INV_06,
          "adapters",
          () ->
              "the step has "
                  + adapters.size()
                  + " adapters, but at most "
                  + config.maxAdapters()
                  + " run at once");
    }
    order(starting);
    return emits;
  }

  /** Returns the model of a scheduled request; without one there is nothing to go on with. */
  private Job scheduled(Row row) {
    Job job = jobs.get(row.id());
    if (job == null) {
      violated(Invariant.INV_02, "request", "unknown request " + row.id() + " is scheduled", "");
      throw new Halt();
    }
    seen.exercised(Invariant.INV_02);
    if (job.over() || job.expired(now) || job.deferred || job.arriving) {
      String state =
          job.deferred
              ? "before it is ready"
              : job.arriving
                  ? "before its KV has arrived"
                  : job.cancelled
                      ? "after it was cancelled"
                      : job.expired(now) ? "after it expired" : "after it ended";
      violated(
          job.arriving || job.deferred ? Invariant.INV_31 : Invariant.INV_02,
          "request",
          job.id() + " is scheduled " + state,
          "no record of " + job.id());
      throw new Halt();
    }
    return job;
  }

  /**
   * Checks a row against the model, and moves the model; returns whether the row yields a token.
   */
  private boolean validate(Row row, Job job) {
    int end = row.start() + row.count();
    int known = job.known();
    seen.exercised(Invariant.INV_07);
    if (row.count() < 1) {
      violated(
          Invariant.INV_07,
          "request",
          row.id() + " is scheduled with " + row.count() + " tokens",
          "at least 1 token, or no row");
      throw new Halt();
    }
    if (!job.verifying && !job.fresh && row.start() != job.computed) {
      violated(
          Invariant.INV_07,
          "request",
          row.id() + " starts at position " + row.start() + ", but has computed " + job.computed,
          "start " + job.computed);
      throw new Halt();
    }
    int last = row.kind() == WorkKind.VERIFY ? row.start() + 1 : end;
    if (row.start() < 0 || (!job.verifying && last > known)) {
      violated(
          Invariant.INV_07,
          "request",
          row.id()
              + " computes up to position "
              + last
              + ", but only "
              + known
              + " of its tokens are known",
          "at most " + (known - row.start()) + " tokens");
      throw new Halt();
    }
    if (job.fresh && row.start() > 0) {
      seen.label("prefix hit or resume");
      job.hit = row.start();
      if (!features.has(Feature.PREFIX_CACHE) && !features.has(Feature.SWAP)) {
        violated(
            Invariant.INV_07,
            "request",
            row.id() + " starts at position " + row.start() + " without having computed it",
            "start 0");
        throw new Halt();
      }
    } else if (job.fresh) {
      job.hit = 0;
    }
    if (row.kind() == WorkKind.PREFILL && end < job.spec.promptTokens()) {
      seen.label("chunk");
      aligned(job.spec, end);
    }
    boolean emits =
        switch (row.emission()) {
          case YES -> true;
          case NO -> false;
          case WHEN_CAUGHT_UP -> row.kind() == WorkKind.VERIFY || end >= known;
        };
    if (emits && last < job.spec.promptTokens()) {
      violated(
          Invariant.INV_07,
          "request",
          row.id()
              + " yields a token at position "
              + last
              + ", but its prompt has "
              + job.spec.promptTokens()
              + " tokens: nothing can be sampled there",
          "no token before the whole prompt is computed");
      throw new Halt();
    }
    int owed = job.spec.maxNewTokens() - job.output.size() - job.pending - row.drafts();
    // A token that was shown before is yielded again where the prompt had been computed elsewhere.
    boolean repeats = end < job.spec.promptTokens() + job.output.size();
    if (emits && end > job.spec.promptTokens()) {
      seen.check(
          owed >= 1,
          Invariant.INV_30,
          "request",
          () ->
              row.id()
                  + " is scheduled beyond its M = "
                  + job.spec.maxNewTokens()
                  + " output tokens");
    }
    if (row.blocks().length > 0) {
      seen.check(
          executor.covers(row),
          Invariant.INV_11,
          "table",
          () ->
              row.id()
                  + " has "
                  + row.blocks().length
                  + " blocks of "
                  + config.blockTokens()
                  + " tokens for "
                  + end
                  + " tokens");
      if (!executor.covers(row)) {
        throw new Halt();
      }
    }
    job.started = true;
    job.running = true;
    job.fresh = false;
    job.computed = end;
    job.verifying = row.kind() == WorkKind.VERIFY;
    job.pending += emits && !repeats ? 1 : 0;
    return emits;
  }

  /** Checks where a chunk ends that is not the last. */
  private void aligned(RequestSpec spec, int end) {
    int alignment = Math.min(config.alignmentTokens(), config.tokenBudget());
    boolean atItem = false;
    for (int item = 0; item < spec.mediaItems(); item++) {
      atItem |= spec.mediaStart(item) == end;
    }
    seen.check(
        end % alignment == 0 || atItem,
        Invariant.INV_07,
        "alignment",
        () ->
            "a chunk of "
                + spec.id()
                + " ends at position "
                + end
                + ", which is neither a multiple of "
                + alignment
                + " nor the beginning of a media item");
  }

  /** Checks that no block is written by two rows of one step. */
  private void writes(Row row, Map<Integer, String> written) {
    if (row.blocks().length == 0) {
      return;
    }
    seen.exercised(Invariant.INV_10);
    int last = (row.start() + row.count() - 1) / config.blockTokens();
    for (int i = row.start() / config.blockTokens(); i <= last; i++) {
      String other = written.put(row.blocks()[i], row.id());
      if (other != null && !other.equals(row.id())) {
        violated(
            Invariant.INV_10,
            "block",
            "block " + row.blocks()[i] + " is written by " + other + " and " + row.id(),
            "one holder of a block that is written");
      }
    }
  }

  /** Checks that nobody starts before somebody who outranks him. */
  private void order(List<Job> starting) {
    if (features.order() == ServiceOrder.UNDECLARED) {
      return;
    }
    for (Job first : starting) {
      for (Job other : jobs.values()) {
        boolean eligible =
            !other.started
                && !other.over()
                && !other.expired(now)
                && !other.deferred
                && !other.arriving
                && !other.spec.handsOver()
                && other.spec.adapter().isEmpty()
                && other.feasible;
        if (other == first || !eligible) {
          continue;
        }
        seen.exercised(Invariant.INV_19);
        if (outranks(other, first)) {
          violated(
              Invariant.INV_19,
              "request",
              first.id()
                  + " starts before "
                  + other.id()
                  + ", which comes first by "
                  + features.order(),
              other.id() + " first");
        }
      }
    }
  }

  private boolean outranks(Job a, Job b) {
    int by =
        features.order() == ServiceOrder.PRIORITY_THEN_ARRIVAL
            ? Integer.compare(a.spec.priority(), b.spec.priority())
            : 0;
    by = by != 0 ? by : Long.compare(a.spec.arrivalNanos(), b.spec.arrivalNanos());
    return (by != 0 ? by : a.id().compareTo(b.id())) < 0;
  }

  /** Counts how long everybody who is not served has waited. */
  private void waited(BatchDecision decision) {
    for (Job job : jobs.values()) {
      if (!job.over() && job.feasible && !job.deferred && !job.arriving) {
        job.waitedSteps++;
      }
    }
    for (Row row : decision.rows()) {
      Job job = jobs.get(row.id());
      if (job != null) {
        job.waitedSteps = 0;
      }
    }
    for (Job job : jobs.values()) {
      bounded(job);
    }
  }

  /** Whether it has a row outstanding, for whose blocks others in flight cannot yield. */
  private boolean inFlight(Job job) {
    for (Flight flight : outstanding) {
      List<Row> rows = flight.decision().rows();
      for (int i = 0; i < rows.size(); i++) {
        if (!flight.voided()[i] && rows.get(i).id().equals(job.id())) {
          return true;
        }
      }
    }
    return false;
  }

  private void bounded(Job job) {
    if (features.starvationBound().isPresent()) {
      int bound = features.starvationBound().getAsInt();
      seen.exercised(Invariant.INV_24);
      if (job.waitedSteps > bound) {
        violated(
            Invariant.INV_24,
            "request",
            job.id()
                + " was not served in "
                + job.waitedSteps
                + " steps while others were; the claimed bound is "
                + bound,
            "");
      }
    }
    if (features.decodeGap().isPresent()
        && job.running
        && !job.verifying
        && !inFlight(job)
        && !job.output.isEmpty()
        // Who lost its KV computes its prompt and output anew, and decodes when it has.
        && job.known() - job.computed == 1) {
      int bound = features.decodeGap().getAsInt();
      seen.exercised(Invariant.INV_21);
      if (job.waitedSteps > bound) {
        violated(
            Invariant.INV_21,
            "request",
            job.id()
                + " decodes, but got no token in "
                + job.waitedSteps
                + " steps; the claimed bound is "
                + bound,
            "");
      }
    }
  }

  private void write(BatchDecision decision) {
    if (journals) {
      note(decision);
    }
    if (!seen.detailed()) {
      return;
    }
    StringJoiner rows = new StringJoiner(", ", "{", "}");
    for (Row row : decision.rows()) {
      rows.add(row.id() + ":" + (row.start() == 0 ? "" : row.start() + "+") + row.count());
    }
    StringJoiner notes = new StringJoiner(", ");
    for (String id : decision.preempted()) {
      notes.add(id + " preempted");
    }
    line(() -> "decide " + rows, notes.toString());
  }

  private void note(BatchDecision decision) {
    for (Row row : decision.rows()) {
      Job job = jobs.get(row.id());
      journal.append(job == null ? -1 : job.number).append(':').append(row.start()).append('+');
      journal.append(row.count());
      for (int block : row.blocks()) {
        journal.append(',').append(block);
      }
      journal.append(' ');
    }
    journal.append('\n');
  }

  private void note(Job job, String what) {
    if (journals) {
      journal.append(job.number).append(what).append('\n');
    }
  }

  // ---- results

  private void deliver(Event event) {
    if (outstanding.isEmpty()) {
      return;
    }
    int which =
        features.has(Feature.UNORDERED_RESULTS)
            ? event.intOf(Engine.WHICH) % outstanding.size()
            : 0;
    deliver(
        outstanding.remove(which),
        event.get(Engine.ACCEPT),
        event.get(Engine.EMPTY) == 1,
        event.intOf(Engine.FAIL_ROW));
  }

  private void deliver(Flight flight, long accept, boolean empty, int failRow) {
    BatchDecision decision = flight.decision();
    moved(decision);
    int rows = decision.rows().size();
    List<RowReport> reports = new ArrayList<>(rows);
    List<Optional<Mismatch>> mismatches = new ArrayList<>(rows);
    for (int i = 0; i < rows; i++) {
      Row row = decision.rows().get(i);
      Job job = known(row);
      if (failRow > 0 && (failRow - 1) % rows == i && features.has(Feature.RETRIES)) {
        reports.add(executor.fail(row));
        mismatches.add(Optional.empty());
        seen.label("row failed");
        continue;
      }
      ContentExecutor.Executed executed =
          executor.run(row, job.text, job.output, flight.emits()[i], accept, empty);
      reports.add(executed.report());
      mismatches.add(executed.mismatch());
    }
    if (!outstanding.isEmpty()) {
      seen.label("result while others are outstanding");
    }
    trace.completed(decision.step(), now);
    StepReport report = new StepReport(decision.step(), reports);
    boolean[][] answer = new boolean[1][];
    call(
        () -> "deliver of step " + decision.step(), () -> answer[0] = subject.deliver(report, now));
    if (answer[0].length != rows) {
      violated(
          Invariant.INV_30,
          "result",
          "deliver answered for " + answer[0].length + " rows of " + rows,
          "one answer per row");
      throw new Halt();
    }
    StringJoiner text = new StringJoiner(", ", "{", "}");
    for (int i = 0; i < rows; i++) {
      delivered(flight, i, reports.get(i), answer[0][i], mismatches.get(i), text);
    }
    line(() -> "deliver " + text, "");
  }

  private void moved(BatchDecision decision) {
    Optional<String> wrong = executor.move(decision);
    if (wrong.isPresent()) {
      violated(Invariant.INV_10, "move", wrong.get(), "");
      throw new Halt();
    }
  }

  private Job known(Row row) {
    Job job = jobs.get(row.id());
    if (job == null) {
      throw new IllegalStateException(row.id() + " was validated");
    }
    return job;
  }

  private void delivered(
      Flight flight,
      int index,
      RowReport report,
      boolean deliver,
      Optional<Mismatch> mismatch,
      StringJoiner text) {
    Row row = flight.decision().rows().get(index);
    Job job = known(row);
    boolean counts = !flight.voided()[index];
    if (counts) {
      job.pending -= flight.counted()[index] ? 1 : 0;
      job.pending = Math.max(0, job.pending);
    }
    if (report.failed()) {
      say(text, () -> row.id() + " failed");
      if (!job.over() && counts) {
        restart(job);
      }
      return;
    }
    if (mismatch.isPresent() && (counts || deliver) && !job.over()) {
      mismatched(row, job, mismatch.get());
    } else if (row.start() + row.count() > 0) {
      seen.exercised(job.hit > 0 ? Invariant.INV_14 : Invariant.INV_10);
      seen.exercised(job.hit > 0 ? Invariant.INV_15 : Invariant.INV_30);
    }
    if (!deliver) {
      say(text, () -> row.id() + " nothing");
      if (counts && flight.emits()[index] && !job.over() && !report.tokens().isEmpty()) {
        undelivered(job, row);
      }
      return;
    }
    seen.exercised(Invariant.INV_30);
    if (job.cancelled || job.outputComplete()) {
      violated(
          job.cancelled ? Invariant.INV_02 : Invariant.INV_30,
          "request",
          "tokens of " + job.id() + " may be shown although it is over",
          "false for " + job.id());
      return;
    }
    for (int token : report.tokens()) {
      emit(job, row, token);
    }
    if (row.kind() == WorkKind.VERIFY) {
      seen.label(report.tokens().isEmpty() ? "empty verification" : "verification");
      seen.exercised(Invariant.INV_29);
      job.verifying = false;
      job.computed = row.start() + report.tokens().size();
    }
    say(text, () -> row.id() + " " + report.tokens());
    note(job, report.tokens().toString());
    trace.output(flight.decision().step(), job, report.tokens().size(), now);
  }

  private void say(StringJoiner text, Supplier<String> what) {
    if (seen.detailed()) {
      text.add(what.get());
    }
  }

  /** A token that is not delivered must have been delivered before: once, by another instance. */
  private void undelivered(Job job, Row row) {
    boolean repeated = row.start() + row.count() < job.spec.promptTokens() + job.output.size() + 1;
    seen.check(
        repeated || job.end != null,
        Invariant.INV_30,
        "request",
        () -> "the token that step yielded for " + job.id() + " is not delivered");
  }

  private void emit(Job job, Row row, int token) {
    int position = job.output.size();
    List<Integer> alone = job.text.alone();
    job.output.add(token);
    if (position >= alone.size()) {
      violated(
          Invariant.INV_30,
          "output",
          job.id() + " got token " + position + " after its last",
          alone.size() + " tokens");
      throw new Halt();
    }
    if (alone.get(position) != token && !seen.anyViolation()) {
      violated(
          Invariant.INV_30,
          "output",
          job.id()
              + " got "
              + token
              + " as output token "
              + position
              + " in a step from position "
              + row.start()
              + ", but alone it gets "
              + alone.get(position),
          "the same output in any company");
      throw new Halt();
    }
  }

  private void mismatched(Row row, Job job, Mismatch mismatch) {
    boolean hit = mismatch.position() < job.hit;
    Invariant rule =
        switch (mismatch.kind()) {
          case NOT_COMPUTED -> hit ? Invariant.INV_15 : Invariant.INV_30;
          case OTHER_ISOLATION -> Invariant.INV_14;
          case OTHER_CONTENT -> hit ? Invariant.INV_14 : Invariant.INV_10;
        };
    seen.exercised(rule);
    violated(
        rule,
        "content",
        "content mismatch at position "
            + mismatch.position()
            + " of "
            + row.id()
            + (mismatch.block() < 0 ? "" : " in block " + mismatch.block())
            + switch (mismatch.kind()) {
              case NOT_COMPUTED -> ": it was never computed";
              case OTHER_ISOLATION -> ": it was computed for another tenant, adapter or salt";
              case OTHER_CONTENT -> ": it holds other content";
            }
            + (hit ? ", and was taken from the cache" : ""),
        "what " + row.id() + " itself computed, or would have");
    throw new Halt();
  }

  private void fail() {
    if (outstanding.isEmpty() || !features.has(Feature.RETRIES)) {
      return;
    }
    Flight flight = outstanding.remove(0);
    moved(flight.decision());
    for (Row row : flight.decision().rows()) {
      executor.fail(row);
    }
    if (!voidSteps.remove(flight.decision().step())) {
      lost(flight);
      for (Flight later : outstanding) {
        lost(later);
        later.voidRows(null);
        voidSteps.add(later.decision().step());
      }
    }
    seen.label("step failed");
    trace.failed(flight.decision().step(), now);
    call(
        () -> "fail of step " + flight.decision().step(),
        () -> subject.fail(flight.decision().step(), now));
    line(() -> "fail step " + flight.decision().step(), "");
  }

  private void lost(Flight flight) {
    for (int i = 0; i < flight.voided().length; i++) {
      Job job = known(flight.decision().rows().get(i));
      if (!flight.voided()[i] && !job.over()) {
        restart(job);
      }
    }
  }

  // ---- transfers

  /** Lets what has not arrived within its lease count as failed, also what is never heard of. */
  private void expireTransfers() {
    transfers.forEach(this::expire);
    silent.forEach(this::expire);
  }

  private void expire(Pending pending) {
    Job job = jobs.get(pending.transfer().id());
    if (job != null && job.arriving && overdue(pending)) {
      job.arriving = false;
      job.fresh = true;
    }
  }

  private boolean overdue(Pending pending) {
    return now >= pending.begunNanos() + config.leaseNanos();
  }

  private void endTransfer(int which, int how, long sixteenths) {
    if (transfers.isEmpty()) {
      return;
    }
    Pending pending = transfers.remove(which % transfers.size());
    Transfer transfer = pending.transfer();
    Job job = jobs.get(transfer.id());
    if (job == null) {
      violated(Invariant.INV_31, "transfer", "a transfer is about unknown " + transfer.id(), "");
      return;
    }
    seen.label(how == 0 ? "transfer succeeded" : how == 1 ? "transfer failed" : "transfer silent");
    seen.exercised(Invariant.INV_31);
    if (how == 2) {
      silent.add(pending);
      line(() -> "transfer of " + job.id() + " is never heard of", "");
      return;
    }
    int prompt = job.spec.promptTokens();
    int arrived = how == 0 ? prompt : (int) (prompt * sixteenths / 16);
    boolean expired = overdue(pending);
    expire(pending);
    if (transfer.incoming() && !expired) {
      // Also when the request was cancelled: the bytes land all the same.
      executor.receive(transfer.blocks(), job.text, arrived);
      job.arriving = false;
      job.computed = how == 0 ? prompt : 0;
      job.fresh = how != 0;
      job.running = how == 0;
    }
    call(
        () -> "end of the transfer of " + job.id(),
        () -> subject.transferEnded(transfer, arrived, how == 0, now));
    line(
        () ->
            "transfer of "
                + job.id()
                + (how == 0 ? " done" : " failed after " + arrived + " tokens"),
        expired ? "after its lease" : "");
  }

  private final List<Pending> silent = new ArrayList<>();

  // ---- looking inside

  private void look() {
    Optional<EngineSnapshot> inside = subject.inspect();
    if (inside.isEmpty()) {
      return;
    }
    EngineSnapshot snapshot = inside.get();
    seen.check(
        snapshot.freeBlocks() >= 0 && snapshot.freeBlocks() <= snapshot.totalBlocks(),
        Invariant.INV_08,
        "pool",
        () -> snapshot.freeBlocks() + " of " + snapshot.totalBlocks() + " blocks are free");
    seen.check(
        snapshot.accepted() == accepted,
        Invariant.INV_40,
        "gauge",
        () ->
            "the count of accepted requests is "
                + snapshot.accepted()
                + ", but "
                + accepted
                + " were");
    if (features.has(Feature.REPORTS_ENDS)) {
      seen.check(
          snapshot.ended() == ends,
          Invariant.INV_40,
          "gauge",
          () ->
              "the count of ended requests is "
                  + snapshot.ended()
                  + ", but "
                  + ends
                  + " ends came");
    }
    seen.check(
        snapshot.waiting() >= 0
            && snapshot.running() >= 0
            && snapshot.waiting() + snapshot.running() <= accepted,
        Invariant.INV_40,
        "gauge",
        () ->
            snapshot.waiting()
                + " requests wait and "
                + snapshot.running()
                + " run, but only "
                + accepted
                + " were accepted");
  }

  private void line(Supplier<String> what, String note) {
    if (!seen.detailed()) {
      return;
    }
    StringJoiner running = new StringJoiner(",");
    for (Job job : jobs.values()) {
      if (job.running && !job.over()) {
        running.add(job.id());
      }
    }
    String free = subject.inspect().map(s -> Integer.toString(s.freeBlocks())).orElse("");
    String text = what.get();
    seen.line(text, running.toString(), free, note);
    seen.trace(text);
  }

  // ---- coming to rest

  private void drain() {
    if (reserved > 0) {
      reserve(0);
    }
    long tokens = 0;
    for (Job job : jobs.values()) {
      tokens += job.spec.promptTokens() + job.spec.maxNewTokens();
    }
    long bound =
        DRAIN_FACTOR * (tokens / config.tokenBudget() + jobs.size() + transfers.size() + tokens / 8)
            + DRAIN_OFFSET
            + DRAIN_FACTOR * tokens;
    while (!atRest() && drained < bound) {
      drained++;
      step();
      look();
    }
    rest();
  }

  private boolean atRest() {
    if (!outstanding.isEmpty() || !transfers.isEmpty()) {
      return false;
    }
    for (Job job : jobs.values()) {
      if (!settled(job)) {
        return false;
      }
    }
    return subject.inspect().map(inside -> inside.live() == 0).orElse(true);
  }

  private boolean settled(Job job) {
    return features.has(Feature.REPORTS_ENDS) ? job.end != null : job.over() || job.expired(now);
  }

  private void step() {
    Optional<BatchDecision> decision = decide();
    if (decision.isPresent() && !decision.get().isEmpty()) {
      return;
    }
    if (!outstanding.isEmpty()) {
      deliver(outstanding.remove(0), ALL_ACCEPTED, false, 0);
    } else if (!transfers.isEmpty()) {
      endTransfer(0, 0, 0);
    } else if (decision.isPresent() && decision.get().wakeAtNanos() != Long.MAX_VALUE) {
      now = Math.max(now + 1, decision.get().wakeAtNanos());
    } else if (live().stream().anyMatch(job -> job.deferred)) {
      ready(0);
    } else {
      now += config.leaseNanos();
    }
  }

  private void rest() {
    seen.exercised(Invariant.INV_24);
    for (Job job : jobs.values()) {
      if (!settled(job)) {
        violated(
            job.feasible ? Invariant.INV_24 : Invariant.INV_25,
            "request",
            job.id()
                + (job.feasible ? " never ends" : " fits nowhere, but is never refused")
                + ": after "
                + drained
                + " further decisions it has "
                + job.output.size()
                + " of "
                + job.spec.maxNewTokens()
                + " output tokens",
            job.feasible ? "the end of " + job.id() : "a refusal");
      } else {
        truth(job);
      }
    }
    if (seen.anyViolation()) {
      return;
    }
    Optional<EngineSnapshot> inside = subject.inspect();
    if (inside.isPresent()) {
      EngineSnapshot snapshot = inside.get();
      seen.check(
          snapshot.waiting() == 0
              && snapshot.running() == 0
              && snapshot.live() == 0
              && snapshot.freeBlocks() == snapshot.totalBlocks(),
          Invariant.INV_13,
          "scheduler",
          "at rest "
              + snapshot.waiting()
              + " requests wait, "
              + snapshot.running()
              + " run, "
              + snapshot.live()
              + " live and "
              + snapshot.freeBlocks()
              + " of "
              + snapshot.totalBlocks()
              + " blocks are free");
    }
    trace.drained(now);
  }

  /** Checks what could not be checked when the end was told. */
  private void truth(Job job) {
    End end = job.end;
    if (end == null) {
      return;
    }
    List<Integer> output = job.output;
    boolean stopped = !output.isEmpty() && output.get(output.size() - 1) == ModelText.STOP;
    boolean holds =
        switch (end) {
          case STOPPED -> stopped;
          case LENGTH -> output.size() == job.spec.maxNewTokens();
          default -> true;
        };
    seen.check(
        holds,
        Invariant.INV_02,
        "end",
        () ->
            job.id()
                + " ended as "
                + end
                + ", but its output is "
                + output
                + " of at most "
                + job.spec.maxNewTokens()
                + " tokens");
  }

  /** Returns the accepted requests that were served to their end. */
  Set<Integer> served() {
    Set<Integer> served = new HashSet<>();
    for (Job job : jobs.values()) {
      if (job.outputComplete()) {
        served.add(job.number);
      }
    }
    return served;
  }
}
