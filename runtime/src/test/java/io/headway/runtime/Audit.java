package io.headway.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.batching.SequenceState;
import io.headway.api.memory.BlockState;
import io.headway.api.memory.KvBlockPool;
import io.headway.api.memory.KvMode;
import io.headway.api.memory.KvPoolView;
import io.headway.api.memory.KvTier;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Compares everything a scheduler keeps incrementally with its recomputation (INV-27). */
final class Audit {
  private Audit() {}

  static void check(EngineScheduler scheduler, KvBlockPool pool, Collection<BatchPlan> inFlight) {
    Sequences q = (Sequences) scheduler.view();
    List<Integer> running = new ArrayList<>();
    for (int i = 0; i < q.runningCount(); i++) {
      running.add(q.running(i));
    }
    assertThat(running).doesNotHaveDuplicates();
    List<Integer> queued = new ArrayList<>();
    long waitingTokens = 0;
    for (int s = q.firstWaiting(); s != Sequences.NONE; s = q.nextWaiting(s)) {
      queued.add(s);
      waitingTokens += q.known(s) - q.computed(s);
    }
    assertThat(queued).doesNotHaveDuplicates().hasSize(q.waitingCount());
    assertThat(q.waitingTokens()).isEqualTo(waitingTokens);

    int live = 0;
    int swapped = 0;
    int migrating = 0;
    int pending = 0;
    int pinned = 0;
    int slots = 0;
    Set<Integer> blocks = new HashSet<>();
    Set<Integer> hostBlocks = new HashSet<>();
    for (int s = 0; s < q.requests.length; s++) {
      assertThat(q.scheduled(s)).as("scheduled outside a draft").isZero();
      assertThat(q.drafts(s)).as("drafts outside a draft").isZero();
      if (q.requests[s] == null) {
        assertThat(q.states[s]).isEqualTo(SequenceState.FINISHED);
        continue;
      }
      live++;
      String who = q.requestOf(s).id() + " " + q.states[s];
      int mentions = 0;
      for (BatchPlan plan : inFlight) {
        for (int row = 0; row < plan.rows(); row++) {
          mentions += plan.sequences[row] == s && plan.handle(row) == q.handle(s) ? 1 : 0;
        }
      }
      assertThat(q.plansInFlight(s)).as("plans in flight with %s", who).isEqualTo(mentions);
      assertThat(queued.contains(s)).as("queued: %s", who).isEqualTo(q.isQueued(s));
      assertThat(running.contains(s)).as("running: %s", who).isEqualTo(q.isRunning(s));
      long owner = q.owners[s];
      boolean holds = owner != KvPoolView.NO_OWNER;
      assertThat(holds).as("holds KV: %s", who).isEqualTo(holdsKv(q, s));
      if (holds && pool.mode() == KvMode.PAGED) {
        Set<Integer> mine = pool.tier(owner) == KvTier.DEVICE ? blocks : hostBlocks;
        for (int g = 0; g < pool.geometry().groups().size(); g++) {
          for (int i = 0; i < pool.blockCount(owner, g); i++) {
            mine.add(pool.block(owner, g, i));
          }
        }
        assertThat(pool.tier(owner))
            .as("tier of %s", who)
            .isEqualTo(q.isSwapped(s) ? KvTier.HOST : KvTier.DEVICE);
      }
      boolean slotted = q.slots[s] != Sequences.NONE;
      slots += slotted ? 1 : 0;
      assertThat(slotted).as("slot: %s", who).isEqualTo(holdsKv(q, s) && !q.isSwapped(s));
      if (slotted) {
        assertThat(q.slotHolder(q.slots[s])).isEqualTo(s);
      }
      assertThat(q.generated(s)).as("generated of %s", who).isNotNegative();
      if (!q.isFinished(s)) {
        assertThat(q.outstanding(s)).as("outstanding of %s", who).isBetween(0, q.plansInFlight(s));
        assertThat(q.known(s)).as("known of %s", who).isLessThanOrEqualTo(q.limit(s));
        if (q.hold(s) != Sequences.REQUEUE) {
          assertThat(q.computed(s)).as("computed of %s", who).isBetween(0, q.known(s));
        }
        if (q.isRunning(s)) {
          assertThat(q.computed(s)).as("room of %s", who).isLessThanOrEqualTo(q.writable(s));
          assertThat(q.writable(s))
              .as("writable of %s", who)
              .isLessThanOrEqualTo(pool.writableTokens(owner));
        }
      } else {
        assertThat(q.hold(s)).isEqualTo(Sequences.RELEASE);
        assertThat(q.plansInFlight(s) > 0 || q.transferPending[s])
            .as("still used: %s", who)
            .isTrue();
      }
      if (q.isWaiting(s)) {
        assertThat(q.computed(s)).as("computed of %s", who).isZero();
        assertThat(q.outstanding(s)).as("outstanding of %s", who).isZero();
        assertThat(q.hold(s)).isEqualTo(Sequences.FREE);
      }
      if (q.isMigrating(s)) {
        assertThat(q.transferPending[s]).as("pending: %s", who).isTrue();
      }
      swapped += q.isSwapped(s) ? 1 : 0;
      migrating += q.isMigrating(s) ? 1 : 0;
      pending += q.transferPending[s] ? 1 : 0;
      pinned += q.transferPending[s] && q.handsOver[s] ? q.heldBlocks(s) : 0;
    }
    assertThat(q.live()).isEqualTo(live);
    assertThat(q.swapped()).isEqualTo(swapped);
    assertThat(q.migrating()).isEqualTo(migrating);
    assertThat(q.pendingTransfers).isEqualTo(pending);
    assertThat(q.pinnedBlocks).isEqualTo(pinned);
    assertThat(q.freeSlots()).isEqualTo(q.mostSlots() - slots);
    if (pool.mode() == KvMode.PAGED) {
      assertThat(pool.count(KvTier.DEVICE, BlockState.ACTIVE)).isEqualTo(blocks.size());
      assertThat(pool.count(KvTier.HOST, BlockState.ACTIVE)).isEqualTo(hostBlocks.size());
    }
  }

  private static boolean holdsKv(Sequences q, int s) {
    return switch (q.states[s]) {
      case WAITING -> false;
      case SWAPPED, RUNNING, MIGRATING -> true;
      case FINISHED -> q.plansInFlight(s) > 0 || q.transferPending[s];
    };
  }

  /** Checks that nothing is left behind (INV-13). */
  static void quiet(EngineScheduler scheduler, KvBlockPool pool) {
    assertThat(scheduler.isIdle()).isTrue();
    check(scheduler, pool, List.of());
    EngineStats stats = scheduler.stats();
    assertThat(stats.waiting()).isZero();
    assertThat(stats.running()).isZero();
    assertThat(stats.swapped()).isZero();
    assertThat(stats.transferring()).isZero();
    assertThat(stats.plansInFlight()).isZero();
    assertThat(stats.waitingPromptTokens()).isZero();
    assertThat(stats.runningContextTokens()).isZero();
    assertThat(stats.usedBlocks()).isZero();
    assertThat(stats.adapters()).isZero();
    assertThat(stats.ended()).isEqualTo(stats.accepted());
    assertThat(pool.availableBlocks()).isEqualTo(pool.usableBlocks());
  }
}
