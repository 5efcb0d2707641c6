package io.headway.runtime;

import static io.headway.runtime.RoutingFixtures.MIXED;
import static io.headway.runtime.RoutingFixtures.cluster;
import static io.headway.runtime.RoutingFixtures.leastRequests;
import static io.headway.runtime.RoutingFixtures.load;
import static io.headway.runtime.RoutingFixtures.policy;
import static io.headway.runtime.RoutingFixtures.positionOf;
import static io.headway.runtime.RoutingFixtures.splitPolicy;
import static io.headway.runtime.RoutingFixtures.stats;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headway.api.Invariant;
import io.headway.api.PolicyViolationException;
import io.headway.api.Request;
import io.headway.api.Role;
import io.headway.api.routing.RejectCode;
import io.headway.runtime.RoutingFixtures.HundredTokensASecond;
import io.headway.runtime.RoutingFixtures.RulePolicy;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class ClusterSchedulerTest {
  private static final long SECOND = 1_000_000_000L;

  private static Request request(String id) {
    return Request.of(id, 100, 20);
  }

  private static Ticket accept(RoutePlan plan) {
    assertThat(plan.kind()).as(plan.toString()).isEqualTo(RoutePlan.Kind.ACCEPT);
    return plan.ticket();
  }

  /** T1: the first release wins, every exit gives back exactly what was charged. */
  @Nested
  class T1Release {
    @Test
    void releaseIsIdempotentAndTheFirstCauseWins() {
      ClusterScheduler cluster = cluster(leastRequests(), "a");
      Ticket ticket = accept(cluster.route(request("r"), 1));
      assertThat(load(cluster, "a", 1).inFlight()).isEqualTo(1);
      assertThat(ticket.release(ReleaseCause.UPSTREAM_ERROR, Usage.UNKNOWN, 2)).isTrue();
      assertThat(ticket.release(ReleaseCause.COMPLETED, Usage.of(5), 3)).isFalse();
      ticket.close();
      assertThat(load(cluster, "a", 3).inFlight()).isZero();
      assertThat(cluster.stats().released().get(ReleaseCause.UPSTREAM_ERROR)).isEqualTo(1);
      assertThat(cluster.stats().released().get(ReleaseCause.COMPLETED)).isZero();
      assertThat(cluster.stats().inFlight()).isZero();
    }

    @Test
    void closeWithoutReleaseCountsAsUnknown() {
      ClusterScheduler cluster = cluster(leastRequests(), "a");
      try (Ticket ticket = accept(cluster.route(request("r"), 1))) {
        assertThat(ticket.primary()).isEqualTo("a");
      }
      assertThat(cluster.stats().released().get(ReleaseCause.UNKNOWN)).isEqualTo(1);
      assertThat(load(cluster, "a", 1).inFlight()).isZero();
    }

    @Test
    void everyCauseReturnsEveryLedgerToZero() {
      HundredTokensASecond predictor = new HundredTokensASecond();
      ClusterScheduler cluster =
          ClusterScheduler.builder().policy(leastRequests()).predictor(predictor).build();
      cluster.up("a", 0, MIXED, 0);
      for (ReleaseCause cause : ReleaseCause.values()) {
        Ticket ticket = accept(cluster.route(request("r-" + cause), 1));
        ticket.started(2);
        ticket.firstToken(3);
        ticket.release(cause, Usage.of(7), 4);
      }
      InstanceLoad left = load(cluster, "a", 5);
      assertThat(left.inFlight()).isZero();
      assertThat(left.waiting() + left.running()).isZero();
      assertThat(left.waitingPromptTokens() + left.runningContextTokens()).isZero();
      assertThat(left.usedBlocks()).isZero();
      assertThat(left.backlogNanos()).isZero();
    }

    @Test
    void onlyCompletedRequestsTeach() {
      HundredTokensASecond predictor = new HundredTokensASecond();
      RulePolicy policy = leastRequests();
      ClusterScheduler cluster =
          ClusterScheduler.builder().policy(policy).predictor(predictor).build();
      cluster.up("a", 0, MIXED, 0);
      Ticket lost = accept(cluster.route(request("lost"), 0));
      lost.started(SECOND);
      lost.release(ReleaseCause.TIMEOUT, Usage.UNKNOWN, 3 * SECOND);
      Ticket done = accept(cluster.route(request("done"), 3 * SECOND));
      done.started(4 * SECOND);
      done.release(ReleaseCause.COMPLETED, Usage.of(20), 6 * SECOND);
      assertThat(predictor.observed).containsExactly(2.0);
      assertThat(policy.outcomes).extracting("completed").containsExactly(false, true);
      assertThat(policy.outcomes).extracting("serviceNanos").contains(2 * SECOND);
      assertThat(policy.outcomes).extracting("predictedServiceNanos").containsOnly(SECOND);
    }

    @Test
    void aSplitRequestGivesBackBothPhases() {
      ClusterScheduler cluster =
          cluster(
              splitPolicy(
                  (request, view, draft) ->
                      draft.accept(positionOf(view, "p"), positionOf(view, "d"))));
      cluster.up("p", 0, MIXED.role(Role.PREFILL), 0);
      cluster.up("d", 0, MIXED.role(Role.DECODE), 0);
      Ticket success = accept(cluster.route(request("success"), 1));
      Ticket failsInPrefill = accept(cluster.route(request("fails"), 2));
      Ticket cancelledInDecode = accept(cluster.route(request("cancelled"), 3));
      assertThat(success.prefillInstance()).isEqualTo("p");
      assertThat(success.primary()).isEqualTo("d");
      assertThat(load(cluster, "p", 3).waitingPromptTokens()).isEqualTo(300);
      assertThat(load(cluster, "d", 3).waitingPromptTokens()).isZero();

      success.firstToken(4);
      assertThat(load(cluster, "p", 4).inFlight()).isEqualTo(2);
      assertThat(load(cluster, "d", 4).running()).isEqualTo(1);
      success.release(ReleaseCause.COMPLETED, Usage.of(20), 5);
      failsInPrefill.release(ReleaseCause.UPSTREAM_ERROR, Usage.UNKNOWN, 6);
      cancelledInDecode.firstToken(7);
      cancelledInDecode.release(ReleaseCause.CLIENT_DISCONNECT, Usage.UNKNOWN, 8);
      for (String id : List.of("p", "d")) {
        InstanceLoad left = load(cluster, id, 9);
        assertThat(left.inFlight()).as(id).isZero();
        assertThat(left.waiting() + left.running()).as(id).isZero();
        assertThat(left.runningContextTokens() + left.waitingPromptTokens()).as(id).isZero();
        assertThat(left.usedBlocks()).as(id).isZero();
      }
    }
  }

  /** T2: a ticket belongs to one incarnation. */
  @Nested
  class T2Incarnation {
    @Test
    void aFlapNeverDrivesTheNextLifeNegative() {
      ClusterScheduler cluster = cluster(leastRequests(), "e");
      Ticket first = accept(cluster.route(request("r1"), 1));
      assertThat(cluster.down("e", 0, 2)).isTrue();
      assertThat(cluster.up("e", 1, MIXED, 3)).isTrue();
      assertThat(load(cluster, "e", 3).inFlight()).isZero();
      Ticket second = accept(cluster.route(request("r2"), 4));
      assertThat(load(cluster, "e", 4).inFlight()).isEqualTo(1);
      assertThat(first.release(ReleaseCause.COMPLETED, Usage.of(1), 5)).isTrue();
      assertThat(load(cluster, "e", 5).inFlight()).isEqualTo(1);
      second.release(ReleaseCause.COMPLETED, Usage.of(1), 6);
      assertThat(load(cluster, "e", 6).inFlight()).isZero();
      assertThat(second.primaryIncarnation()).isEqualTo(1);
    }

    @Test
    void aHigherIncarnationReplacesTheLiveOne() {
      ClusterScheduler cluster = cluster(leastRequests(), "e");
      Ticket first = accept(cluster.route(request("r1"), 1));
      assertThat(cluster.up("e", 5, MIXED, 2)).isTrue();
      assertThat(load(cluster, "e", 2).incarnation()).isEqualTo(5);
      assertThat(load(cluster, "e", 2).inFlight()).isZero();
      first.firstToken(3);
      first.close();
      assertThat(load(cluster, "e", 3).running()).isZero();
    }

    @Test
    void lateMessagesOfAnOldLifeChangeNothing() {
      ClusterScheduler cluster = cluster(leastRequests(), "e");
      cluster.up("e", 1, MIXED, 1);
      assertThat(cluster.up("e", 0, MIXED, 2)).isFalse();
      assertThat(cluster.down("e", 0, 2)).isFalse();
      assertThat(cluster.drain("e", 0, 2)).isFalse();
      assertThat(cluster.observe("e", 0, stats(9, 9), 3)).isFalse();
      assertThat(load(cluster, "e", 3).waiting()).isZero();
      assertThat(cluster.down("e", 1, 4)).isTrue();
      assertThat(cluster.up("e", 1, MIXED, 5)).isFalse();
      assertThat(cluster.up("e", 2, MIXED, 5)).isTrue();
    }
  }

  /** T3: optimistic accounting until a newer observation, and never twice. */
  @Nested
  class T3OptimisticAccounting {
    @Test
    void equalRequestsOnOneObservationSpreadEvenly() {
      ClusterScheduler cluster = cluster(leastRequests(), "a", "b", "c");
      for (String id : List.of("a", "b", "c")) {
        cluster.observe(id, 0, stats(0, 0), 1);
      }
      List<String> chosen = new ArrayList<>();
      for (int i = 0; i < 7; i++) {
        chosen.add(accept(cluster.route(request("r" + i), 2 + i)).primary());
      }
      assertThat(chosen).containsExactly("a", "b", "c", "a", "b", "c", "a");
    }

    @Test
    void anObservationReplacesWhatItCountsAndKeepsWhatItCannotKnow() {
      ClusterScheduler cluster = cluster(leastRequests(), "a", "b");
      cluster.route(request("r1"), 1000);
      cluster.route(request("r2"), 2000);
      // Taken after r1 was sent and before r2 was.
      cluster.observe("a", 0, stats(1, 0), 1500);
      cluster.observe("b", 0, stats(0, 0), 1500);
      assertThat(load(cluster, "a", 2500).waiting()).isEqualTo(1);
      assertThat(load(cluster, "b", 2500).waiting()).isEqualTo(1);
    }

    @Test
    void anObservationOfTheMomentOfDispatchDoesNotCountIt() {
      ClusterScheduler cluster = cluster(leastRequests(), "a");
      cluster.route(request("r1"), 1000);
      cluster.observe("a", 0, stats(0, 0), 1000);
      assertThat(load(cluster, "a", 1000).waiting()).isEqualTo(1);
      cluster.observe("a", 0, stats(1, 0), 1001);
      assertThat(load(cluster, "a", 1001).waiting()).isEqualTo(1);
    }

    @Test
    void anOlderObservationNeverReplacesANewerOne() {
      ClusterScheduler cluster = cluster(leastRequests(), "a");
      cluster.observe("a", 0, stats(3, 4), 2000);
      cluster.observe("a", 0, stats(9, 9), 1000);
      assertThat(load(cluster, "a", 3000).waiting()).isEqualTo(3);
      cluster.observe("a", 0, stats(8, 8), 1500);
      assertThat(load(cluster, "a", 3000).running()).isEqualTo(4);
      assertThat(load(cluster, "a", 3000).ageNanos()).isEqualTo(1000);
    }

    @Test
    void whatIsOverComesOffUntilTheNextObservation() {
      ClusterScheduler cluster = cluster(leastRequests(), "a");
      Ticket ticket = accept(cluster.route(request("r"), 1000));
      ticket.firstToken(1100);
      cluster.observe("a", 0, stats(2, 5), 1200);
      assertThat(load(cluster, "a", 1300).running()).isEqualTo(5);
      ticket.release(ReleaseCause.COMPLETED, Usage.of(1), 1400);
      assertThat(load(cluster, "a", 1400).running()).isEqualTo(4);
      assertThat(load(cluster, "a", 1400).waiting()).isEqualTo(2);
      cluster.observe("a", 0, stats(2, 4), 1500);
      assertThat(load(cluster, "a", 1500).running()).isEqualTo(4);
    }

    @Test
    void aReportThatWasTakenBeforeAnEndAndArrivesAfterItDoesNotBringTheRequestBack() {
      ClusterScheduler cluster = cluster(leastRequests(), "a");
      Ticket ticket = accept(cluster.route(request("r"), 1000));
      ticket.release(ReleaseCause.COMPLETED, Usage.of(1), 1200);
      cluster.observe("a", 0, stats(1, 0), 1100);
      assertThat(load(cluster, "a", 1300).waiting()).isZero();
      cluster.observe("a", 0, stats(0, 0), 1300);
      assertThat(load(cluster, "a", 1300).waiting()).isZero();
    }

    @Test
    void reportsTakenBeforeAnEndMayCountItAsWaitingAndThenAsRunning() {
      ClusterScheduler cluster = cluster(leastRequests(), "a");
      Ticket first = accept(cluster.route(request("first"), 1000));
      Ticket second = accept(cluster.route(request("second"), 1001));
      first.started(1100);
      second.release(ReleaseCause.COMPLETED, Usage.of(1), 1150);
      first.release(ReleaseCause.COMPLETED, Usage.of(1), 1300);
      cluster.observe("a", 0, stats(2, 0), 1050);
      assertThat(load(cluster, "a", 1400).waiting()).isZero();
      cluster.observe("a", 0, stats(0, 1), 1200);
      assertThat(load(cluster, "a", 1400).waiting()).isZero();
      assertThat(load(cluster, "a", 1400).running()).isZero();
    }

    @Test
    void aRetryIsDecidedWithoutTheLoadOfTheAttemptThatFailed() {
      List<Integer> seen = new ArrayList<>();
      ClusterScheduler cluster =
          ClusterScheduler.builder()
              .policy("disaggregated")
              .log(line -> seen.addAll(inFlight(line.toString())))
              .build();
      cluster.up("p", 0, InstanceProfile.of(Role.PREFILL, 8, 100, 16), 0);
      cluster.up("d", 0, InstanceProfile.of(Role.DECODE, 8, 100, 16), 0);
      cluster.up("e", 0, InstanceProfile.of(Role.DECODE, 8, 100, 16), 0);
      Ticket ticket = accept(cluster.route(request("r"), 1));
      assertThat(ticket.retry(ReleaseCause.UPSTREAM_ERROR, 2).kind())
          .isEqualTo(RoutePlan.Kind.ACCEPT);
      assertThat(seen).isNotEmpty().containsOnly(0);
      assertThat(load(cluster, "p", 3).inFlight()).isEqualTo(1);
    }

    private static List<Integer> inFlight(String line) {
      return Pattern.compile("\"inFlight\":(\\d+)")
          .matcher(line)
          .results()
          .map(match -> Integer.valueOf(match.group(1)))
          .toList();
    }

    @Test
    void whatIsOverNeverHidesWhatIsSurelyThere() {
      ClusterScheduler cluster = cluster(leastRequests(), "a");
      Ticket early = accept(cluster.route(request("early"), 1000));
      // The engine was done before the observation, the answer arrives after it.
      cluster.observe("a", 0, stats(0, 0), 1200);
      cluster.route(request("late"), 1300);
      early.release(ReleaseCause.COMPLETED, Usage.of(1), 1400);
      InstanceLoad seen = load(cluster, "a", 1400);
      assertThat(seen.waiting() + seen.running()).isEqualTo(1);
    }

    @Test
    void releaseBeforeTheObservationIsNotCountedAtAll() {
      ClusterScheduler cluster = cluster(leastRequests(), "a");
      cluster.observe("a", 0, stats(1, 1), 500);
      Ticket ticket = accept(cluster.route(request("r"), 1000));
      assertThat(load(cluster, "a", 1000).waiting()).isEqualTo(2);
      ticket.close();
      assertThat(load(cluster, "a", 1100).waiting()).isEqualTo(1);
      cluster.observe("a", 0, stats(1, 1), 1200);
      assertThat(load(cluster, "a", 1200).waiting()).isEqualTo(1);
    }

    @Test
    void everyLoadNumberCountsWhatWasJustSent() {
      HundredTokensASecond predictor = new HundredTokensASecond();
      ClusterScheduler cluster =
          ClusterScheduler.builder().policy(leastRequests()).predictor(predictor).build();
      cluster.up("a", 0, MIXED, 0);
      cluster.observe("a", 0, InstanceStats.of(1, 2, 30, 40, 5), 1);
      Ticket ticket = accept(cluster.route(request("r"), 2));
      InstanceLoad queued = load(cluster, "a", 2);
      assertThat(queued.waiting()).isEqualTo(2);
      assertThat(queued.waitingPromptTokens()).isEqualTo(130);
      assertThat(queued.usedBlocks()).isEqualTo(5 + 7);
      assertThat(queued.backlogNanos()).isEqualTo(SECOND);
      ticket.started(3);
      InstanceLoad running = load(cluster, "a", 3);
      assertThat(running.waiting()).isEqualTo(1);
      assertThat(running.running()).isEqualTo(3);
      assertThat(running.waitingPromptTokens()).isEqualTo(30);
      assertThat(running.runningContextTokens()).isEqualTo(140);
    }

    @Test
    void aLedgerMirrorsItsOpenTicketsInEveryMomentOfALongRun() {
      ClusterScheduler cluster = cluster(leastRequests(), "a", "b", "c");
      List<Ticket> open = new ArrayList<>();
      io.headway.api.RandomSource random = io.headway.api.RandomSource.seeded(7);
      for (int i = 0; i < 5_000; i++) {
        if (open.isEmpty() || random.nextInt(2) == 0) {
          open.add(accept(cluster.route(request("r" + i), i)));
        } else {
          Ticket ticket = open.remove(random.nextInt(open.size()));
          if (random.nextInt(2) == 0) {
            ticket.firstToken(i);
          }
          ticket.release(ReleaseCause.COMPLETED, Usage.of(1), i);
        }
        if (random.nextInt(10) == 0) {
          cluster.observe("a", 0, stats(random.nextInt(5), random.nextInt(5)), i);
        }
        for (String id : List.of("a", "b", "c")) {
          long expected = open.stream().filter(t -> t.primary().equals(id)).count();
          assertThat((long) load(cluster, id, i).inFlight()).isEqualTo(expected);
        }
      }
      open.forEach(Ticket::close);
      assertThat(cluster.stats().inFlight()).isZero();
      assertThat(load(cluster, "b", 5_000).waiting() + load(cluster, "b", 5_000).running())
          .isZero();
    }
  }

  /** T4: one decision at a time, no work under the lock for waiters. */
  @Nested
  class T4Locking {
    @Test
    void stagesOfQueuedRequestsAreCompletedOutsideTheLock() {
      ClusterScheduler cluster = cluster(leastRequests());
      cluster.up("a", 0, MIXED.maxInFlight(1), 0);
      Ticket first = accept(cluster.route(request("first"), 1));
      RoutePlan queued = cluster.route(request("second"), 2);
      assertThat(queued.kind()).isEqualTo(RoutePlan.Kind.QUEUE);
      List<Boolean> lockHeld = new ArrayList<>();
      queued.later(Runnable::run).thenAccept(plan -> lockHeld.add(cluster.lock.isLocked()));
      first.close();
      assertThat(lockHeld).containsExactly(false);
    }

    @Test
    void aStageMayCallTheClusterAgain() {
      ClusterScheduler cluster = cluster(leastRequests());
      cluster.up("a", 0, MIXED.maxInFlight(1), 0);
      Ticket first = accept(cluster.route(request("r0"), 1));
      List<String> served = new ArrayList<>();
      for (int i = 1; i <= 50; i++) {
        String id = "r" + i;
        cluster
            .route(Request.builder(id, 100, 20).arrivalNanos(i).build(), 1 + i)
            .later(Runnable::run)
            .thenAccept(
                plan -> {
                  served.add(id);
                  plan.ticket().close();
                });
      }
      first.close();
      assertThat(served).hasSize(50).startsWith("r1", "r2").endsWith("r50");
      assertThat(cluster.stats().queued()).isZero();
    }

    @Test
    void observingDoesNotTakeTheLock() throws InterruptedException {
      ClusterScheduler cluster = cluster(leastRequests(), "a");
      cluster.lock.lock();
      try {
        Thread observer = new Thread(() -> cluster.observe("a", 0, stats(4, 4), 1));
        observer.start();
        observer.join();
      } finally {
        cluster.lock.unlock();
      }
      assertThat(load(cluster, "a", 2).waiting()).isEqualTo(4);
    }
  }

  /** T5: a retry moves the load and never doubles it. */
  @Nested
  class T5Retry {
    private RulePolicy withFallbacks() {
      return policy(
          (request, view, draft) -> {
            draft.accept(0);
            for (int i = 1; i < view.size(); i++) {
              draft.fallback(i);
            }
          });
    }

    @Test
    void retriesGoToTheFallbacksInOrderWithOneChargeInAll() {
      ClusterScheduler cluster = cluster(withFallbacks(), "a", "b", "c");
      Ticket ticket = accept(cluster.route(request("r"), 1));
      assertThat(ticket.fallbacks()).containsExactly("b", "c");
      RoutePlan second = ticket.retry(ReleaseCause.UPSTREAM_ERROR, 2);
      assertThat(second.ticket()).isSameAs(ticket);
      assertThat(ticket.primary()).isEqualTo("b");
      assertThat(ticket.fallbacks()).containsExactly("c");
      assertThat(load(cluster, "a", 2).inFlight()).isZero();
      assertThat(load(cluster, "b", 2).inFlight()).isEqualTo(1);
      ticket.retry(ReleaseCause.TIMEOUT, 3);
      assertThat(ticket.primary()).isEqualTo("c");
      assertThat(cluster.stats().inFlight()).isEqualTo(1);
      RoutePlan last = ticket.retry(ReleaseCause.TIMEOUT, 4);
      assertThat(last.kind()).isEqualTo(RoutePlan.Kind.REJECT);
      assertThat(last.rejectCode()).isEqualTo(RejectCode.NO_CANDIDATE);
      assertThat(ticket.isReleased()).isTrue();
      assertThat(cluster.stats().inFlight()).isZero();
      assertThat(cluster.stats().retries()).isEqualTo(3);
      for (String id : List.of("a", "b", "c")) {
        assertThat(load(cluster, id, 4).inFlight()).isZero();
      }
    }

    @Test
    void withoutFallbackANewDecisionAvoidsWhatWasTried() {
      ClusterScheduler cluster = cluster(leastRequests(), "a", "b");
      Ticket ticket = accept(cluster.route(request("r"), 1));
      assertThat(ticket.primary()).isEqualTo("a");
      ticket.retry(ReleaseCause.UPSTREAM_ERROR, 2);
      assertThat(ticket.primary()).isEqualTo("b");
      ticket.release(ReleaseCause.COMPLETED, Usage.of(1), 3);
      assertThat(cluster.stats().accepted()).isEqualTo(1);
    }

    @Test
    void aFallbackThatWentDownIsSkipped() {
      ClusterScheduler cluster = cluster(withFallbacks(), "a", "b", "c");
      Ticket ticket = accept(cluster.route(request("r"), 1));
      cluster.down("b", 0, 2);
      cluster.down("a", 0, 2);
      ticket.retry(ReleaseCause.UPSTREAM_ERROR, 3);
      assertThat(ticket.primary()).isEqualTo("c");
    }

    @Test
    void retryOfAReleasedTicketIsRefused() {
      ClusterScheduler cluster = cluster(withFallbacks(), "a", "b");
      Ticket ticket = accept(cluster.route(request("r"), 1));
      ticket.close();
      RoutePlan plan = ticket.retry(ReleaseCause.TIMEOUT, 2);
      assertThat(plan.rejectCode()).isEqualTo(RejectCode.CANCELLED);
      assertThat(cluster.stats().inFlight()).isZero();
    }

    @Test
    void servedByAFallbackMovesTheLoad() {
      ClusterScheduler cluster = cluster(withFallbacks(), "a", "b");
      Ticket ticket = accept(cluster.route(request("r"), 1));
      assertThat(ticket.servedBy("b", 2)).isTrue();
      assertThat(load(cluster, "a", 2).inFlight()).isZero();
      assertThat(load(cluster, "b", 2).inFlight()).isEqualTo(1);
      assertThat(ticket.servedBy("b", 3)).isTrue();
      assertThat(load(cluster, "b", 3).inFlight()).isEqualTo(1);
      assertThat(ticket.servedBy("stranger", 4)).isFalse();
      assertThat(load(cluster, "b", 4).inFlight()).isZero();
      assertThat(ticket.servedBy("a", 5)).isTrue();
      ticket.close();
      assertThat(load(cluster, "a", 5).inFlight()).isZero();
    }

    @Test
    void aMovedRequestDoesNotTeachThePredictor() {
      HundredTokensASecond predictor = new HundredTokensASecond();
      RulePolicy policy = leastRequests();
      ClusterScheduler cluster =
          ClusterScheduler.builder().policy(policy).predictor(predictor).strict().build();
      cluster.up("a", 0, MIXED, 0);
      cluster.up("b", 0, MIXED, 0);
      Ticket ticket = accept(cluster.route(request("r"), 1));
      ticket.started(2);
      ticket.retry(ReleaseCause.UPSTREAM_ERROR, 3);
      ticket.started(4);
      ticket.release(ReleaseCause.COMPLETED, Usage.of(1), 5);
      assertThat(predictor.observed).isEmpty();
      assertThat(policy.outcomes).extracting("moved").containsExactly(true);
    }
  }

  /** T6: unknown is not zero. */
  @Nested
  class T6Staleness {
    @Test
    void thePolicyIsToldTheAge() {
      List<Long> ages = new ArrayList<>();
      ClusterScheduler cluster =
          cluster(
              policy(
                  (request, view, draft) -> {
                    ages.add(view.instance(0).ageNanos());
                    draft.accept(0);
                  }),
              "a");
      cluster.route(request("r1"), 1000).ticket().close();
      cluster.observe("a", 0, stats(0, 0), 1500);
      cluster.route(request("r2"), 1700).ticket().close();
      cluster.route(request("r3"), 9000).ticket().close();
      assertThat(ages).containsExactly(Long.MAX_VALUE, 200L, 7500L);
    }

    @Test
    void withoutObservationTheRoutersOwnLoadIsAllThatIsKnown() {
      ClusterScheduler cluster = cluster(leastRequests(), "a", "b");
      cluster.route(request("r1"), 1);
      cluster.route(request("r2"), 2);
      cluster.route(request("r3"), 3);
      assertThat(load(cluster, "a", 3).waiting()).isEqualTo(2);
      assertThat(load(cluster, "a", 3).ageNanos()).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void aNumberThatIsNotReportedIsWhatTheRouterSent() {
      ClusterScheduler cluster = cluster(leastRequests(), "a");
      Ticket ticket = accept(cluster.route(request("r"), 1));
      cluster.observe("a", 0, InstanceStats.of(4, 5, -1, -1, -1), 10);
      InstanceLoad seen = load(cluster, "a", 11);
      assertThat(seen.waiting()).isEqualTo(4);
      assertThat(seen.waitingPromptTokens()).isEqualTo(100);
      assertThat(seen.usedBlocks()).isEqualTo(7);
      ticket.close();
      assertThat(load(cluster, "a", 12).waitingPromptTokens()).isZero();
    }
  }

  @Nested
  class Candidates {
    @Test
    void noInstanceIs503AndTooLargeIs413() {
      ClusterScheduler cluster = cluster(leastRequests());
      RoutePlan none = cluster.route(request("r"), 1);
      assertThat(none.code()).isEqualTo(503);
      assertThat(none.rejectCode()).isEqualTo(RejectCode.NO_CANDIDATE);
      cluster.up("a", 0, InstanceProfile.of(Role.MIXED, 8, 7, 16), 2);
      RoutePlan large = cluster.route(request("r"), 3);
      assertThat(large.code()).isEqualTo(413);
      assertThat(large.reason()).isEqualTo("needs 119 tokens of KV, more than any instance holds");
      // 119 tokens fit exactly into 8 blocks of 16; the last output token is never written.
      cluster.up("b", 0, InstanceProfile.of(Role.MIXED, 8, 8, 16), 4);
      assertThat(accept(cluster.route(request("r"), 5)).primary()).isEqualTo("b");
    }

    @Test
    void theModelsWindowCountsPromptAndOutput() {
      ClusterScheduler cluster = cluster(leastRequests());
      cluster.up("a", 0, MIXED.maxContextTokens(119), 0);
      assertThat(cluster.route(request("r"), 1).rejectCode()).isEqualTo(RejectCode.NEVER_FITS);
      cluster.up("a", 0, MIXED.maxContextTokens(120), 0);
      accept(cluster.route(request("r"), 2));
    }

    @Test
    void drainingStartingAndForeignInstancesAreNotCandidates() {
      ClusterScheduler cluster = cluster(leastRequests(), "draining");
      cluster.drain("draining", 0, 1);
      cluster.starting("starting", 0, MIXED, 1);
      cluster.up("other-model", 0, MIXED.models(Set.of("small")), 1);
      cluster.up("prefill", 0, MIXED.role(Role.PREFILL), 1);
      Request wanted = Request.builder("r", 100, 20).model("large").build();
      assertThat(cluster.route(wanted, 2).code()).isEqualTo(503);
      cluster.up("right", 0, MIXED.models(Set.of("large", "small")), 3);
      assertThat(accept(cluster.route(wanted, 4)).primary()).isEqualTo("right");
      assertThat(cluster.up("starting", 0, MIXED, 5)).isTrue();
      assertThat(cluster.stats().readyInstances()).isEqualTo(4);
    }

    @Test
    void aRestartInFlightDoesNotMakeALargeRequestHopeless() {
      ClusterScheduler cluster = cluster(leastRequests());
      cluster.up("small", 0, InstanceProfile.of(Role.MIXED, 8, 2, 16), 0);
      cluster.starting("large", 0, MIXED, 0);
      assertThat(cluster.route(request("r"), 1).code()).isEqualTo(503);
    }

    @Test
    void aSubsetIsNeverLeft() {
      ClusterScheduler cluster = cluster(leastRequests(), "a", "b", "c");
      for (int i = 0; i < 4; i++) {
        assertThat(accept(cluster.routeAmong(request("r" + i), Set.of("b", "zzz"), i)).primary())
            .isEqualTo("b");
      }
      assertThat(cluster.routeAmong(request("none"), Set.of(), 9).code()).isEqualTo(503);
      Ticket ticket = accept(cluster.routeAmong(request("retry"), Set.of("b"), 10));
      assertThat(ticket.retry(ReleaseCause.UPSTREAM_ERROR, 11).code()).isEqualTo(503);
    }

    @Test
    void aSplitNeedsSomebodyForEachPhase() {
      ClusterScheduler cluster = cluster(splitPolicy((request, view, draft) -> draft.accept(0, 1)));
      cluster.up("p", 0, MIXED.role(Role.PREFILL), 0);
      assertThat(cluster.route(request("r"), 1).code()).isEqualTo(503);
      cluster.up("d", 0, InstanceProfile.of(Role.DECODE, 8, 2, 16), 1);
      assertThat(cluster.route(request("r"), 2).code()).isEqualTo(413);
    }

    @Test
    void anExpiredRequestIsNotRouted() {
      ClusterScheduler cluster = cluster(leastRequests(), "a");
      Request late = Request.builder("r", 1, 1).deadlineNanos(10).build();
      RoutePlan plan = cluster.route(late, 10);
      assertThat(plan.rejectCode()).isEqualTo(RejectCode.DEADLINE);
      assertThat(plan.code()).isEqualTo(429);
    }
  }

  @Nested
  class Queueing {
    private ClusterScheduler oneAtATime(int maxQueued) {
      ClusterScheduler cluster =
          ClusterScheduler.builder().policy(leastRequests()).maxQueued(maxQueued).strict().build();
      cluster.up("a", 0, MIXED.maxInFlight(1), 0);
      return cluster;
    }

    private List<String> log(RoutePlan plan) {
      List<String> seen = new ArrayList<>();
      plan.later(Runnable::run).thenAccept(later -> seen.add(later.toString()));
      return seen;
    }

    @Test
    void capacityTestAndEnqueueAreOneStep() {
      ClusterScheduler cluster = oneAtATime(2);
      accept(cluster.route(request("r1"), 1));
      assertThat(cluster.route(request("r2"), 2).kind()).isEqualTo(RoutePlan.Kind.QUEUE);
      assertThat(cluster.route(request("r3"), 3).kind()).isEqualTo(RoutePlan.Kind.QUEUE);
      RoutePlan full = cluster.route(request("r4"), 4);
      assertThat(full.rejectCode()).isEqualTo(RejectCode.QUEUE_FULL);
      assertThat(full.code()).isEqualTo(429);
      assertThat(full.reason()).isEqualTo("all-busy; the queue of 2 is full");
      assertThat(cluster.stats().queued()).isEqualTo(2);
    }

    @Test
    void orderIsPriorityThenArrivalThenId() {
      ClusterScheduler cluster = oneAtATime(10);
      Ticket running = accept(cluster.route(request("r0"), 1));
      List<String> order = new ArrayList<>();
      String[][] queued = {{"b", "0", "5"}, {"a", "0", "5"}, {"c", "0", "4"}, {"d", "-1", "9"}};
      for (String[] q : queued) {
        Request request =
            Request.builder(q[0], 10, 10)
                .priority(Integer.parseInt(q[1]))
                .arrivalNanos(Long.parseLong(q[2]))
                .build();
        cluster
            .route(request, 10)
            .later(Runnable::run)
            .thenAccept(
                plan -> {
                  order.add(request.id());
                  plan.ticket().close();
                });
      }
      running.close();
      assertThat(order).containsExactly("d", "c", "a", "b");
    }

    @Test
    void aDeadlineEndsTheWait() {
      ClusterScheduler cluster = oneAtATime(10);
      accept(cluster.route(request("r0"), 1));
      RoutePlan plan = cluster.route(Request.builder("r1", 10, 10).deadlineNanos(50).build(), 2);
      List<String> seen = log(plan);
      assertThat(cluster.wakeAtNanos()).isEqualTo(50);
      cluster.tick(49);
      assertThat(seen).isEmpty();
      cluster.tick(50);
      assertThat(seen).containsExactly("REJECT DEADLINE (the deadline has passed)");
      assertThat(cluster.wakeAtNanos()).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void cancelEndsTheWaitOnce() {
      ClusterScheduler cluster = oneAtATime(10);
      Ticket running = accept(cluster.route(request("r0"), 1));
      RoutePlan plan = cluster.route(request("r1"), 2);
      List<String> seen = log(plan);
      assertThat(plan.cancel(3)).isTrue();
      assertThat(plan.cancel(4)).isFalse();
      assertThat(seen).containsExactly("REJECT CANCELLED (cancelled by the caller)");
      running.close();
      assertThat(cluster.stats().inFlight()).isZero();
    }

    @Test
    void askingAfterTheDecisionAnswersAtOnce() {
      ClusterScheduler cluster = oneAtATime(10);
      Ticket running = accept(cluster.route(request("r0"), 1));
      RoutePlan plan = cluster.route(request("r1"), 2);
      running.close();
      assertThat(log(plan)).containsExactly("ACCEPT Ticket[r1 at a]");
      assertThat(log(plan)).hasSize(1);
    }

    @Test
    void aRefusingExecutorLosesNothing() {
      ClusterScheduler cluster = oneAtATime(10);
      Ticket running = accept(cluster.route(request("r0"), 1));
      RoutePlan plan = cluster.route(request("r1"), 2);
      List<String> seen = new ArrayList<>();
      plan.later(
              task -> {
                throw new java.util.concurrent.RejectedExecutionException("shut down");
              })
          .thenAccept(later -> seen.add(later.kind().name()));
      running.close();
      assertThat(seen).containsExactly("ACCEPT");
    }

    @Test
    void aPolicysHoldIsDecidedAgainAfterAnObservation() {
      ClusterScheduler cluster =
          cluster(
              policy(
                  (request, view, draft) -> {
                    if (view.instance(0).waiting() > 3) {
                      draft.queue("saturated", 500);
                    } else {
                      draft.accept(0);
                    }
                  }),
              "a");
      cluster.observe("a", 0, stats(9, 9), 1);
      RoutePlan plan = cluster.route(request("r1"), 2);
      assertThat(plan.reason()).isEqualTo("saturated");
      List<String> seen = log(plan);
      assertThat(cluster.wakeAtNanos()).isEqualTo(500);
      cluster.observe("a", 0, stats(5, 9), 3);
      assertThat(seen).isEmpty();
      cluster.observe("a", 0, stats(2, 9), 4);
      assertThat(seen).containsExactly("ACCEPT Ticket[r1 at a]");
    }

    @Test
    void aNewInstanceServesThoseWhoWait() {
      ClusterScheduler cluster = oneAtATime(10);
      accept(cluster.route(request("r0"), 1));
      List<String> seen = log(cluster.route(request("r1"), 2));
      cluster.up("b", 0, MIXED, 3);
      assertThat(seen).containsExactly("ACCEPT Ticket[r1 at b]");
    }

    @Test
    void oneThatCannotGoDoesNotHoldUpTheOthers() {
      ClusterScheduler cluster = oneAtATime(10);
      cluster.up("big", 0, MIXED.models(Set.of("big")).maxInFlight(1), 0);
      cluster.up("a", 0, MIXED.models(Set.of("small")).maxInFlight(1), 0);
      Ticket big = accept(cluster.route(withModel("b0", "big"), 1));
      Ticket small = accept(cluster.route(withModel("s0", "small"), 1));
      List<String> bigWaits = log(cluster.route(withModel("b1", "big"), 2));
      List<String> smallWaits = log(cluster.route(withModel("s1", "small"), 3));
      small.close();
      assertThat(bigWaits).isEmpty();
      assertThat(smallWaits).containsExactly("ACCEPT Ticket[s1 at a]");
      big.close();
      assertThat(bigWaits).containsExactly("ACCEPT Ticket[b1 at big]");
    }

    private Request withModel(String id, String model) {
      return Request.builder(id, 10, 10).model(model).build();
    }

    @Test
    void theCapHoldsHoweverLongRequestsLast() {
      ClusterScheduler cluster = oneAtATime(10);
      Ticket first = accept(cluster.route(request("r1"), 0));
      RoutePlan waiting = cluster.route(request("r2"), 400 * SECOND);
      assertThat(waiting.kind()).isEqualTo(RoutePlan.Kind.QUEUE);
      cluster.tick(4_000_000 * SECOND);
      assertThat(load(cluster, "a", 4_000_000 * SECOND).inFlight()).isEqualTo(1);
      first.close();
      assertThat(cluster.stats().queued()).isZero();
    }

    @Test
    void sequentialRequestsOnReplicasOfOneSlotNeverQueue() {
      ClusterScheduler cluster = oneAtATime(10);
      cluster.up("b", 0, MIXED.maxInFlight(1), 0);
      for (int i = 0; i < 20; i++) {
        accept(cluster.route(request("r" + i), i)).release(ReleaseCause.COMPLETED, Usage.of(1), i);
      }
    }
  }

  @Nested
  class Guard {
    @Test
    void aThrowingPolicyIsReplacedForTheDecisionAndThenForGood() {
      int[] calls = {0};
      ClusterScheduler cluster =
          ClusterScheduler.builder()
              .policy(
                  policy(
                      (request, view, draft) -> {
                        calls[0]++;
                        throw new IllegalStateException("boom");
                      }))
              .build();
      cluster.up("a", 0, MIXED, 0);
      cluster.up("b", 0, MIXED, 0);
      List<String> chosen = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        chosen.add(accept(cluster.route(request("r" + i), i)).primary());
      }
      assertThat(chosen).containsExactly("a", "b", "a", "b", "a", "b");
      assertThat(calls[0]).isEqualTo(3);
      assertThat(cluster.stats().violations()).isEqualTo(3);
      cluster.enablePolicy(10);
      accept(cluster.route(request("again"), 11));
      assertThat(calls[0]).isEqualTo(4);
    }

    @Test
    void strictModeThrowsAndHasChargedNothing() {
      ClusterScheduler cluster = cluster(policy((request, view, draft) -> draft.accept(7)), "a");
      assertThatThrownBy(() -> cluster.route(request("r"), 1))
          .isInstanceOfSatisfying(
              PolicyViolationException.class,
              e -> {
                assertThat(e.rule()).isEqualTo(Invariant.INV_33);
                assertThat(e.requestId()).isEqualTo("r");
              })
          .hasMessageContaining("position must be from 0 to 0, but was 7");
      assertThat(load(cluster, "a", 1).inFlight()).isZero();
      assertThat(cluster.stats().inFlight()).isZero();
      assertThat(cluster.stats().accepted()).isZero();
    }

    @Test
    void anEmptyDraftAndAWrongRoleAreViolations() {
      ClusterScheduler silent = cluster(policy((request, view, draft) -> {}), "a");
      assertThatThrownBy(() -> silent.route(request("r"), 1))
          .hasMessageContaining("it decided nothing");
      ClusterScheduler wrong = cluster(splitPolicy((request, view, draft) -> draft.accept(1, 0)));
      wrong.up("d", 0, MIXED.role(Role.DECODE), 0);
      wrong.up("p", 0, MIXED.role(Role.PREFILL), 0);
      accept(wrong.route(request("r"), 1)).close();
      ClusterScheduler swapped = cluster(splitPolicy((request, view, draft) -> draft.accept(0, 1)));
      swapped.up("d", 0, MIXED.role(Role.DECODE), 0);
      swapped.up("p", 0, MIXED.role(Role.PREFILL), 0);
      assertThatThrownBy(() -> swapped.route(request("r"), 1))
          .hasMessageContaining("'d' is DECODE and 'p' is PREFILL");
    }

    /** D6: a decode instance that computes a short prompt itself is a result like any other. */
    @Test
    void d06ADecodeInstanceMayComputeThePromptItself() {
      ClusterScheduler cluster =
          cluster(splitPolicy((request, view, draft) -> draft.accept(positionOf(view, "d"))));
      cluster.up("d", 0, MIXED.role(Role.DECODE), 0);
      cluster.up("p", 0, MIXED.role(Role.PREFILL), 0);
      Ticket ticket = accept(cluster.route(request("r"), 1));
      assertThat(ticket.primary()).isEqualTo("d");
      assertThat(ticket.hasPrefillInstance()).isFalse();
      assertThat(load(cluster, "d", 2).waitingPromptTokens()).as("it computes it").isEqualTo(100);
      assertThat(load(cluster, "p", 2).inFlight()).isZero();
      ticket.close();
      assertThat(load(cluster, "d", 3).inFlight()).isZero();
      ClusterScheduler wrong =
          cluster(splitPolicy((request, view, draft) -> draft.accept(positionOf(view, "p"))));
      wrong.up("d", 0, MIXED.role(Role.DECODE), 0);
      wrong.up("p", 0, MIXED.role(Role.PREFILL), 0);
      assertThatThrownBy(() -> wrong.route(request("r"), 1))
          .hasMessageContaining("a whole request needs a MIXED or DECODE instance, but 'p' is");
    }

    @Test
    void aFailingPredictorIsAMissingPrediction() {
      io.headway.api.prediction.ServiceTimePredictor<List<Double>> broken =
          new io.headway.api.prediction.ServiceTimePredictor<>() {
            @Override
            public String id() {
              return "broken";
            }

            @Override
            public List<Double> newState() {
              return List.of();
            }

            @Override
            public void estimateSeconds(
                List<Double> state,
                Request request,
                int cachedTokens,
                io.headway.api.prediction.Estimate into) {
              throw new IllegalStateException("no model");
            }

            @Override
            public void observe(
                List<Double> state, Request request, int cached, int output, double seconds) {
              throw new IllegalStateException("no model");
            }
          };
      ClusterScheduler cluster =
          ClusterScheduler.builder().policy(leastRequests()).predictor(broken).build();
      cluster.up("a", 0, MIXED, 0);
      Ticket ticket = accept(cluster.route(request("r"), 1));
      ticket.started(2);
      assertThat(ticket.release(ReleaseCause.COMPLETED, Usage.of(1), 3)).isTrue();
      assertThat(cluster.stats().violations()).isEqualTo(2);
      assertThat(load(cluster, "a", 3).backlogNanos()).isZero();
    }
  }

  @Nested
  class Messages {
    @Test
    void aMissingPolicyIsSaid() {
      assertThatIllegalStateException()
          .isThrownBy(() -> ClusterScheduler.builder().build())
          .withMessage("a policy is missing; call policy(\"power-of-two\") or policy(object)");
    }

    @Test
    void anUnknownPolicyNamesTheKnownOnes() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> ClusterScheduler.builder().policy("nosuch").build())
          .withMessageContaining("unknown routing policy 'nosuch'");
    }

    @Test
    void argumentsAreNamed() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> ClusterScheduler.builder().maxQueued(-1))
          .withMessage("maxQueued must be at least 0 requests, but was -1");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> InstanceProfile.of(Role.MIXED, 0, 1, 1))
          .withMessage("maxSequences must be at least 1 sequence, but was 0");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> MIXED.speedFactor(0))
          .withMessage("speedFactor must be finite and above 0, but was 0.0");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new InstanceStats(-2, 0, 0, 0, 0, Set.of(), Set.of()))
          .withMessage("waiting must be at least -1 requests, but was -2");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new BacklogLedger(1.5))
          .withMessage("remainingFloor must be from 0 to 1, but was 1.5");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> cluster(leastRequests()).up("", 0, MIXED, 0))
          .withMessage("length of id must be from 1 to 256 characters, but was 0");
    }

    @Test
    void anAnswerOfAnotherKindSaysWhatItIs() {
      ClusterScheduler cluster = cluster(leastRequests());
      RoutePlan plan = cluster.route(request("r"), 1);
      assertThatIllegalStateException()
          .isThrownBy(plan::ticket)
          .withMessage(
              "only an ACCEPT has a ticket, but this is REJECT NO_CANDIDATE (no instance is"
                  + " ready)");
      assertThatIllegalStateException()
          .isThrownBy(() -> cluster.rebalance(1))
          .withMessageContaining("a rebalancing policy is missing");
    }
  }
}
