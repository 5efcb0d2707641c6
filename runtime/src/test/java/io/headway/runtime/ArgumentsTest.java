package io.headway.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.headway.api.Request;
import io.headway.api.Role;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** Arguments that make no sense are named; every count of the stats is true. */
class ArgumentsTest {
  private static void refused(String message, ThrowingCallable call) {
    assertThatIllegalArgumentException().as(message).isThrownBy(call).withMessage(message);
  }

  @Test
  void r25EveryNumberOutOfRangeIsNamedWithItsRuleAndValue() {
    refused("maxSequences must be from 1 to 1048576 sequences, but was 0", () -> Limits.of(0, 1));
    refused("maxTokens must be at least 1 token, but was 0", () -> Limits.of(1, 0));
    Limits limits = Limits.of(4, 4);
    refused("maxAdapters must be at least 1 adapter, but was 0", () -> limits.maxAdapters(0));
    refused("maxWaiting must be at least 1 request, but was 0", () -> limits.maxWaiting(0));
    refused(
        "rowBuckets must ascend from at least 1 row, but has 2 after 2",
        () -> limits.rowBuckets(1, 2, 2));
    refused(
        "rowBuckets must reach maxSequences = 4 rows, but end at 3", () -> limits.rowBuckets(3));
    EngineScheduler.Builder engine = EngineScheduler.builder();
    refused("depth must be from 1 to 8 plans, but was 9", () -> engine.depth(9));
    refused("maxFaults must be at least 1 fault, but was 0", () -> engine.maxFaults(0));
    refused("maxRetries must be at least 0 retries, but was -1", () -> engine.maxRetries(-1));
    refused("leaseNanos must be at least 1 ns, but was 0", () -> engine.leaseNanos(0));
    refused("maxPinnedBlocks must be at least 1 block, but was 0", () -> engine.maxPinnedBlocks(0));
    refused(
        "rememberedTenants must be at least 1 tenant, but was 0",
        () -> engine.rememberedTenants(0));
    refused(
        "capacity must be at least 1 request, but was 0",
        () -> new EngineInbox(0, () -> 0, Runnable::run));
    refused("elapsedNanos must be at least 0 ns, but was -1", () -> new StepResult().elapsed(-1));
    ClusterScheduler.Builder cluster = ClusterScheduler.builder();
    refused("maxFaults must be at least 1 fault, but was 0", () -> cluster.maxFaults(0));
    refused("maxQueued must be at least 0 requests, but was -1", () -> cluster.maxQueued(-1));
    refused(
        "prefixBlocksPerInstance must be at least 0 blocks, but was -1",
        () -> cluster.prefixBlocksPerInstance(-1));
    refused(
        "prefixBlockTokens must be at least 1 token, but was 0",
        () -> cluster.prefixBlockTokens(0));
    refused("rateWindowNanos must be at least 1 ns, but was 0", () -> cluster.rateWindowNanos(0));
    InstanceProfile profile = InstanceProfile.of(Role.MIXED, 4, 8, 4);
    refused("maxInFlight must be at least 1 request, but was 0", () -> profile.maxInFlight(0));
    refused(
        "maxSequences must be at least 1 sequence, but was 0",
        () -> InstanceProfile.of(Role.MIXED, 0, 8, 4));
    ClusterScheduler built =
        ClusterScheduler.builder().policy(RoutingFixtures.leastRequests()).build();
    refused(
        "length of id must be from 1 to 256 characters, but was 0",
        () -> built.up("", 0, profile, 0));
    refused(
        "incarnation must be at least 0 restarts, but was -1", () -> built.up("a", -1, profile, 0));
    refused("startNanos must be at least 0 ns, but was -1", () -> new InstanceType("t", 1, -1));
    refused(
        "pricePerHour must be finite and at least 0, but was NaN",
        () -> new InstanceType("t", Double.NaN, 1));
    refused("outputTokens must be at least -1 tokens, but was -2", () -> Usage.of(-2));
  }

  // ---- the stats

  private static final Set<String> GAUGES =
      Set.of(
          "waiting",
          "running",
          "swapped",
          "transferring",
          "plansInFlight",
          "waitingPromptTokens",
          "runningContextTokens",
          "usedBlocks",
          "cachedBlocks",
          "adapters");

  private static final Set<String> FIXED = Set.of("totalBlocks", "blockTokens");

  /** The greatest value of each count so far. */
  private final Map<String, Long> most = new TreeMap<>();

  private long now;

  private static Map<String, Long> values(EngineStats stats) {
    Map<String, Long> values = new TreeMap<>();
    for (RecordComponent component : EngineStats.class.getRecordComponents()) {
      try {
        values.put(
            component.getName(), ((Number) component.getAccessor().invoke(stats)).longValue());
      } catch (ReflectiveOperationException e) {
        throw new LinkageError(component.getName(), e);
      }
    }
    return values;
  }

  private void watch(EngineScheduler scheduler) {
    values(scheduler.stats()).forEach((name, value) -> most.merge(name, value, Math::max));
  }

  private void step(EngineScheduler scheduler) {
    BatchPlan plan = scheduler.next(++now);
    watch(scheduler);
    if (!plan.isEmpty()) {
      StepResult result = new StepResult().begin(plan);
      for (int row = 0; row < plan.rows(); row++) {
        if (plan.emits(row)) {
          result.token(row, 7);
        }
      }
      scheduler.complete(result, ++now);
    }
    watch(scheduler);
    scheduler.events(new EngineEvents() {});
  }

  private void rest(EngineScheduler scheduler) {
    for (int steps = 0; !scheduler.isIdle(); steps++) {
      assertThat(steps).isLessThan(100);
      step(scheduler);
    }
  }

  @Test
  void r28EveryGaugeOfTheStatsMovesAndIsZeroAtRest() {
    PagedKvBlockPool pool = PagedKvBlockPool.of(PagedKvConfig.of(4, 16).withHostBlocks(16));
    Scripted policy = Scripted.greedy();
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy(policy)
            .limits(Limits.of(4, 64))
            .pool(pool)
            .listener(
                new RuntimeListener() {
                  @Override
                  public void accepted(long handle, long nowNanos) {
                    if (nowNanos == 0) {
                      throw new IllegalStateException("counts as a fault of an observer");
                    }
                  }
                })
            .build();
    Request.Builder prompt =
        Request.builder("a", 9, 4).tokenIds(new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9}).adapter("lora");
    assertThat(scheduler.submit(prompt.build(), 0).accepted()).isTrue();
    watch(scheduler);
    step(scheduler);
    assertThat(scheduler.submit(Request.of("b", 4, 2), now).accepted()).isTrue();
    policy.then(
        (view, draft) -> {
          int b = view.firstWaiting();
          draft.preempt(view.running(0), b, PreemptionMode.SWAP, QueueEnd.TAIL);
          draft.admit(b, 4, 0, 0);
        });
    step(scheduler);
    policy.then(
        (view, draft) -> {
          throw new IllegalStateException("counts as a violation");
        });
    rest(scheduler);
    assertThat(
            scheduler
                .submit(
                    Request.builder("again", 9, 2)
                        .tokenIds(new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9})
                        .adapter("lora")
                        .build(),
                    now)
                .accepted())
        .isTrue();
    rest(scheduler);
    Reservation incoming = scheduler.reserveIncoming(Request.of("in", 4, 2), now);
    assertThat(incoming.granted()).isTrue();
    watch(scheduler);
    scheduler.incomingDone(incoming, 7, now);
    rest(scheduler);
    assertThat(pool.reset()).as("forgets what is cached").isTrue();

    Set<String> still = new TreeSet<>();
    most.forEach(
        (name, value) -> {
          if (value == 0) {
            still.add(name);
          }
        });
    assertThat(still).as("counts that never moved").isEmpty();
    Map<String, Long> last = values(scheduler.stats());
    List<String> left = new ArrayList<>();
    GAUGES.forEach(
        name -> {
          if (last.get(name) != 0) {
            left.add(name + " " + last.get(name));
          }
        });
    assertThat(left).as("gauges that are not back at zero").isEmpty();
    Set<String> counters = new TreeSet<>(last.keySet());
    counters.removeAll(GAUGES);
    counters.removeAll(FIXED);
    assertThat(counters)
        .as("every other field is a counter, which stays")
        .allSatisfy(name -> assertThat(last.get(name)).isEqualTo(most.get(name)));
  }

  @Test
  void r29TheNamesAreThoseThatPickersScrape() {
    StringBuilder text = new StringBuilder();
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy(Scripted.greedy())
            .pool(PagedKvBlockPool.of(PagedKvConfig.of(4, 16)))
            .build();
    ModelServerMetrics.render(scheduler.stats(), text);
    ModelServerMetrics.renderAdapters(2, List.of("x"), List.of(), 1, text);
    assertThat(text)
        .contains(
            "\nvllm:num_requests_waiting ",
            "\nvllm:num_requests_running ",
            "\nvllm:kv_cache_usage_perc ",
            "\nvllm:cache_config_info{block_size=\"4\",num_gpu_blocks=\"",
            "\nvllm:lora_requests_info{max_lora=\"2\",running_lora_adapters=\"x\","
                + "waiting_lora_adapters=\"\"}");
  }
}
