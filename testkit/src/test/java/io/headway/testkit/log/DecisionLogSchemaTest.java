package io.headway.testkit.log;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.headway.api.Request;
import io.headway.api.Role;
import io.headway.api.Stateless;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.api.batching.WorkKind;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.ClusterScheduler;
import io.headway.runtime.EngineEvents;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.InstanceProfile;
import io.headway.runtime.Limits;
import io.headway.runtime.PrefixScope;
import io.headway.runtime.ReleaseCause;
import io.headway.runtime.Reservation;
import io.headway.runtime.RoutePlan;
import io.headway.runtime.StepResult;
import io.headway.runtime.Ticket;
import io.headway.runtime.Usage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Every line that the runtime writes conforms to exactly one definition of the schema. */
class DecisionLogSchemaTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** A token that would be found in the log if any prompt or output were. */
  private static final int SECRET = 918_273_645;

  /** The records that checkers of traces rely on. */
  private static final List<String> CATALOGUE =
      List.of(
          "CONFIG",
          "ARRIVE",
          "REJECT",
          "CANCEL",
          "EXPIRE",
          "FINISH",
          "DEFER",
          "PROMOTE",
          "STEP",
          "HIT",
          "ALLOC",
          "SHARE",
          "RELEASE",
          "EVICT",
          "PUBLISH",
          "PIN",
          "UNPIN",
          "XFER_BEGIN",
          "XFER_END",
          "TIER",
          "PREEMPT",
          "RESUME",
          "OUTPUT",
          "ROUTE",
          "LEDGER",
          "INSTANCE",
          "INDEX",
          "GAUGE");

  private static SchemaSubset schema;

  private final List<String> lines = new ArrayList<>();
  private long now;

  @BeforeAll
  static void read() throws IOException {
    Path folder = Path.of("").toAbsolutePath();
    while (!Files.exists(folder.resolve("docs/decision-log.schema.json"))) {
      folder = folder.getParent();
    }
    String text = Files.readString(folder.resolve("docs/decision-log.schema.json"));
    schema = new SchemaSubset(JSON.readTree(text));
  }

  @Test
  void everyLineConformsAndEveryRecordOccurs() throws JsonProcessingException {
    engine();
    cluster();
    TreeSet<String> types = new TreeSet<>();
    TreeSet<String> definitions = new TreeSet<>();
    for (String line : lines) {
      JsonNode record = JSON.readTree(line);
      List<String> conforming = schema.conformingTo(record);
      assertThat(conforming).as(line).hasSize(1);
      definitions.addAll(conforming);
      types.add(record.get("type").asText());
    }
    assertThat(types).containsAll(CATALOGUE);
    assertThat(definitions)
        .contains("COMPLETE", "FAIL", "REJECT-submission", "REJECT-router", "CONFIG-cluster");
  }

  @Test
  void noLineHasAToken() {
    engine();
    cluster();
    assertThat(lines)
        .hasSizeGreaterThan(50)
        .noneMatch(line -> line.contains("" + SECRET))
        .noneMatch(line -> line.contains(Integer.toHexString(SECRET)));
  }

  @Test
  void otherLinesDoNotConform() throws JsonProcessingException {
    assertThat(conforming("{\"type\":\"COMPLETE\",\"now\":1,\"step\":0}"))
        .containsExactly("COMPLETE");
    assertThat(conforming("{\"type\":\"COMPLETE\",\"now\":1}")).isEmpty();
    assertThat(conforming("{\"type\":\"COMPLETE\",\"now\":1,\"step\":-1}")).isEmpty();
    assertThat(conforming("{\"type\":\"COMPLETE\",\"now\":1,\"step\":0,\"x\":0}")).isEmpty();
    assertThat(conforming("{\"type\":\"ALLOC\",\"now\":1,\"r\":\"a\",\"blocks\":[]}")).isEmpty();
  }

  private static List<String> conforming(String line) throws JsonProcessingException {
    return schema.conformingTo(JSON.readTree(line));
  }

  // ---- one instance

  /** First come, first served; preempts and verifies when a test says so. */
  private static final class Director implements BatchingPolicy<Stateless> {
    PreemptionMode preempt;
    boolean verify;

    @Override
    public String id() {
      return "director";
    }

    @Override
    public Stateless newState() {
      return Stateless.STATE;
    }

    @Override
    public void plan(Stateless state, BatchView view, BatchDraft draft) {
      int last = view.runningCount() - 1;
      if (preempt != null && last > 0) {
        draft.preempt(view.running(last), view.running(0), preempt, QueueEnd.TAIL);
        preempt = null;
        last--;
      }
      for (int i = 0; i <= last; i++) {
        int sequence = view.running(i);
        int need = view.needTokens(sequence);
        if (verify && view.decoding(sequence) && draft.verify(sequence, 1).done()) {
          verify = false;
        } else if (need > 0) {
          while (draft.schedule(sequence, need) == DraftOutcome.NO_BLOCKS && i < last) {
            draft.preempt(view.running(last--), sequence, PreemptionMode.RECOMPUTE, QueueEnd.HEAD);
          }
        }
      }
      int head = draft.preemptions() > 0 ? BatchView.NONE : view.firstWaiting();
      while (head != BatchView.NONE) {
        int behind = view.nextWaiting(head);
        if (view.request(head).workload().equals("hopeless")) {
          draft.refuse(head);
        } else if (!draft.admit(head, Integer.MAX_VALUE, 0, 0).done()) {
          return;
        }
        head = behind;
      }
    }
  }

  private static Request.Builder request(String id, int seed) {
    int[] tokens = new int[9];
    java.util.Arrays.fill(tokens, SECRET);
    tokens[0] = seed;
    return Request.builder(id, 9, 6).tokenIds(tokens).tenant("payer").adapter("lora");
  }

  private void engine() {
    Director director = new Director();
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy(director)
            .limits(Limits.of(4, 64))
            .pool(PagedKvBlockPool.of(PagedKvConfig.of(4, 12).withHostBlocks(12).withEvents(true)))
            .log(line -> lines.add(line.toString()))
            .strict()
            .build();
    accept(scheduler, request("a", 1).build());
    accept(scheduler, request("b", 2).priority(3).build());
    step(scheduler);
    accept(scheduler, request("hopeless", 3).workload("hopeless").build());
    director.preempt = PreemptionMode.SWAP;
    step(scheduler);
    director.preempt = PreemptionMode.RECOMPUTE;
    step(scheduler);
    director.verify = true;
    step(scheduler);
    assertThat(scheduler.submit(Request.of("huge", 1 << 20, 1), now).accepted()).isFalse();
    scheduler.fail(scheduler.next(++now).stepId(), new IllegalStateException("device"), now);
    accept(scheduler, request("cancelled", 4).build());
    scheduler.cancel(scheduler.handleOf("cancelled"), now);
    accept(scheduler, request("expired", 5).deadlineNanos(now + 1).build());
    now += 10;
    rest(scheduler);
    // The prompt of the first one again, behind others that have evicted some of its blocks.
    accept(scheduler, request("again", 1).build());
    rest(scheduler);
    for (int seed = 10; seed < 16; seed++) {
      accept(scheduler, request("fill" + seed, seed).build());
    }
    rest(scheduler);
    transfers(scheduler);
    scheduler.stats();
  }

  private void transfers(EngineScheduler scheduler) {
    assertThat(scheduler.submitPrefill(request("out", 7).build(), now).accepted()).isTrue();
    long[] handedOver = {-1};
    while (handedOver[0] < 0) {
      step(scheduler);
      scheduler.events(
          new EngineEvents() {
            @Override
            public void handOver(long handle, int slot) {
              handedOver[0] = handle;
            }
          });
    }
    assertThat(scheduler.handOverDone(handedOver[0], ++now)).isTrue();
    Reservation in = scheduler.reserveIncoming(request("in", 8).build(), now);
    assertThat(in.granted()).isTrue();
    assertThat(scheduler.incomingDone(in, SECRET, ++now)).isTrue();
    rest(scheduler);
  }

  private void accept(EngineScheduler scheduler, Request request) {
    assertThat(scheduler.submit(request, now).accepted()).as(request.id()).isTrue();
  }

  private void rest(EngineScheduler scheduler) {
    for (int steps = 0; !scheduler.isIdle(); steps++) {
      assertThat(steps).isLessThan(200);
      step(scheduler);
      scheduler.events(new EngineEvents() {});
    }
  }

  private void step(EngineScheduler scheduler) {
    BatchPlan plan = scheduler.next(++now);
    if (plan.isEmpty()) {
      return;
    }
    StepResult result = new StepResult().begin(plan);
    for (int row = 0; row < plan.rows(); row++) {
      if (plan.kind(row) == WorkKind.VERIFY || plan.emits(row)) {
        result.token(row, SECRET);
      }
    }
    scheduler.complete(result, ++now);
  }

  // ---- a cluster

  private void cluster() {
    ClusterScheduler cluster =
        ClusterScheduler.builder()
            .policy("least-requests")
            .maxQueued(1)
            .log(line -> lines.add(line.toString()))
            .strict()
            .build();
    InstanceProfile one = InstanceProfile.of(Role.MIXED, 64, 1000, 16).maxInFlight(1);
    cluster.starting("a", 0, one, 1);
    cluster.up("a", 0, one, 2);
    cluster.prefixStored("a", 0, PrefixScope.NONE, new long[] {5}, 3);
    cluster.prefixEvicted("a", 0, PrefixScope.NONE, new long[] {5}, 4);
    cluster.prefixesCleared("a", 0, 5);
    Ticket running = cluster.route(request("r1", 1).build(), 6).ticket();
    assertThat(cluster.route(request("r2", 2).build(), 7).kind()).isEqualTo(RoutePlan.Kind.QUEUE);
    assertThat(cluster.route(request("r3", 3).build(), 8).kind()).isEqualTo(RoutePlan.Kind.REJECT);
    running.firstToken(9);
    running.release(ReleaseCause.COMPLETED, Usage.of(3), 10);
    cluster.drain("a", 0, 11);
    cluster.down("a", 0, 12);
  }
}
