package io.headway.runtime;

import static io.headway.runtime.RoutingFixtures.leastRequests;

import io.headway.api.Request;
import io.headway.api.Role;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.jetbrains.lincheck.datastructures.ThreadIdGen;
import org.junit.jupiter.api.Test;

/**
 * What threads share is linearizable: whatever two threads do at once has results that some order
 * of the same calls, one after the other, has too. The scenarios are random and run under stress;
 * Lincheck's model checker does not come to an end on whole schedulers.
 *
 * <p>Each operation is one call. An operation of two, such as a call and the store of its answer
 * for others, would not be linearizable however the calls are.
 *
 * <p>The waiting queues of batching policies, fairness ledgers and pools are not here: they belong
 * to a decision loop, which {@code EngineScheduler} confines to one thread at a time.
 */
class LincheckTest {
  private static void check(Class<?> model) {
    new StressOptions()
        .iterations(3)
        .invocationsPerIteration(40)
        .threads(2)
        .actorsPerThread(2)
        .actorsBefore(1)
        .actorsAfter(1)
        .check(model);
  }

  @Test
  void r02TheInboxIsLinearizable() {
    check(Inbox.class);
  }

  @Test
  void r02TicketsAndTheirLedgersAreLinearizable() {
    check(Tickets.class);
  }

  @Test
  void r02OneTicketIsLinearizable() {
    check(OneTicket.class);
  }

  @Test
  void r02MembershipAndThePrefixIndexAreLinearizable() {
    check(Members.class);
  }

  /** Two places, drained into a scheduler. */
  @Param(name = "id", gen = IntGen.class, conf = "1:3")
  public static class Inbox {
    private final EngineInbox inbox = new EngineInbox(2, () -> 0, Runnable::run);
    private final EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy(new GuardPolicy())
            .limits(Limits.of(1, 64))
            .pool(PagedKvBlockPool.of(PagedKvConfig.of(4, 16)))
            .build();

    /**
     * Tells what the inbox answers; the scheduler's answer may come with another thread's drain.
     */
    @Operation
    public String submit(@Param(name = "id") int id) {
      String[] answer = {""};
      inbox
          .submit(Request.of("r" + id, 4, 4))
          .thenAccept(
              result ->
                  answer[0] =
                      switch (result.kind()) {
                        case QUEUE_FULL, DRAINING -> "" + result.kind();
                        case ACCEPTED, DUPLICATE_ID, NEVER_FITS -> "";
                      });
      return answer[0];
    }

    @Operation
    public boolean cancel(@Param(name = "id") int id) {
      return inbox.cancel("r" + id);
    }

    @Operation
    public void close() {
      inbox.close();
    }

    @Operation
    public boolean closed() {
      return inbox.closed();
    }

    /** The engine's own thread: how many messages, and how many wait afterwards. */
    @Operation(nonParallelGroup = "engine")
    public String drain() {
      int messages = inbox.drainTo(scheduler, 1);
      return messages + " messages, " + scheduler.stats().waiting() + " wait";
    }
  }

  /**
   * Two instances of one place each and one place in the queue. A thread lets go what it got
   * itself, or what was there before both began.
   */
  @Param(name = "thread", gen = ThreadIdGen.class)
  @Param(name = "id", gen = IntGen.class, conf = "1:3")
  public static class Tickets {
    private static final int BEFORE = 0;
    private final ClusterScheduler cluster =
        ClusterScheduler.builder().policy(leastRequests()).maxQueued(1).strict().build();
    private final AtomicReferenceArray<RoutePlan> plans = new AtomicReferenceArray<>(16);

    public Tickets() {
      cluster.up("a", 0, InstanceProfile.of(Role.MIXED, 64, 1000, 16).maxInFlight(1), 0);
      cluster.up("b", 0, InstanceProfile.of(Role.MIXED, 64, 1000, 16).maxInFlight(1), 0);
    }

    @Operation
    public String route(@Param(name = "thread") int thread, @Param(name = "id") int id) {
      RoutePlan plan = cluster.route(Request.of("r" + id, 10, 10), 1);
      plans.set(4 * thread + id, plan);
      return plan.kind() == RoutePlan.Kind.ACCEPT ? plan.ticket().primary() : "" + plan.kind();
    }

    @Operation
    public boolean release(@Param(name = "thread") int thread, @Param(name = "id") int id) {
      RoutePlan plan = plans.get(4 * thread + id);
      return plan != null
          && plan.kind() == RoutePlan.Kind.ACCEPT
          && plan.ticket().release(ReleaseCause.COMPLETED, Usage.UNKNOWN, 2);
    }

    @Operation
    public boolean releaseEarlier(@Param(name = "id") int id) {
      return release(BEFORE, id);
    }

    @Operation
    public boolean cancel(@Param(name = "thread") int thread, @Param(name = "id") int id) {
      RoutePlan plan = plans.get(4 * thread + id);
      return plan != null && plan.kind() == RoutePlan.Kind.QUEUE && plan.cancel(2);
    }

    @Operation
    public boolean cancelEarlier(@Param(name = "id") int id) {
      return cancel(BEFORE, id);
    }

    @Operation
    public String stats() {
      ClusterStats stats = cluster.stats();
      return stats.inFlight() + " in flight, " + stats.queued() + " queued";
    }
  }

  /** One ticket that several threads let go, retry and move. */
  public static class OneTicket {
    private final ClusterScheduler cluster =
        ClusterScheduler.builder().policy(leastRequests()).strict().build();
    private final Ticket ticket;

    public OneTicket() {
      cluster.up("a", 0, RoutingFixtures.MIXED, 0);
      cluster.up("b", 0, RoutingFixtures.MIXED, 0);
      ticket = cluster.route(Request.of("r", 10, 10), 1).ticket();
    }

    @Operation
    public boolean complete() {
      return ticket.release(ReleaseCause.COMPLETED, Usage.UNKNOWN, 2);
    }

    @Operation
    public void close() {
      ticket.close();
    }

    @Operation
    public boolean firstToken() {
      return ticket.firstToken(2);
    }

    @Operation
    public boolean servedByB() {
      return ticket.servedBy("b", 2);
    }

    @Operation
    public String retry() {
      return "" + ticket.retry(ReleaseCause.UPSTREAM_ERROR, 2).kind();
    }

    @Operation
    public boolean down() {
      return cluster.down("a", 0, 2);
    }

    @Operation
    public String primary() {
      return ticket.primary();
    }

    @Operation
    public int inFlight(@Param(gen = IntGen.class, conf = "0:1") int instance) {
      return cluster.load(instance == 0 ? "a" : "b", 2).map(InstanceLoad::inFlight).orElse(-1);
    }

    @Operation
    public String released() {
      return "" + cluster.stats().released();
    }
  }

  /** One instance that comes, goes and reports what it caches and how busy it is. */
  @Param(name = "life", gen = IntGen.class, conf = "0:1")
  @Param(name = "key", gen = IntGen.class, conf = "1:2")
  public static class Members {
    private final ClusterScheduler cluster =
        ClusterScheduler.builder().policy(leastRequests()).strict().build();

    @Operation
    public boolean up(@Param(name = "life") int life) {
      return cluster.up("a", life, RoutingFixtures.MIXED, 1);
    }

    @Operation
    public boolean down(@Param(name = "life") int life) {
      return cluster.down("a", life, 1);
    }

    @Operation
    public boolean stored(@Param(name = "life") int life, @Param(name = "key") int key) {
      return cluster.prefixStored("a", life, PrefixScope.NONE, new long[] {key}, 1);
    }

    @Operation
    public boolean evicted(@Param(name = "life") int life, @Param(name = "key") int key) {
      return cluster.prefixEvicted("a", life, PrefixScope.NONE, new long[] {key}, 1);
    }

    @Operation
    public boolean observe(@Param(name = "life") int life, @Param(name = "key") int waiting) {
      return cluster.observe("a", life, RoutingFixtures.stats(waiting, 0), waiting);
    }

    @Operation
    public long blocks() {
      return cluster.stats().prefixBlocks();
    }

    @Operation
    public int waiting() {
      return cluster.load("a", 1).map(InstanceLoad::waiting).orElse(-1);
    }
  }
}
