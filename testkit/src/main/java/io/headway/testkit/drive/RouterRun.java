package io.headway.testkit.drive;

import io.headway.api.Invariant;
import io.headway.testkit.scenario.Event;
import io.headway.testkit.scenario.Observations;
import io.headway.testkit.scenario.Scenario;
import io.headway.testkit.subject.RouterConfig;
import io.headway.testkit.subject.RouterFactory;
import io.headway.testkit.subject.RouterFeature;
import io.headway.testkit.subject.RouterSubject;
import io.headway.testkit.trace.TraceSink;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.StringJoiner;

/** Plays one scenario against one router, beside a model of who is where. */
final class RouterRun {
  static final int WORD_TOKENS = RouterSubject.WORD_TOKENS;

  private static final RouterSubject.Cause[] CAUSES = {
    RouterSubject.Cause.COMPLETED,
    RouterSubject.Cause.CANCELLED,
    RouterSubject.Cause.ERROR,
    RouterSubject.Cause.TIMEOUT
  };

  /** Where a request is: an instance and its incarnation, waiting, or over. */
  private static final class Sent {
    final RouterSubject.Asked asked;
    int instance = -1;
    int incarnation;

    /** Chosen an instance for, but not sent there. */
    boolean unsent;

    boolean sawToken;
    boolean over;

    /** The instance that gave it up last. */
    int avoid = -1;

    int retries;
    int delivered;
    long waitsSince = Long.MAX_VALUE;

    Sent(RouterSubject.Asked asked) {
      this.asked = asked;
    }

    int number() {
      return asked.number();
    }
  }

  /** An instance as it really is. */
  private static final class Truth {
    boolean up = true;
    boolean draining;
    int incarnation;

    /** Copies of each block, named by the words up to its end. */
    final Map<List<Integer>, Integer> blocks = new LinkedHashMap<>();

    boolean takesRequests() {
      return up && !draining;
    }
  }

  /** A report on its way. */
  private record Report(int instance, int incarnation, int waiting, int running, long atNanos) {}

  private final Scenario scenario;
  private final Observations seen;
  private final RouterFactory factory;
  private final Set<RouterFeature> features;
  private final RouterSubject router;
  private final int maxInFlight;
  private final boolean reportsCache;
  private final Truth[] instances;
  private final List<Sent> requests = new ArrayList<>();
  private final List<Report> reports = new ArrayList<>();

  /** Prompts of which it is asked how much of them is cached where. */
  private final Set<List<Integer>> prompts = new LinkedHashSet<>();

  private final StringBuilder journal = new StringBuilder();
  private final int[] equalRoutes;
  private boolean undisturbed = true;
  private boolean emptying;
  private boolean truthful = true;
  private long waits;
  private long now;

  RouterRun(RouterFactory factory, Scenario scenario, Observations seen, TraceSink trace) {
    this.factory = factory;
    this.scenario = scenario;
    this.seen = seen;
    features = factory.features();
    maxInFlight = scenario.intOf(Router.MAX_IN_FLIGHT);
    reportsCache = scenario.get(Router.REPORTS_CACHE) == 1;
    router =
        factory.create(
            new RouterConfig(
                maxInFlight, scenario.intOf(Router.RETRY_LIMIT), reportsCache, scenario.seed()),
            trace);
    instances = new Truth[scenario.intOf(Router.INSTANCES)];
    equalRoutes = new int[instances.length];
  }

  String journal() {
    return journal.toString();
  }

  /** Returns whether it was played to the end, where every request is over. */
  boolean play() {
    try {
      for (int i = 0; i < instances.length; i++) {
        int instance = i;
        instances[i] = new Truth();
        call("up", () -> router.up(instance, 0, now));
      }
      List<Event> events = scenario.events();
      for (int i = 0; i < events.size(); i++) {
        seen.event(i);
        seen.step(i);
        now++;
        play(events.get(i));
        look();
      }
      seen.event(events.size());
      seen.step(events.size());
      drain();
      return true;
    } catch (Guarded.Halt halt) {
      // What went wrong was recorded where it happened.
      return false;
    } finally {
      router.close();
    }
  }

  private boolean claims(RouterFeature feature) {
    return features.contains(feature);
  }

  private void call(String what, Guarded.Call call) {
    Guarded.call(seen, what, call);
    for (RouterSubject.Routed routed : router.promoted()) {
      undisturbed = false;
      seen.label("promoted");
      Sent r = requests.get(routed.request());
      if (r.over || r.instance >= 0) {
        violated(
            Invariant.INV_02,
            "request",
            "request "
                + r.number()
                + " is taken from the router's queue, but it "
                + (r.over ? "is over" : "is at instance " + r.instance));
      }
      inTurn(r, routed.instance());
      sent(r, routed.instance());
    }
  }

  private void inTurn(Sent r, int instance) {
    if (!claims(RouterFeature.FIRST_COME)) {
      return;
    }
    for (Sent other : requests) {
      seen.check(
          !waiting(other) || other.waitsSince >= r.waitsSince || other.avoid == instance,
          Invariant.INV_19,
          "request",
          () -> "request " + r.number() + " leaves the router before " + other.number());
    }
  }

  private static boolean waiting(Sent r) {
    return !r.over && r.instance < 0;
  }

  private void violated(Invariant rule, String entity, String sentence) {
    seen.exercised(rule);
    seen.violated(rule, entity, sentence, "");
    throw new Guarded.Halt();
  }

  private void play(Event event) {
    if (event.is(Router.ROUTE)) {
      route(event, false);
    } else if (event.is(Router.CHOOSE)) {
      if (claims(RouterFeature.TWO_STEPS)) {
        route(event, true);
      }
    } else if (event.is(Engine.ADVANCE)) {
      now += event.get(Engine.TIME);
    } else if (event.is(Router.REPORTED)) {
      reported(event.intOf(Engine.WHICH));
    } else if (!ofRequest(event)) {
      ofInstance(event, event.intOf(Engine.WHICH) % instances.length);
    }
  }

  private boolean ofRequest(Event event) {
    if (event.is(Router.FIRST_TOKEN)) {
      pick(event, false).filter(r -> r.instance >= 0).ifPresent(this::firstToken);
    } else if (event.is(Router.END)) {
      pick(event, event.get(Engine.AMONG_ALL) == 1)
          .ifPresent(r -> end(r, CAUSES[event.intOf(Router.CAUSE)]));
    } else if (event.is(Router.RETRY)) {
      if (claims(RouterFeature.RETRIES)) {
        pick(event, false)
            .filter(r -> r.instance >= 0)
            .ifPresent(r -> retry(r, event.intOf(Router.DELIVERED)));
      }
    } else if (event.is(Router.SEND) || event.is(Router.ABANDON)) {
      List<Sent> unsent = requests.stream().filter(r -> r.unsent && !r.over).toList();
      if (!unsent.isEmpty()) {
        send(unsent.get(event.intOf(Engine.WHICH) % unsent.size()), event.is(Router.SEND));
      }
    } else {
      return false;
    }
    return true;
  }

  private void ofInstance(Event event, int instance) {
    if (event.is(Router.DOWN)) {
      if (event.get(Router.LATE) == 1) {
        downLate(instance);
      } else {
        down(instance);
      }
    } else if (event.is(Router.UP)) {
      up(instance);
    } else if (event.is(Router.DRAIN)) {
      drain(instance);
    } else if (event.is(Router.OBSERVE)) {
      observe(instance, event);
    } else if (event.is(Router.REPORT)) {
      report(instance);
    } else if (claims(RouterFeature.CACHE_EVENTS) && reportsCache && instances[instance].up) {
      ofCache(event, instance);
    }
  }

  private Optional<Sent> pick(Event event, boolean all) {
    List<Sent> among = new ArrayList<>();
    for (Sent r : requests) {
      if ((all || !r.over) && !r.unsent) {
        among.add(r);
      }
    }
    return among.isEmpty()
        ? Optional.empty()
        : Optional.of(among.get(event.intOf(Engine.WHICH) % among.size()));
  }

  // ---- requests

  private void route(Event event, boolean inSteps) {
    int prompt = event.intOf(Engine.PROMPT);
    int maxNew = event.intOf(Engine.MAX_NEW);
    RouterSubject.Asked asked =
        new RouterSubject.Asked(
            requests.size(),
            prompt,
            (int) Math.min(event.get(Router.MIN_NEW), maxNew),
            maxNew,
            Engine.name(event.get(Router.SESSION)),
            words(event.get(Engine.WORDS), prompt / WORD_TOKENS));
    Sent r = new Sent(asked);
    requests.add(r);
    prompts.add(asked.words());
    credits(asked.words());
    int least = leastLoaded();
    OptionalInt[] answer = {OptionalInt.empty()};
    call(
        inSteps ? "choose" : "route",
        () -> answer[0] = inSteps ? router.choose(asked, now) : router.route(asked, now));
    if (answer[0].isPresent()) {
      r.unsent = inSteps;
      gap(r, answer[0].getAsInt(), least);
      sent(r, answer[0].getAsInt());
      balance(r);
    } else if (r.instance < 0) {
      waitsOrIsOver(r);
      seen.label(r.over ? "refused" : "waits at the router");
    }
    journal.append(r.number()).append('>').append(r.instance).append(' ');
    line(
        (inSteps ? "choose " : "route ") + r.number(),
        r.instance < 0 ? (r.over ? "refused" : "waits") : "");
  }

  /** Block i holds one of two words, as bit i says. */
  private static List<Integer> words(long bits, int blocks) {
    List<Integer> words = new ArrayList<>(blocks);
    for (int i = 0; i < blocks; i++) {
      words.add(1 + (int) (bits >>> i & 1));
    }
    return words;
  }

  private void waitsOrIsOver(Sent r) {
    r.over = !router.waits(r.number());
    r.waitsSince = waits++;
  }

  /** Returns whether an instance could take a request now. */
  private boolean anyRoom(int avoid) {
    for (int i = 0; i < instances.length; i++) {
      if (i != avoid && hasRoom(i)) {
        return true;
      }
    }
    return false;
  }

  private boolean hasRoom(int instance) {
    return instances[instance].takesRequests()
        && (maxInFlight == 0 || outstanding(instance) < maxInFlight);
  }

  private int leastLoaded() {
    int least = Integer.MAX_VALUE;
    for (int i = 0; i < instances.length; i++) {
      if (hasRoom(i)) {
        least = Math.min(least, outstanding(i));
      }
    }
    return least;
  }

  private void gap(Sent r, int instance, int least) {
    if (factory.loadGap() < 0 || instance < 0 || instance >= instances.length) {
      return;
    }
    int own = outstanding(instance);
    seen.check(
        own - least <= factory.loadGap(),
        Invariant.INV_36,
        "gap",
        () ->
            "request "
                + r.number()
                + " goes to instance "
                + instance
                + " with "
                + own
                + " outstanding requests while another has "
                + least
                + "; the claimed gap is at most "
                + factory.loadGap());
  }

  private void sent(Sent r, int instance) {
    seen.exercised(Invariant.INV_33);
    if (instance < 0 || instance >= instances.length || !instances[instance].takesRequests()) {
      boolean drains = instance >= 0 && instance < instances.length && instances[instance].up;
      violated(
          Invariant.INV_33,
          "instance",
          "request "
              + r.number()
              + " is sent to instance "
              + instance
              + ", which is "
              + (drains ? "draining" : "not up"));
    }
    r.instance = instance;
    r.incarnation = instances[instance].incarnation;
    r.over = false;
    if (maxInFlight > 0) {
      seen.check(
          outstanding(instance) <= maxInFlight,
          Invariant.INV_06,
          "instance",
          () ->
              "instance "
                  + instance
                  + " has "
                  + outstanding(instance)
                  + " outstanding requests, but at most "
                  + maxInFlight
                  + " are allowed");
    }
  }

  /** Counts equal requests while nothing else has happened, or only pauses between them. */
  private void balance(Sent r) {
    undisturbed &= !emptying;
    if (factory.balance() < 0 || !undisturbed) {
      return;
    }
    int least = Integer.MAX_VALUE;
    int most = 0;
    equalRoutes[r.instance]++;
    for (int count : equalRoutes) {
      least = Math.min(least, count);
      most = Math.max(most, count);
    }
    seen.check(
        most - least <= factory.balance(),
        Invariant.INV_36,
        "balance",
        "of equal requests at equal instances, one has "
            + most
            + " and another "
            + least
            + "; the claimed difference is at most "
            + factory.balance());
  }

  /** Requests end: what is sent before the last of them has ended is no equal choice. */
  private void leaves() {
    emptying = false;
    for (Sent r : requests) {
      emptying |= !r.over;
    }
    undisturbed &= claims(RouterFeature.BALANCED_OVER_PAUSES);
  }

  private void send(Sent r, boolean reachable) {
    r.unsent = false;
    boolean alive = instances[r.instance].up && instances[r.instance].incarnation == r.incarnation;
    if (reachable && alive) {
      call("send", () -> router.send(r.number(), now));
    } else {
      r.over = true;
      leaves();
      call("abandon", () -> router.abandon(r.number(), now));
    }
    line((r.over ? "abandon " : "send ") + r.number(), "");
  }

  private void firstToken(Sent r) {
    r.sawToken = true;
    caches(r);
    call("firstToken", () -> router.firstToken(r.number(), now));
    line("first token of " + r.number(), "");
  }

  /** A request was served where it is: its prompt is in the cache there. */
  private void caches(Sent r) {
    Truth at = instances[r.instance];
    if (!reportsCache && at.up && at.incarnation == r.incarnation) {
      List<Integer> words = r.asked.words();
      for (int i = 1; i <= words.size(); i++) {
        at.blocks.merge(words.subList(0, i), 1, Integer::sum);
      }
    }
  }

  private void end(Sent r, RouterSubject.Cause cause) {
    seen.label("ended " + (r.over ? "again" : r.instance < 0 ? "waiting" : "outstanding"));
    if (!r.over && r.instance >= 0 && cause == RouterSubject.Cause.COMPLETED) {
      caches(r);
    }
    r.over = true;
    leaves();
    call("ended", () -> router.ended(r.number(), cause, now));
    line("end " + r.number() + " " + cause, "");
  }

  private void retry(Sent r, int tokens) {
    undisturbed = false;
    int before = r.instance;
    r.instance = -1;
    r.avoid = before;
    r.sawToken = false;
    r.waitsSince = Long.MAX_VALUE;
    int delivered = Math.min(tokens, r.asked.maxNewTokens() - 1 - r.delivered);
    r.delivered += delivered;
    boolean allowed =
        !claims(RouterFeature.RETRY_LIMIT) || r.retries < scenario.intOf(Router.RETRY_LIMIT);
    r.retries++;
    boolean room = anyRoom(before);
    RouterSubject.Replay[] answer = {
      new RouterSubject.Replay(OptionalInt.empty(), 0, 0),
    };
    call("retry", () -> answer[0] = router.retry(r.number(), delivered, now));
    OptionalInt target = answer[0].instance();
    if (target.isPresent()) {
      sent(r, target.getAsInt());
      seen.label("retried");
      seen.check(
          r.instance != before || instances.length == 1,
          Invariant.INV_33,
          "retry",
          () ->
              "request "
                  + r.number()
                  + " failed at instance "
                  + before
                  + " and is sent there again");
    } else if (r.instance < 0) {
      waitsOrIsOver(r);
    }
    limits(r, answer[0]);
    if (claims(RouterFeature.RETRY_LIMIT)) {
      seen.check(
          allowed || r.over,
          Invariant.INV_30,
          "retries",
          () -> "request " + r.number() + " is retried, but its retries are used up");
      seen.check(
          !allowed || !room || !r.over,
          Invariant.INV_30,
          "retries",
          () ->
              "request "
                  + r.number()
                  + " is given up after "
                  + r.retries
                  + " attempts, although it may be retried and an instance has room");
    }
    leaves();
    journal.append(r.number()).append('>').append(r.instance).append(' ');
    line("retry " + r.number() + " after " + delivered + " tokens", "");
  }

  private void limits(Sent r, RouterSubject.Replay replay) {
    if (!claims(RouterFeature.REBASES_LIMITS) || r.over) {
      return;
    }
    int min = Math.max(0, r.asked.minNewTokens() - r.delivered);
    int max = r.asked.maxNewTokens() - r.delivered;
    seen.check(
        replay.minNewTokens() == min && replay.maxNewTokens() == max,
        Invariant.INV_30,
        "limits",
        () ->
            "request "
                + r.number()
                + ", to produce "
                + r.asked.minNewTokens()
                + " to "
                + r.asked.maxNewTokens()
                + " tokens, goes on after "
                + r.delivered
                + " with limits "
                + replay.minNewTokens()
                + " and "
                + replay.maxNewTokens()
                + " instead of "
                + min
                + " and "
                + max);
  }

  // ---- instances

  private void drain(int instance) {
    if (!claims(RouterFeature.DRAINS) || !instances[instance].takesRequests()) {
      return;
    }
    undisturbed = false;
    instances[instance].draining = true;
    seen.label("drains");
    call("drain", () -> router.drain(instance, instances[instance].incarnation, now));
    line("drain " + instance, "");
  }

  private void down(int instance) {
    Truth at = instances[instance];
    if (!at.up) {
      return;
    }
    undisturbed = false;
    at.up = false;
    at.draining = false;
    at.blocks.clear();
    call("down", () -> router.down(instance, at.incarnation, now));
    line("down " + instance, "");
  }

  /** Somebody notices only now that an earlier life has ended. */
  private void downLate(int instance) {
    int earlier = instances[instance].incarnation - 1;
    if (earlier < 0) {
      return;
    }
    call("down", () -> router.down(instance, earlier, now));
    line("down " + instance, "incarnation " + earlier + ", late");
  }

  private void up(int instance) {
    Truth at = instances[instance];
    if (at.up) {
      return;
    }
    undisturbed = false;
    at.incarnation++;
    at.up = true;
    seen.label("came back");
    call("up", () -> router.up(instance, at.incarnation, now));
    line("up " + instance, "incarnation " + at.incarnation);
  }

  private void observe(int instance, Event event) {
    undisturbed = false;
    truthful = false;
    int waiting = event.intOf(Router.WAITING);
    int running = event.intOf(Router.RUNNING);
    long at = Math.max(0, now - event.get(Router.AGE));
    int incarnation = instances[instance].incarnation;
    call("observe", () -> router.observe(instance, incarnation, waiting, running, at));
    line("observe " + instance + ": " + waiting + " waiting, " + running + " running", "");
  }

  private void report(int instance) {
    if (instances[instance].up) {
      int waiting = silent(instance);
      int running = outstanding(instance) - waiting;
      reports.add(new Report(instance, instances[instance].incarnation, waiting, running, now));
      line("report of " + instance + ": " + waiting + " waiting, " + running + " running", "");
    }
  }

  private void reported(int which) {
    if (reports.isEmpty()) {
      return;
    }
    Report r = reports.remove(which % reports.size());
    undisturbed &= claims(RouterFeature.CORRECTS_REPORTS);
    call(
        "observe",
        () -> router.observe(r.instance(), r.incarnation(), r.waiting(), r.running(), r.atNanos()));
    line("report of " + r.instance() + " as of " + r.atNanos() + " arrives", "");
  }

  private void ofCache(Event event, int instance) {
    Truth at = instances[instance];
    int incarnation =
        event.is(Router.EVICT) ? at.incarnation : at.incarnation - event.intOf(Router.LATE);
    if (incarnation < 0) {
      return;
    }
    boolean late = incarnation < at.incarnation;
    if (event.is(Router.STORE)) {
      List<Integer> words = words(event.get(Engine.WORDS), event.intOf(Router.BLOCKS));
      prompts.add(words);
      for (int i = 1; i <= words.size(); i++) {
        List<Integer> block = words.subList(0, i);
        int copies = late ? 1 : at.blocks.merge(block, 1, Integer::sum);
        call("stored", () -> router.stored(instance, incarnation, block, copies, now));
      }
      line("instance " + instance + " stores " + words, late ? "late" : "");
    } else if (event.is(Router.EVICT)) {
      if (!at.blocks.isEmpty()) {
        List<List<Integer>> held = List.copyOf(at.blocks.keySet());
        List<Integer> block = held.get(event.intOf(Router.PICK) % held.size());
        int left = at.blocks.merge(block, -1, Integer::sum);
        if (left == 0) {
          at.blocks.remove(block);
        }
        call("removed", () -> router.removed(instance, incarnation, block, left, now));
        line("instance " + instance + " loses " + block, left + " copies left");
      }
    } else {
      if (!late) {
        at.blocks.clear();
      }
      call("cleared", () -> router.cleared(instance, incarnation, now));
      line("instance " + instance + " clears its cache", late ? "late" : "");
    }
    prompts.forEach(this::credits);
  }

  // ---- what must be true after every event

  private static boolean isAt(Sent r, int instance) {
    return r.instance == instance && !r.over;
  }

  private int outstanding(int instance) {
    int count = 0;
    for (Sent r : requests) {
      count += isAt(r, instance) && r.incarnation == instances[instance].incarnation ? 1 : 0;
    }
    return count;
  }

  private int silent(int instance) {
    int count = 0;
    for (Sent r : requests) {
      boolean here = isAt(r, instance) && r.incarnation == instances[instance].incarnation;
      count += here && !r.sawToken ? 1 : 0;
    }
    return count;
  }

  private void look() {
    for (int i = 0; i < instances.length; i++) {
      if (instances[i].up) {
        ledger(i);
      }
    }
    if (claims(RouterFeature.WORK_CONSERVING)) {
      for (Sent r : requests) {
        if (waiting(r)) {
          seen.check(
              !anyRoom(r.avoid),
              Invariant.INV_23,
              "request",
              () -> "request " + r.number() + " waits although an instance has room");
        }
      }
    }
  }

  private void ledger(int i) {
    Optional<Integer> tracked = router.tracked(i);
    String name = "incarnation " + instances[i].incarnation + " of instance " + i;
    if (claims(RouterFeature.LEDGER)) {
      seen.check(
          tracked.isPresent(),
          Invariant.INV_34,
          "ledger",
          () -> name + " is up, but the router does not count its requests");
    }
    int outstanding = outstanding(i);
    if (tracked.isPresent()) {
      seen.check(
          tracked.get() == outstanding,
          Invariant.INV_34,
          "ledger",
          () ->
              name
                  + " has "
                  + outstanding
                  + " outstanding requests, but the router counts "
                  + tracked.get());
    }
    if (claims(RouterFeature.PHASES)) {
      int silent = silent(i);
      int prefilling = router.prefilling(i);
      seen.check(
          prefilling == silent,
          Invariant.INV_34,
          "phase",
          () ->
              name
                  + " has "
                  + silent
                  + " requests without a token, but the router counts "
                  + prefilling);
    }
    if (claims(RouterFeature.CORRECTS_REPORTS) && truthful) {
      int believed = router.believed(i);
      seen.check(
          believed == outstanding,
          Invariant.INV_36,
          "report",
          () ->
              name
                  + " has "
                  + outstanding
                  + " outstanding requests and no report was untrue, but the router believes in "
                  + believed);
    }
  }

  /** Asks what is cached where: at most what is there, and exactly that if instances tell. */
  private void credits(List<Integer> prompt) {
    RouterFeature needed =
        reportsCache ? RouterFeature.CACHE_EVENTS : RouterFeature.LEARNS_PREFIXES;
    if (!claims(needed)) {
      return;
    }
    for (int i = 0; i < instances.length; i++) {
      if (instances[i].up) {
        credit(i, prompt);
      }
    }
  }

  private void credit(int instance, List<Integer> prompt) {
    int held = held(instance, prompt);
    int credited = router.credited(instance, prompt);
    seen.check(
        credited <= held && (credited == held || !reportsCache),
        Invariant.INV_35,
        "index",
        () ->
            "instance "
                + instance
                + " is credited with "
                + credited
                + " blocks of "
                + prompt
                + ", but holds "
                + held
                + " without a gap");
  }

  /** Returns how many leading blocks of a prompt an instance holds without a gap. */
  private int held(int instance, List<Integer> prompt) {
    int held = 0;
    while (held < prompt.size()
        && instances[instance].blocks.containsKey(prompt.subList(0, held + 1))) {
      held++;
    }
    return held;
  }

  private void drain() {
    prompts.forEach(this::credits);
    for (int i = 0; i < instances.length; i++) {
      now++;
      up(i);
    }
    for (int i = 0; i < requests.size(); i++) {
      Sent r = requests.get(i);
      now++;
      if (r.unsent) {
        send(r, false);
      } else if (!r.over) {
        end(r, RouterSubject.Cause.COMPLETED);
      }
      look();
    }
    for (int i = 0; i < instances.length; i++) {
      int instance = i;
      router
          .tracked(i)
          .ifPresent(
              tracked ->
                  seen.check(
                      tracked == 0,
                      Invariant.INV_13,
                      "ledger",
                      () ->
                          "with no request left the router counts "
                              + tracked
                              + " at instance "
                              + instance));
    }
  }

  private void line(String text, String note) {
    if (seen.detailed()) {
      StringJoiner loads = new StringJoiner(",");
      for (int i = 0; i < instances.length; i++) {
        loads.add(instances[i].up ? Integer.toString(outstanding(i)) : "down");
      }
      seen.line(text, loads.toString(), "", note);
      seen.trace(text);
    }
  }
}
