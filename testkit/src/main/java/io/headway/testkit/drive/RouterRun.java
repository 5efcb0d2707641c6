package io.headway.testkit.drive;

import io.headway.api.Invariant;
import io.headway.api.PolicyViolationException;
import io.headway.testkit.scenario.Event;
import io.headway.testkit.scenario.Observations;
import io.headway.testkit.scenario.Scenario;
import io.headway.testkit.subject.RouterFactory;
import io.headway.testkit.subject.RouterSubject;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.StringJoiner;

/** Plays one scenario against one router, beside a model of who is where. */
final class RouterRun {
  private static final RouterSubject.Cause[] CAUSES = {
    RouterSubject.Cause.COMPLETED,
    RouterSubject.Cause.CANCELLED,
    RouterSubject.Cause.ERROR,
    RouterSubject.Cause.TIMEOUT
  };

  /** Where a request is: an instance and its incarnation, waiting, or over. */
  private static final class Sent {
    final int number;
    int instance = -1;
    int incarnation;
    boolean over;

    Sent(int number) {
      this.number = number;
    }
  }

  private static final class Halt extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Halt() {
      super(null, null, false, false);
    }
  }

  private interface Call {
    void run();
  }

  private final Scenario scenario;
  private final Observations seen;
  private final RouterFactory factory;
  private final RouterSubject router;
  private final int maxInFlight;
  private final boolean[] up;
  private final int[] incarnations;
  private final List<Sent> requests = new ArrayList<>();
  private final StringBuilder journal = new StringBuilder();
  private final int[] equalRoutes;
  private boolean undisturbed = true;
  private long now;

  RouterRun(RouterFactory factory, Scenario scenario, Observations seen) {
    this.factory = factory;
    this.scenario = scenario;
    this.seen = seen;
    maxInFlight = scenario.intOf(Router.MAX_IN_FLIGHT);
    router = factory.create(maxInFlight, scenario.seed());
    up = new boolean[scenario.intOf(Router.INSTANCES)];
    incarnations = new int[up.length];
    equalRoutes = new int[up.length];
  }

  String journal() {
    return journal.toString();
  }

  void play() {
    try {
      for (int i = 0; i < up.length; i++) {
        int instance = i;
        call("up", () -> router.up(instance, 0, now));
        up[i] = true;
      }
      List<Event> events = scenario.events();
      for (int i = 0; i < events.size(); i++) {
        seen.event(i);
        seen.step(i);
        play(events.get(i));
        look();
      }
      seen.event(events.size());
      seen.step(events.size());
      drain();
    } catch (Halt halt) {
      // What went wrong was recorded where it happened.
    } finally {
      router.close();
    }
  }

  private void call(String what, Call call) {
    try {
      call.run();
    } catch (PolicyViolationException e) {
      violated(e.rule(), "policy", what + " threw: " + e.getMessage());
    } catch (RuntimeException e) {
      violated(Invariant.INV_02, "exception", what + " threw " + e);
    }
    seen.exercised(Invariant.INV_02);
    for (RouterSubject.Routed routed : router.promoted()) {
      seen.label("promoted");
      sent(requests.get(routed.request()), routed.instance());
    }
  }

  private void violated(Invariant rule, String entity, String sentence) {
    seen.exercised(rule);
    seen.violated(rule, entity, sentence, "");
    throw new Halt();
  }

  private void play(Event event) {
    int which = 0;
    if (!event.is(Router.ROUTE) && !event.is(Engine.ADVANCE)) {
      which = event.intOf(Engine.WHICH);
    }
    if (event.is(Router.ROUTE)) {
      route(event);
    } else if (event.is(Router.FIRST_TOKEN)) {
      pick(which, false).ifPresent(r -> call("firstToken", () -> router.firstToken(r.number, now)));
    } else if (event.is(Router.END)) {
      boolean all = event.get(Engine.AMONG_ALL) == 1;
      pick(which, all).ifPresent(r -> end(r, CAUSES[event.intOf(Router.CAUSE)]));
    } else if (event.is(Router.RETRY)) {
      pick(which, false).filter(r -> r.instance >= 0).ifPresent(this::retry);
    } else if (event.is(Router.DOWN)) {
      down(which % up.length);
    } else if (event.is(Router.UP)) {
      up(which % up.length);
    } else if (event.is(Router.OBSERVE)) {
      observe(which % up.length, event);
    } else {
      now += event.get(Engine.TIME);
    }
  }

  private Optional<Sent> pick(int which, boolean all) {
    List<Sent> among = new ArrayList<>();
    for (Sent r : requests) {
      if (all || !r.over) {
        among.add(r);
      }
    }
    return among.isEmpty() ? Optional.empty() : Optional.of(among.get(which % among.size()));
  }

  private void route(Event event) {
    Sent r = new Sent(requests.size());
    requests.add(r);
    int[] words = {1, 1 + (int) (event.get(Engine.WORDS) & 1), (int) event.get(Engine.WORDS)};
    String session = Engine.name(event.get(Router.SESSION));
    OptionalInt[] answer = {OptionalInt.empty()};
    call(
        "route",
        () ->
            answer[0] =
                router.route(
                    r.number,
                    event.intOf(Engine.PROMPT),
                    event.intOf(Engine.MAX_NEW),
                    session,
                    words,
                    now));
    if (answer[0].isPresent()) {
      sent(r, answer[0].getAsInt());
      balance(r);
    } else if (r.instance < 0) {
      r.over = !router.waits(r.number);
      seen.label(r.over ? "refused" : "waits at the router");
      boolean room = anyRoom();
      seen.check(
          !room || r.over || factory.balance() < 0,
          Invariant.INV_23,
          "request",
          "request " + r.number + " waits although an instance has room");
    }
    journal.append(r.number).append('>').append(r.instance).append(' ');
    line("route " + r.number, r.instance < 0 ? (r.over ? "refused" : "waits") : "");
  }

  private boolean anyRoom() {
    for (int i = 0; i < up.length; i++) {
      if (up[i] && (maxInFlight == 0 || outstanding(i) < maxInFlight)) {
        return true;
      }
    }
    return false;
  }

  private void sent(Sent r, int instance) {
    seen.exercised(Invariant.INV_33);
    if (instance < 0 || instance >= up.length || !up[instance]) {
      violated(
          Invariant.INV_33,
          "instance",
          "request " + r.number + " is sent to instance " + instance + ", which is not up");
    }
    r.instance = instance;
    r.incarnation = incarnations[instance];
    r.over = false;
    if (maxInFlight > 0) {
      seen.check(
          outstanding(instance) <= maxInFlight,
          Invariant.INV_06,
          "instance",
          "instance "
              + instance
              + " has "
              + outstanding(instance)
              + " outstanding requests, but at most "
              + maxInFlight
              + " are allowed");
    }
  }

  /** Counts equal requests while nothing else has happened. */
  private void balance(Sent r) {
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

  private void end(Sent r, RouterSubject.Cause cause) {
    seen.label("ended " + (r.over ? "again" : r.instance < 0 ? "waiting" : "outstanding"));
    r.over = true;
    undisturbed = false;
    call("ended", () -> router.ended(r.number, cause, now));
    line("end " + r.number + " " + cause, "");
  }

  private void retry(Sent r) {
    undisturbed = false;
    int before = r.instance;
    OptionalInt[] answer = {OptionalInt.empty()};
    r.instance = -1;
    call("retry", () -> answer[0] = router.retry(r.number, now));
    if (answer[0].isPresent()) {
      sent(r, answer[0].getAsInt());
      seen.label("retried");
      seen.check(
          r.instance != before || up.length == 1,
          Invariant.INV_33,
          "retry",
          "request " + r.number + " failed at instance " + before + " and is sent there again");
    } else if (r.instance < 0) {
      r.over = !router.waits(r.number);
    }
    journal.append(r.number).append('>').append(r.instance).append(' ');
    line("retry " + r.number, "");
  }

  private void down(int instance) {
    if (!up[instance]) {
      return;
    }
    undisturbed = false;
    up[instance] = false;
    call("down", () -> router.down(instance, incarnations[instance], now));
    line("down " + instance, "");
  }

  private void up(int instance) {
    if (up[instance]) {
      return;
    }
    undisturbed = false;
    incarnations[instance]++;
    up[instance] = true;
    seen.label("came back");
    call("up", () -> router.up(instance, incarnations[instance], now));
    line("up " + instance, "incarnation " + incarnations[instance]);
  }

  private void observe(int instance, Event event) {
    undisturbed = false;
    int waiting = event.intOf(Router.WAITING);
    int running = event.intOf(Router.RUNNING);
    long at = Math.max(0, now - event.get(Router.AGE));
    call("observe", () -> router.observe(instance, incarnations[instance], waiting, running, at));
    line("observe " + instance + ": " + waiting + " waiting, " + running + " running", "");
  }

  private int outstanding(int instance) {
    int count = 0;
    for (Sent r : requests) {
      boolean here = r.instance == instance && r.incarnation == incarnations[instance];
      count += here && !r.over ? 1 : 0;
    }
    return count;
  }

  private void look() {
    for (int i = 0; i < up.length; i++) {
      Optional<Integer> tracked = up[i] ? router.tracked(i) : Optional.empty();
      if (tracked.isPresent()) {
        seen.check(
            tracked.get() == outstanding(i),
            Invariant.INV_34,
            "ledger",
            "incarnation "
                + incarnations[i]
                + " of instance "
                + i
                + " has "
                + outstanding(i)
                + " outstanding requests, but the router counts "
                + tracked.get());
      }
    }
  }

  private void drain() {
    for (int i = 0; i < up.length; i++) {
      up(i);
    }
    for (int i = 0; i < requests.size(); i++) {
      Sent r = requests.get(i);
      if (!r.over) {
        end(r, RouterSubject.Cause.COMPLETED);
      }
      look();
    }
    for (int i = 0; i < up.length; i++) {
      int instance = i;
      router
          .tracked(i)
          .ifPresent(
              tracked ->
                  seen.check(
                      tracked == 0,
                      Invariant.INV_13,
                      "ledger",
                      "with no request left the router counts "
                          + tracked
                          + " at instance "
                          + instance));
    }
  }

  private void line(String text, String note) {
    if (seen.detailed()) {
      StringJoiner loads = new StringJoiner(",");
      for (int i = 0; i < up.length; i++) {
        loads.add(up[i] ? Integer.toString(outstanding(i)) : "down");
      }
      seen.line(text, loads.toString(), "", note);
      seen.trace(text);
    }
  }
}
