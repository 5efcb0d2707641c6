package io.headway.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.batching.End;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.RouteDraft;
import io.headway.api.routing.RoutingPolicy;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.management.JMException;
import javax.management.ObjectName;
import org.junit.jupiter.api.Test;

/**
 * After a million requests as many objects of this project live as after a thousand. They are
 * counted in the histogram of live objects, class by class.
 */
class SoakTest {
  private static final int FEW = 1_000;
  private static final int SETTLED = 10_000;
  private static final int MANY = 1_000_000;
  private static final int AT_ONCE = 50;
  private static final Pattern LINE =
      Pattern.compile("\\s*\\d+:\\s+(\\d+)\\s+\\d+\\s+(\\[*L?io\\.headway\\S*).*");

  /** Unlike the other fixtures, remembers nothing itself. */
  private static final class LeastLoaded implements RoutingPolicy<Stateless> {
    @Override
    public String id() {
      return "least-loaded";
    }

    @Override
    public Stateless newState() {
      return Stateless.STATE;
    }

    @Override
    public void route(Stateless state, Request request, ClusterView view, RouteDraft draft) {
      draft.accept(RoutingFixtures.least(view));
    }
  }

  private final StepResult result = new StepResult();
  private long nowNanos;
  private int largestIndex;
  private int ended;

  private final EngineEvents events =
      new EngineEvents() {
        @Override
        public void ended(long handle, End end, String detail) {
          ended++;
        }
      };

  /** Counts the live objects of each class of this project; collects garbage first. */
  private static Map<String, Long> liveObjects() throws JMException {
    String histogram =
        (String)
            ManagementFactory.getPlatformMBeanServer()
                .invoke(
                    new ObjectName("com.sun.management:type=DiagnosticCommand"),
                    "gcClassHistogram",
                    new Object[] {null},
                    new String[] {String[].class.getName()});
    Map<String, Long> counts = new TreeMap<>();
    for (String line : histogram.lines().toList()) {
      Matcher entry = LINE.matcher(line);
      if (entry.matches()) {
        counts.put(entry.group(2), Long.parseLong(entry.group(1)));
      }
    }
    return counts;
  }

  @Test
  void r15AnEngineKeepsNothingOfAMillionRequests() throws JMException {
    PagedKvBlockPool pool = PagedKvBlockPool.of(PagedKvConfig.of(4, 128));
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy(new GuardPolicy())
            .pool(pool)
            .limits(Limits.of(AT_ONCE, 1_024))
            .rememberedTenants(100)
            .strict()
            .build();
    serve(scheduler, 0, FEW);
    Map<String, Long> after = liveObjects();
    assertThat(after).containsEntry(EngineScheduler.class.getName(), 1L);
    serve(scheduler, FEW, MANY);
    assertThat(more(after, liveObjects())).isEmpty();
    assertThat(ended).isEqualTo(MANY);
    // Places of requests that are over are used again.
    assertThat(largestIndex).isLessThan(AT_ONCE);
    Audit.quiet(scheduler, pool);
  }

  private void serve(EngineScheduler scheduler, int from, int to) {
    for (int i = from; i < to; i += AT_ONCE) {
      for (int j = i; j < i + AT_ONCE; j++) {
        Request request =
            Request.builder("r" + j, 4, 1)
                .arrivalNanos(nowNanos)
                .tenant("t" + j)
                .tokenIds(new int[] {j, j + 1, j + 2, j + 3})
                .build();
        SubmitResult answer = scheduler.submit(request, nowNanos);
        largestIndex = Math.max(largestIndex, (int) answer.handle());
      }
      while (!scheduler.isIdle()) {
        nowNanos += 1_000;
        BatchPlan plan = scheduler.next(nowNanos);
        result.begin(plan);
        for (int row = 0; row < plan.rows(); row++) {
          result.token(row, 7);
        }
        scheduler.complete(result, nowNanos);
        scheduler.events(events);
      }
    }
  }

  @Test
  void r15AClusterKeepsNothingOfAMillionRequests() throws JMException {
    ClusterScheduler cluster =
        ClusterScheduler.builder()
            .policy(new LeastLoaded())
            .prefixBlocksPerInstance(100)
            .strict()
            .build();
    for (String id : List.of("a", "b")) {
      cluster.up(id, 0, RoutingFixtures.MIXED, 0);
    }
    // Long enough that each instance remembers as many ended requests as it ever will.
    route(cluster, 0, SETTLED);
    Map<String, Long> after = liveObjects();
    assertThat(after).containsEntry(ClusterScheduler.class.getName(), 1L);
    route(cluster, SETTLED, MANY);
    assertThat(more(after, liveObjects())).isEmpty();
    assertThat(cluster.stats().inFlight()).isZero();
  }

  /** What there is more of than before. What other tests have left may be collected meanwhile. */
  private static Map<String, Long> more(Map<String, Long> before, Map<String, Long> after) {
    Map<String, Long> more = new TreeMap<>();
    after.forEach(
        (type, count) -> {
          if (count > before.getOrDefault(type, 0L)) {
            more.put(type, count);
          }
        });
    return more;
  }

  private void route(ClusterScheduler cluster, int from, int to) {
    Usage usage = Usage.UNKNOWN;
    for (int i = from; i < to; i++) {
      nowNanos += 1_000;
      Request request =
          Request.builder("r" + i, 4, 1)
              .tenant("t" + i)
              .session("s" + i)
              .blockKeys(new long[] {i})
              .build();
      cluster.route(request, nowNanos).ticket().release(ReleaseCause.COMPLETED, usage, nowNanos);
    }
  }
}
