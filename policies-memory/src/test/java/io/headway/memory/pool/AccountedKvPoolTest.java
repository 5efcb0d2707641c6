package io.headway.memory.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headway.api.Request;
import io.headway.api.memory.BlockState;
import io.headway.api.memory.KvDemand;
import io.headway.api.memory.KvFootprint;
import io.headway.api.memory.KvMode;
import io.headway.api.memory.KvOutcome;
import io.headway.api.memory.KvOutcome.Reason;
import io.headway.api.memory.KvProbe;
import io.headway.api.memory.KvTier;
import io.headway.api.memory.OwnerKind;
import io.headway.api.memory.ReleaseOrder;
import io.headway.memory.footprint.ContextFootprint;
import io.headway.memory.footprint.FormatFootprint;
import io.headway.memory.footprint.KiviFormat;
import io.headway.memory.footprint.PagedFootprint;
import io.headway.memory.footprint.TokenFootprint;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class AccountedKvPoolTest {

  record Step(int op, int a, int b) {}

  private record Held(int length, int units, boolean host) {}

  @Provide
  Arbitrary<List<Step>> steps() {
    return Combinators.combine(
            Arbitraries.integers().between(0, 10),
            Arbitraries.integers().between(0, 1000),
            Arbitraries.integers().between(0, 1000))
        .as(Step::new)
        .list()
        .ofMinSize(20)
        .ofMaxSize(100);
  }

  @Provide
  Arbitrary<KvFootprint> footprints() {
    return Arbitraries.of(
        new TokenFootprint(),
        new PagedFootprint(4, 1),
        new ContextFootprint(30),
        new FormatFootprint(new KiviFormat(1, 8, 2, 4, 8), 16));
  }

  /** Against a map of what each owner holds, rolled back by copying it. */
  @Property(tries = 400, seed = "20261122")
  void countsWhatItsFormulaSays(
      @ForAll("footprints") KvFootprint footprint,
      @ForAll("steps") List<Step> steps,
      @ForAll @IntRange(min = 0, max = 60) int units) {
    AccountedKvPool pool = AccountedKvPool.of(footprint, units, 20, 0.1);
    int watermark = (int) (0.1 * units);
    Map<Long, Held> held = new LinkedHashMap<>();
    List<Map<Long, Held>> savepoints = new ArrayList<>();
    for (Step step : steps) {
      List<Long> live = new ArrayList<>(held.keySet());
      long owner = live.isEmpty() ? -1 : live.get(step.a() % live.size());
      Held before = held.get(owner);
      int used = held.values().stream().filter(h -> !h.host()).mapToInt(Held::units).sum();
      int hostUsed = held.values().stream().filter(Held::host).mapToInt(Held::units).sum();
      switch (step.op()) {
        case 0, 1, 2 -> {
          KvDemand demand = KvDemand.uncached(1 + step.b() % 20).withLookaheadTokens(step.a() % 3);
          int need = footprint.peakBlocks(demand.lengthTokens(), demand.totalTokens());
          long fresh = pool.open(OwnerKind.SEQUENCE);
          KvOutcome outcome = pool.tryAllocate(fresh, demand);
          if (need > units - watermark) {
            assertThat(outcome.verdict()).isEqualTo(KvOutcome.Verdict.NEVER);
          } else if (need + watermark > units - used) {
            assertThat(outcome.shortfallBlocks()).isEqualTo(need + watermark - (units - used));
            assertThat(outcome.verdict()).isEqualTo(KvOutcome.Verdict.LATER);
          } else {
            assertThat(outcome.ok()).isTrue();
            held.put(fresh, new Held(demand.lengthTokens(), need, false));
          }
          if (!outcome.ok()) {
            pool.release(fresh, ReleaseOrder.DEEPEST_FIRST);
          }
        }
        case 3, 4, 5 -> {
          if (before != null && !before.host()) {
            int length = before.length() + step.b() % 6;
            KvOutcome outcome = pool.growTo(owner, length);
            int peak =
                length == before.length() ? 0 : footprint.peakBlocks(before.length() + 1, length);
            if (length > before.length() && peak > units) {
              assertThat(outcome.verdict()).isEqualTo(KvOutcome.Verdict.NEVER);
            } else if (length > before.length() && peak - before.units() > units - used) {
              assertThat(outcome)
                  .isEqualTo(
                      KvOutcome.later(
                          Reason.DEVICE_BLOCKS, peak - before.units() - (units - used)));
            } else {
              assertThat(outcome.ok()).isTrue();
              if (length > before.length()) {
                held.put(owner, new Held(length, footprint.blocks(length), false));
              }
            }
          }
        }
        case 6 -> {
          if (before != null) {
            pool.release(owner, ReleaseOrder.DEEPEST_FIRST);
            held.remove(owner);
          }
        }
        case 7 -> {
          if (before != null && !before.host()) {
            int length = step.b() % (before.length() + 1);
            pool.truncate(owner, length);
            held.put(
                owner, new Held(length, Math.min(before.units(), footprint.blocks(length)), false));
          }
        }
        case 8 -> {
          if (before != null && !before.host()) {
            boolean fits = before.units() <= 20 - hostUsed;
            assertThat(pool.swapOut(new long[] {owner}, 1).ok()).isEqualTo(fits);
            if (fits) {
              held.put(owner, new Held(before.length(), before.units(), true));
            }
          } else if (before != null) {
            boolean fits = before.units() + watermark <= units - used;
            assertThat(pool.swapIn(new long[] {owner}, 1).ok()).isEqualTo(fits);
            if (fits) {
              held.put(owner, new Held(before.length(), before.units(), false));
            }
          }
        }
        case 9 -> {
          pool.savepoint();
          savepoints.add(new HashMap<>());
          savepoints.set(savepoints.size() - 1, new LinkedHashMap<>(held));
        }
        default -> {
          if (!savepoints.isEmpty() && step.b() % 3 > 0) {
            int savepoint = step.a() % savepoints.size();
            pool.rollbackTo(savepoint);
            held = new LinkedHashMap<>(savepoints.get(savepoint));
            savepoints.subList(savepoint + 1, savepoints.size()).clear();
          } else {
            pool.commit();
            savepoints.clear();
          }
        }
      }
      int device = 0;
      int host = 0;
      for (Map.Entry<Long, Held> each : held.entrySet()) {
        Held h = each.getValue();
        assertThat(pool.blockCount(each.getKey(), 0)).isEqualTo(h.units());
        assertThat(pool.lengthTokens(each.getKey())).isEqualTo(h.length());
        assertThat(pool.writableTokens(each.getKey())).isGreaterThanOrEqualTo(h.length());
        device += h.host() ? 0 : h.units();
        host += h.host() ? h.units() : 0;
      }
      assertThat(pool.count(KvTier.DEVICE, BlockState.ACTIVE)).isEqualTo(device);
      assertThat(pool.count(KvTier.HOST, BlockState.ACTIVE)).isEqualTo(host);
      assertThat(pool.availableBlocks()).isEqualTo(units - device);
    }
    pool.commit();
    held.keySet().forEach(owner -> pool.release(owner, ReleaseOrder.DEEPEST_FIRST));
    assertThat(pool.availableBlocks()).isEqualTo(units);
    assertThat(pool.count(KvTier.HOST, BlockState.ACTIVE)).isZero();
  }

  @Test
  void footprintIsTheOneFormulaAndWritableFollowsIt() {
    AccountedKvPool slots = AccountedKvPool.of(new ContextFootprint(100), 2);
    long owner = slots.open(OwnerKind.SEQUENCE);
    assertThat(slots.tryAllocate(owner, KvDemand.prompt(5)).ok()).isTrue();
    assertThat(slots.writableTokens(owner)).isEqualTo(100);
    assertThat(slots.growTo(owner, 101).verdict()).isEqualTo(KvOutcome.Verdict.NEVER);

    AccountedKvPool tokens = AccountedKvPool.of(new TokenFootprint(), 8);
    long one = tokens.open(OwnerKind.SEQUENCE);
    assertThat(tokens.tryAllocate(one, KvDemand.prompt(5).withLookaheadTokens(2)).ok()).isTrue();
    assertThat(tokens.writableTokens(one)).isEqualTo(7);
    long copy = tokens.open(OwnerKind.SEQUENCE);
    assertThat(tokens.fork(one, copy)).isEqualTo(KvOutcome.later(Reason.DEVICE_BLOCKS, 6));
    assertThat(tokens.resize(6).ok()).isTrue();
    assertThat(tokens.fork(one, copy).ok()).as("a fork is charged in full").isTrue();
    assertThat(tokens.availableBlocks()).isZero();
    assertThat(tokens.resize(-1)).isEqualTo(KvOutcome.later(Reason.DEVICE_BLOCKS, 1));
  }

  @Test
  void shrinkingFormatsAreAdmittedByTheirPeak() {
    // 7 tokens take more than 8: the residual of 8 keys is flushed at the 8th.
    FormatFootprint kivi = new FormatFootprint(new KiviFormat(1, 8, 2, 4, 8), 1);
    assertThat(kivi.blocks(7)).isGreaterThan(kivi.blocks(8));
    AccountedKvPool pool = AccountedKvPool.of(kivi, kivi.blocks(8));
    long owner = pool.open(OwnerKind.SEQUENCE);
    assertThat(pool.tryAllocate(owner, KvDemand.uncached(6)).ok()).isTrue();
    assertThat(pool.growTo(owner, 8).verdict())
        .as("it would have to pass through 7")
        .isEqualTo(KvOutcome.Verdict.NEVER);
    assertThat(pool.resize(kivi.blocks(7) - kivi.blocks(8)).ok()).isTrue();
    assertThat(pool.growTo(owner, 8).ok()).isTrue();
    assertThat(pool.blockCount(owner, 0)).isEqualTo(kivi.blocks(8));
  }

  @Test
  void nothingIsEverFoundOrAddressed() {
    AccountedKvPool pool = AccountedKvPool.of(new TokenFootprint(), 8);
    assertThat(pool.mode()).isEqualTo(KvMode.ACCOUNTED);
    long owner =
        pool.open(
            OwnerKind.SEQUENCE,
            pool.newKeys(Request.builder("r", 2, 1).tokenIds(new int[] {1, 2}).build()));
    assertThat(pool.tryAllocate(owner, KvDemand.prompt(2)).ok()).isTrue();
    pool.publish(owner, 2);
    KvProbe probe = new KvProbe();
    pool.probe(pool.newKeys(Request.of("q", 4, 1)), 3, probe);
    assertThat(probe.deviceTokens()).isZero();
    assertThatThrownBy(() -> pool.block(owner, 0, 0))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "block ids need a paged pool, but this one only counts units of the engine's own"
                + " memory");
    assertThatThrownBy(() -> pool.publish(owner, 3))
        .hasMessage("upToTokens must be between 0 and the owner's room of 2 tokens, but was 3");
    assertThatThrownBy(() -> AccountedKvPool.of(new TokenFootprint(), -1))
        .hasMessage("units must be at least 0 units, but was -1");
  }

  @Test
  void pinsKeepUnitsThroughRelease() {
    AccountedKvPool pool = AccountedKvPool.of(new TokenFootprint(), 8);
    long owner = pool.open(OwnerKind.SEQUENCE);
    assertThat(pool.growTo(owner, 5).ok()).isTrue();
    pool.pin(owner);
    pool.release(owner, ReleaseOrder.DEEPEST_FIRST);
    assertThat(pool.availableBlocks()).isEqualTo(3);
    assertThatThrownBy(() -> pool.growTo(owner, 6)).isInstanceOf(IllegalStateException.class);
    pool.unpin(owner);
    assertThat(pool.availableBlocks()).isEqualTo(8);
    assertThat(pool.isLive(owner)).isFalse();
  }
}
