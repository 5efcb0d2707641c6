package io.headway.memory.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headway.api.Stateless;
import io.headway.api.memory.BlockKey;
import io.headway.api.memory.BlockKeyChain;
import io.headway.api.memory.BlockState;
import io.headway.api.memory.EvictionPolicy;
import io.headway.api.memory.EvictionView;
import io.headway.api.memory.KeepSet;
import io.headway.api.memory.KvDemand;
import io.headway.api.memory.KvEventSink;
import io.headway.api.memory.KvGeometry;
import io.headway.api.memory.KvGroup;
import io.headway.api.memory.KvOutcome;
import io.headway.api.memory.KvProbe;
import io.headway.api.memory.KvTier;
import io.headway.api.memory.OwnerKind;
import io.headway.api.memory.PrefixAttributes;
import io.headway.api.memory.ReleaseOrder;
import io.headway.memory.eviction.LruEviction;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCases;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.RandomDistribution;
import net.jqwik.api.statistics.Statistics;

/**
 * Drives the paged pool and its plain reference with the same calls and compares everything after
 * each: tables, reference counts, queue order, keys, states, outcomes, moves and events. With that
 * come conservation (P1), reference truth (P2), atomic failure (P3), no victim in use (P4), prefix
 * soundness under colliding keys (P5), complete release (P7), copy-on-write (P8), rejected misuse
 * (P9) and determinism (P10).
 */
class PoolAgainstReferenceTest {
  enum Op {
    START(16),
    GROW(14),
    PUBLISH(16),
    RELEASE(12),
    FORK(4),
    TRUNCATE(4),
    PIN(2),
    UNPIN(3),
    SWAP_OUT(4),
    SWAP_IN(4),
    DEMOTE(4),
    PROMOTE(4),
    END_TRANSFER(6),
    EVICT_KEYS(2),
    RESET(1),
    RESIZE(2),
    SAVEPOINT(4),
    ROLLBACK(4),
    COMMIT(8),
    COMPACT(2),
    MISUSE(2);

    final int weight;

    Op(int weight) {
      this.weight = weight;
    }
  }

  /** One step; the numbers are read relative to what exists when it runs. */
  record Step(Op op, int a, int b, int c) {}

  record Setup(PagedKvConfig config, boolean ranked, int hashValues) {}

  /** Fewest hits first, deeper first among equals. */
  private record HitsThenDepth(RankChange rankChange) implements EvictionPolicy<Stateless> {
    @Override
    public String id() {
      return "hits-then-depth";
    }

    @Override
    public Stateless newState() {
      return Stateless.STATE;
    }

    @Override
    public int compare(Stateless state, EvictionView view, int a, int b) {
      int hits = Integer.compare(view.hitCount(a), view.hitCount(b));
      return hits != 0 ? hits : Integer.compare(view.chainIndex(b), view.chainIndex(a));
    }
  }

  @Provide
  Arbitrary<Setup> setups() {
    Arbitrary<PagedKvConfig> configs =
        Combinators.combine(
                Arbitraries.integers().between(1, 3),
                Arbitraries.integers().between(1, 24),
                Arbitraries.of(0, 0, 4, 8),
                Arbitraries.of(0.0, 0.0, 0.1, 0.3),
                Arbitraries.of(FreeOrder.class),
                Arbitraries.of(true, true, true, false),
                Arbitraries.of(true, false),
                Arbitraries.of(0, 0, 0, 1, 2, 5))
            .as(
                (tokens, blocks, host, watermark, order, caching, drop, window) -> {
                  PagedKvConfig config =
                      PagedKvConfig.of(tokens, blocks)
                          .withHostBlocks(host)
                          .withWatermarkFraction(watermark)
                          .withFreeOrder(order)
                          .withPrefixCaching(caching)
                          .withDropLastHit(drop && window != 1)
                          .withNullBlock(window > 0 || blocks % 3 == 0)
                          .withEvents(true);
                  if (window == 0) {
                    return config;
                  }
                  KvGroup full = KvGroup.full(tokens, 1, 1);
                  KvGroup sliding = new KvGroup(1, KvGroup.Kind.SLIDING, window, tokens, 1, 1);
                  if (window < 5) {
                    return config.withGeometry(new KvGeometry(1, List.of(full, sliding)));
                  }
                  KvGroup wider = new KvGroup(2, KvGroup.Kind.SLIDING, 7, tokens, 1, 1);
                  return config.withGeometry(new KvGeometry(1, List.of(full, sliding, wider)));
                });
    return Combinators.combine(
            configs, Arbitraries.of(true, false, false), Arbitraries.of(1, 3, 1 << 20))
        .as(Setup::new);
  }

  @Provide
  Arbitrary<List<Step>> steps() {
    List<Op> weighted = new ArrayList<>();
    for (Op op : Op.values()) {
      weighted.addAll(Collections.nCopies(op.weight, op));
    }
    Arbitrary<Integer> number =
        Arbitraries.integers()
            .between(0, 1 << 16)
            .withDistribution(RandomDistribution.uniform())
            .edgeCases(EdgeCases.Config::none);
    return Combinators.combine(Arbitraries.of(weighted), number, number, number)
        .as(Step::new)
        .list()
        .ofMinSize(60)
        .ofMaxSize(160);
  }

  @Property(tries = 2000, seed = "20261122")
  void agreesWithReference(@ForAll("setups") Setup setup, @ForAll("steps") List<Step> steps) {
    Driver driver = new Driver(setup);
    for (Step step : steps) {
      driver.run(step);
      driver.compare();
    }
    driver.drain();
    Statistics.label("hits").collect(driver.sawHit);
    Statistics.label("evictions").collect(driver.sawEviction);
    Statistics.label("copies on write").collect(driver.sawCopy);
    Statistics.label("refusals").collect(driver.sawRefusal);
    Statistics.label("rollbacks").collect(driver.sawRollback);
    for (String label : List.of("hits", "evictions", "copies on write", "refusals", "rollbacks")) {
      Statistics.label(label).coverage(c -> c.check(true).percentage(p -> p > 3));
    }
  }

  @Property(tries = 300, seed = "20261122")
  void equalCallsGiveEqualPools(@ForAll("setups") Setup setup, @ForAll("steps") List<Step> steps) {
    Driver one = new Driver(setup);
    Driver other = new Driver(setup);
    for (Step step : steps) {
      one.run(step);
      other.run(step);
    }
    one.pool.commit();
    other.pool.commit();
    assertThat(one.picture()).isEqualTo(other.picture());
    assertThat(one.drainedMoves()).isEqualTo(other.drainedMoves());
    assertThat(one.drainedEvents()).isEqualTo(other.drainedEvents());
  }

  private static final class Driver {
    final Setup setup;
    final PagedKvBlockPool pool;
    final ReferencePool model;
    final int blockTokens;
    boolean sawHit;
    boolean sawEviction;
    boolean sawCopy;
    boolean sawRefusal;
    boolean sawRollback;
    private long released = -1;

    Driver(Setup setup) {
      this.setup = setup;
      blockTokens = setup.config().blockTokens();
      EvictionPolicy<?> policy =
          setup.ranked()
              ? new HitsThenDepth(
                  setup.config().deviceBlocks() % 2 == 0
                      ? EvictionPolicy.RankChange.FIXED
                      : EvictionPolicy.RankChange.ANY_TIME)
              : new LruEviction();
      pool = PagedKvBlockPool.of(setup.config(), new PoorHash(setup.hashValues()), policy);
      model = new ReferencePool(setup.config(), setup.ranked());
    }

    void run(Step step) {
      Random random = new Random(step.a() * 31L + step.b());
      List<Long> live = new ArrayList<>(model.owners.keySet());
      long owner = live.isEmpty() ? -1 : live.get(step.a() % live.size());
      ReferencePool.Owner o = model.owners.get(owner);
      boolean open = o != null && !o.releasing;
      boolean onDevice = open && !o.host;
      switch (step.op()) {
        case START -> start(step, random);
        case GROW -> {
          if (onDevice) {
            int length = o.length + step.b() % (2 * blockTokens + 1);
            same(pool.growTo(owner, length), model.growTo(owner, length));
            while (o.chain.tokenCount() < o.length) {
              o.chain.append(random.nextInt(2));
            }
          }
        }
        case PUBLISH -> {
          if (o != null && !o.host) {
            int room = o.room() * blockTokens;
            int upTo = step.c() % 3 == 0 ? step.b() % (room + 1) : room;
            if (model.publish(owner, upTo)) {
              pool.publish(owner, upTo);
            } else {
              assertThatThrownBy(() -> pool.publish(owner, upTo))
                  .isInstanceOf(IllegalStateException.class)
                  .hasMessageContaining("cached as other content");
            }
          }
        }
        case RELEASE -> {
          if (open) {
            ReleaseOrder order = ReleaseOrder.values()[step.b() % 5 == 0 ? 1 : 0];
            pool.release(owner, order);
            model.release(owner, order);
            if (!model.owners.containsKey(owner)) {
              released = owner;
            }
          }
        }
        case FORK -> {
          if (onDevice) {
            BlockKeyChain chain = chain(step.b());
            for (int i = 0; i < o.chain.tokenCount(); i++) {
              // Now and then a child lies about its content: publishing must refuse it.
              chain.append(step.c() % 9 == 0 && i == 0 ? 7 : o.chain.token(i));
            }
            long child = pool.open(OwnerKind.SEQUENCE, chain);
            model.open(child, chain);
            same(pool.fork(owner, child), KvOutcome.OK);
            model.fork(owner, child);
          }
        }
        case TRUNCATE -> {
          if (onDevice) {
            int length = step.b() % (o.length + 2);
            pool.truncate(owner, length);
            model.truncate(owner, length);
            if (model.savepointCount() == 0 && length < o.chain.tokenCount()) {
              o.chain.truncate(length);
            }
          }
        }
        case PIN -> {
          if (open) {
            pool.pin(owner);
            o.pins++;
          }
        }
        case UNPIN -> {
          if (o != null && o.pins > 0) {
            pool.unpin(owner);
            model.unpin(owner);
          }
        }
        case SWAP_OUT -> swap(step, live, false);
        case SWAP_IN -> swap(step, live, true);
        case DEMOTE -> offload(step, o, true);
        case PROMOTE -> offload(step, o, false);
        case END_TRANSFER -> {
          if (!model.transfers.isEmpty()) {
            List<Integer> ids = new ArrayList<>(model.transfers.keySet());
            int id = ids.get(step.a() % ids.size());
            pool.endTransfer(id, step.b() % 4 != 0);
            model.endTransfer(id, step.b() % 4 != 0);
          }
        }
        case EVICT_KEYS -> {
          List<Integer> blocks = new ArrayList<>();
          for (int b : model.device.keys.keySet()) {
            if ((b + step.a()) % 3 == 0) {
              blocks.add(b);
            }
          }
          blocks.sort(Comparator.naturalOrder());
          pool.evictKeys(blocks.stream().mapToInt(b -> b).toArray(), blocks.size());
          model.evictKeys(blocks);
        }
        case RESET -> assertThat(pool.reset()).isEqualTo(model.reset());
        case RESIZE -> {
          int delta = step.a() % 5 - 2;
          same(pool.resize(delta), model.resize(delta));
        }
        case SAVEPOINT -> {
          if (model.savepointCount() < 4) {
            assertThat(pool.savepoint()).isEqualTo(model.savepoint());
          }
        }
        case ROLLBACK -> {
          if (model.savepointCount() > 0) {
            int savepoint = step.a() % model.savepointCount();
            pool.rollbackTo(savepoint);
            model.rollbackTo(savepoint);
            sawRollback = true;
          }
        }
        case COMMIT -> {
          pool.commit();
          model.commit();
        }
        case COMPACT -> {
          if (onDevice && model.windows.length == 1) {
            KeepSet keep = new KeepSet(4);
            for (int p = 0; p < o.room() * blockTokens; p++) {
              if (p < step.b() % 4 || random.nextInt(3) > 0) {
                keep.add(p);
              }
            }
            same(pool.compact(owner, keep), model.compact(owner, keep));
          }
        }
        case MISUSE -> misuse(owner, o);
      }
    }

    private BlockKeyChain chain(int salt) {
      PrefixAttributes attributes =
          switch (salt % 5) {
            case 0 -> PrefixAttributes.NONE.withSalt("x");
            case 1 -> PrefixAttributes.NONE.withAdapter("x");
            default -> PrefixAttributes.NONE;
          };
      return pool.newKeys(attributes);
    }

    private void start(Step step, Random random) {
      BlockKeyChain chain = chain(step.c());
      int prompt = 1 + step.b() % (4 * blockTokens + 1);
      for (int i = 0; i < prompt; i++) {
        chain.append(random.nextInt(12) == 0 ? 1 : 0);
      }
      int limit = step.c() % 7 == 0 ? 0 : prompt - 1;
      KvDemand demand =
          new KvDemand(
              prompt, step.c() % 3, limit, step.c() % 11 == 0 ? 1 : 0, step.c() % 13 == 0 ? 2 : 0);
      KvProbe probe = new KvProbe();
      pool.probe(chain, limit, probe);
      int hit = model.hit(chain, limit);
      assertThat(probe.deviceTokens()).isEqualTo(hit * blockTokens);
      assertThat(probe.idleBlocks()).isEqualTo(model.idle(chain, hit));
      assertThat(probe.hostTokens())
          .isEqualTo(Math.max(0, model.present(chain, limit) - hit) * blockTokens);
      assertThat(probe.deviceTokens()).isLessThan(prompt);
      sawHit |= hit > 0;
      same(pool.check(chain, demand), model.check(chain, demand));
      long owner = pool.open(OwnerKind.SEQUENCE, chain);
      model.open(owner, chain);
      KvOutcome outcome = pool.tryAllocate(owner, demand);
      same(outcome, model.tryAllocate(owner, demand));
      if (!outcome.ok()) {
        pool.release(owner, ReleaseOrder.DEEPEST_FIRST);
        model.release(owner, ReleaseOrder.DEEPEST_FIRST);
      }
    }

    private void swap(Step step, List<Long> live, boolean in) {
      List<Long> list = new ArrayList<>();
      for (long handle : live) {
        ReferencePool.Owner o = model.owners.get(handle);
        if (o.host == in && !o.releasing && o.pins == 0 && (handle + step.a()) % 2 == 0) {
          list.add(handle);
        }
      }
      if (!list.isEmpty()) {
        long[] handles = list.stream().mapToLong(h -> h).toArray();
        same(
            in ? pool.swapIn(handles, handles.length) : pool.swapOut(handles, handles.length),
            in ? model.swapIn(list) : model.swapOut(list));
      }
    }

    private void offload(Step step, ReferencePool.Owner o, boolean toHost) {
      if (o == null) {
        return;
      }
      int upTo = step.b() % (o.chain.tokenCount() + 1);
      KvOutcome outcome = toHost ? pool.demote(o.chain, upTo) : pool.promote(o.chain, upTo);
      same(outcome, model.offload(o.chain, upTo, toHost));
    }

    private void misuse(long owner, ReferencePool.Owner o) {
      if (!model.owners.containsKey(released)) {
        assertThatThrownBy(() -> pool.release(released, ReleaseOrder.DEEPEST_FIRST))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("must be a live owner");
      }
      assertThatThrownBy(() -> pool.endTransfer(1 << 20, true))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> pool.evictKeys(new int[] {1 << 20}, 1))
          .isInstanceOf(IllegalArgumentException.class);
      if (o == null) {
        return;
      }
      if (o.releasing) {
        assertThatThrownBy(() -> pool.release(owner, ReleaseOrder.DEEPEST_FIRST))
            .isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> pool.growTo(owner, 1)).isInstanceOf(IllegalStateException.class);
        return;
      }
      if (o.pins == 0) {
        assertThatThrownBy(() -> pool.unpin(owner)).isInstanceOf(IllegalStateException.class);
      }
      if (o.host) {
        assertThatThrownBy(() -> pool.growTo(owner, 1)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> pool.swapOut(new long[] {owner}, 1))
            .isInstanceOf(IllegalStateException.class);
      } else {
        assertThatThrownBy(() -> pool.growTo(owner, -1))
            .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> pool.publish(owner, o.room() * blockTokens + 1))
            .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> pool.swapOut(new long[] {owner, owner}, 2))
            .isInstanceOfAny(IllegalArgumentException.class, IllegalStateException.class);
        if (!o.empty()) {
          assertThatThrownBy(() -> pool.tryAllocate(owner, KvDemand.uncached(1)))
              .isInstanceOf(IllegalStateException.class);
        }
      }
    }

    private void same(KvOutcome actual, KvOutcome expected) {
      assertThat(actual).isEqualTo(expected);
      sawRefusal |= !actual.ok();
    }

    void compare() {
      for (KvTier name : List.of(KvTier.DEVICE, KvTier.HOST)) {
        ReferencePool.Tier tier = name == KvTier.DEVICE ? model.device : model.host;
        assertThat(pool.availableOrder(name))
            .as("queue of %s", name)
            .containsExactly(tier.order().stream().mapToInt(b -> b).toArray());
        int nulls = name == KvTier.DEVICE && setup.config().nullBlock() ? 1 : 0;
        int total = tier.size - tier.retired.size();
        int sum = 0;
        for (BlockState state : BlockState.values()) {
          sum += pool.count(name, state);
        }
        assertThat(sum).as("conservation in %s", name).isEqualTo(total);
        assertThat(pool.count(name, BlockState.LOADING)).isEqualTo(tier.written.size());
        assertThat(pool.count(name, BlockState.NULL)).isEqualTo(nulls);
        assertThat(pool.count(name, BlockState.ACTIVE)).isEqualTo(tier.refs.size());
        assertThat(pool.count(name, BlockState.CACHED))
            .isEqualTo((int) tier.order().stream().filter(tier.keys::containsKey).count());
        for (int b = nulls; b < tier.size; b++) {
          if (!tier.retired.contains(b)) {
            assertThat(pool.referenceCount(name, b))
                .as("references of %s %s", name, b)
                .isEqualTo(tier.refs(b));
            assertThat(pool.isKeyed(name, b))
                .as("key of %s %s", name, b)
                .isEqualTo(tier.keys.containsKey(b));
          }
        }
      }
      model.owners.forEach(
          (handle, o) -> {
            assertThat(pool.isLive(handle)).isTrue();
            for (int g = 0; g < o.tables.size(); g++) {
              List<Integer> table = o.tables.get(g);
              assertThat(pool.blockCount(handle, g)).isEqualTo(table.size());
              for (int i = 0; i < table.size(); i++) {
                int expected = table.get(i) == null ? (o.host ? -1 : 0) : table.get(i);
                assertThat(pool.block(handle, g, i)).isEqualTo(expected);
              }
            }
            assertThat(pool.lengthTokens(handle)).isEqualTo(o.length);
            assertThat(pool.hitTokens(handle)).isEqualTo(o.hit * blockTokens);
            assertThat(pool.publishedTokens(handle)).isEqualTo(o.published * blockTokens);
            assertThat(pool.tier(handle)).isEqualTo(o.host ? KvTier.HOST : KvTier.DEVICE);
            assertThat(pool.writableTokens(handle)).isEqualTo(writable(o));
          });
      assertThat(pool.usableBlocks()).isEqualTo(model.usable());
      assertThat(pool.watermarkBlocks()).isEqualTo(model.watermark());
      if (model.savepointCount() == 0) {
        List<String> moves = drainedMoves();
        List<String> events = drainedEvents();
        assertThat(moves).isEqualTo(model.moves);
        assertThat(events).isEqualTo(model.events);
        sawCopy |= moves.stream().anyMatch(m -> m.startsWith("COPY"));
        sawEviction |= events.stream().anyMatch(e -> e.startsWith("removed"));
        model.moves.clear();
        model.events.clear();
      }
    }

    private int writable(ReferencePool.Owner o) {
      int length = o.length;
      if (o.host) {
        return length;
      }
      int at = length;
      while (at < o.room() * blockTokens) {
        for (List<Integer> table : o.tables) {
          Integer b = table.get(at / blockTokens);
          if (b != null
              && (model.device.refs(b) > 1
                  || model.device.read.contains(b)
                  || model.device.keys.containsKey(b))) {
            return at;
          }
        }
        at++;
      }
      return at;
    }

    List<String> drainedMoves() {
      List<String> moves = new ArrayList<>();
      pool.drainMoves((kind, from, to, group, id) -> moves.add(kind + " " + from + "->" + to));
      return moves;
    }

    List<String> drainedEvents() {
      List<String> events = new ArrayList<>();
      pool.drainEvents(
          new KvEventSink() {
            @Override
            public void stored(
                BlockKey key, BlockKey parent, int block, int group, KvTier tier, int copies) {
              events.add("stored " + tier + " " + block + " " + copies);
            }

            @Override
            public void removed(BlockKey key, int block, int group, KvTier tier, int copies) {
              events.add("removed " + tier + " " + block + " " + copies);
            }

            @Override
            public void cleared() {
              events.add("cleared");
            }
          });
      return events;
    }

    /** Ends everything: nothing may be lost. */
    void drain() {
      pool.commit();
      model.commit();
      for (int id : new ArrayList<>(model.transfers.keySet())) {
        pool.endTransfer(id, true);
        model.endTransfer(id, true);
        compare();
      }
      for (long owner : new ArrayList<>(model.owners.keySet())) {
        ReferencePool.Owner o = model.owners.get(owner);
        if (!o.releasing) {
          pool.release(owner, ReleaseOrder.DEEPEST_FIRST);
          model.release(owner, ReleaseOrder.DEEPEST_FIRST);
        }
        while (model.owners.containsKey(owner)) {
          pool.unpin(owner);
          model.unpin(owner);
        }
      }
      compare();
      for (KvTier tier : List.of(KvTier.DEVICE, KvTier.HOST)) {
        assertThat(pool.count(tier, BlockState.ACTIVE)).isZero();
        assertThat(pool.count(tier, BlockState.LOADING)).isZero();
        assertThat(pool.count(tier, BlockState.STORING)).isZero();
      }
      assertThat(pool.availableBlocks()).isEqualTo(pool.usableBlocks());
      assertThat(pool.snapshot().pinnedOwners()).isZero();
      assertThat(pool.reset()).isTrue();
      assertThat(pool.contentNodes()).isZero();
    }

    String picture() {
      StringBuilder picture = new StringBuilder(pool.snapshot().toString());
      for (KvTier tier : List.of(KvTier.DEVICE, KvTier.HOST)) {
        picture.append(java.util.Arrays.toString(pool.availableOrder(tier)));
      }
      model.owners.forEach(
          (handle, o) -> {
            picture.append('\n').append(handle);
            for (int g = 0; g < o.tables.size(); g++) {
              for (int i = 0; i < pool.blockCount(handle, g); i++) {
                picture.append(' ').append(pool.block(handle, g, i));
              }
            }
          });
      return picture.toString();
    }
  }
}
