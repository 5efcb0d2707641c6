package io.headway.simulator.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.RandomSource;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class WorkloadTest {
  @Test
  void limitsAndSlices() {
    Workload w = sample();
    assertThat(w.limit(2).prompts()).containsExactly(40, 20);
    assertThat(w.limit(99)).isSameAs(w);
    Workload tail = w.slice(1, 3);
    assertThat(tail.arrivals()).as("counted anew").containsExactly(0L, 30L);
    assertThat(tail.tenants().names()).containsExactly("b", "a");
    assertThat(tail.tenants().name(tail.tenants().code(1))).isEqualTo("a");
    assertThat(tail.session(0)).isEqualTo(Workload.NO_SESSION);
    assertThat(tail.priority(1)).isEqualTo(9);
    assertThat(tail.blocks().id(1, 0)).isEqualTo(1);
    assertThat(w.slice(1, 1).size()).isZero();
    assertThatThrownBy(() -> w.slice(2, 4))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("rows must satisfy 0 <= from <= to <= 3, but were from 2 to 4");
    assertThatThrownBy(() -> w.limit(-1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("limit must be at least 0 requests, but was -1");
  }

  @Test
  void clipsLengthsAndBlocks() {
    Workload w = sample().clip(17, 3);
    assertThat(w.prompts()).containsExactly(17, 17, 16);
    assertThat(w.outputs()).containsExactly(3, 2, 3);
    assertThat(w.blocks().count(0)).isEqualTo(2);
    assertThat(w.blocks().id(0, 1)).isEqualTo(2);
    assertThatThrownBy(() -> sample().clip(0, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("maxPromptTokens must be at least 1 token, but was 0");
  }

  @Test
  void scalesTheRateFromTheFirstArrivalOn() {
    Workload w =
        Workload.builder("w").add(100, 1, 1).add(101, 1, 1).add(400, 1, 1).build().rateScale(2);
    assertThat(w.arrivals()).as("rounded half up").containsExactly(100L, 101L, 250L);
    assertThatThrownBy(() -> w.rateScale(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("rateScale must be above 0 and finite, but was 0.0");
    assertThatThrownBy(() -> w.rateScale(1e-18))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("rateScale must leave the workload within 100 years, but was 1.0E-18");
  }

  @Property(tries = 50, seed = "42")
  void rateScaleChangesTheRateAndNothingElse(
      @ForAll @DoubleRange(min = 0.1, max = 20) double scale, @ForAll long seed) {
    Workload w =
        PowerLaw.poisson(PowerLaw.Length.SHORT, PowerLaw.Length.LONG, 5, 400).generate(seed);
    WorkloadStatistics before = new WorkloadStatistics(w);
    WorkloadStatistics after = new WorkloadStatistics(w.rateScale(scale));
    assertThat(after.meanRatePerSecond() / before.meanRatePerSecond())
        .isCloseTo(scale, within(scale * 1e-4));
    assertThat(after.interArrivalCv()).isCloseTo(before.interArrivalCv(), within(1e-4));
    assertThat(w.rateScale(scale).prompts()).isEqualTo(w.prompts());
  }

  @Property(tries = 100, seed = "42")
  void spreadsTicksWithoutCrossingThem(
      @ForAll @IntRange(min = 1, max = 60) int rows, @ForAll long seed) {
    RandomSource random = RandomSource.seeded(seed);
    Workload.Builder builder = Workload.builder("ticks");
    long tick = 0;
    for (int i = 0; i < rows; i++) {
      tick += random.nextInt(3) == 0 ? 3_000 : 0;
      builder.add(tick, i + 1, 1);
    }
    Workload w = builder.build();
    Workload spread = w.spreadTicks(RandomSource.seeded(seed + 1));
    long next = Long.MAX_VALUE;
    for (int i = rows - 1; i >= 0; i--) {
      assertThat(spread.arrivalNanos(i)).isGreaterThanOrEqualTo(w.arrivalNanos(i));
      assertThat(spread.arrivalNanos(i)).isLessThan(w.arrivalNanos(i) + Math.max(1, 3_000));
      assertThat(spread.arrivalNanos(i)).isLessThanOrEqualTo(next);
      next = spread.arrivalNanos(i);
    }
    assertThat(spread.prompts()).isEqualTo(w.prompts());
  }

  @Test
  void drawsTenantsInProportion() {
    Workload w = AzureLike.conversation(20_000).generate(1);
    Workload shared = w.assignTenants(new double[] {1, 2, 1}, RandomSource.seeded(2));
    int[] counts = new int[3];
    for (int row = 0; row < shared.size(); row++) {
      String name = shared.tenants().name(shared.tenants().code(row));
      counts[Integer.parseInt(name.substring("tenant-".length()))]++;
    }
    assertThat(counts[0]).isBetween(4_800, 5_200);
    assertThat(counts[1]).isBetween(9_700, 10_300);
    assertThatThrownBy(() -> w.assignTenants(new double[] {1, 0}, RandomSource.seeded(2)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("weights[1] must be above 0 and finite, but was 0.0");
  }

  @Test
  void builderRefusesWhatCannotBe() {
    assertThatThrownBy(() -> Workload.builder("w").add(5, 1, 1).add(4, 1, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("arrivalNanos must be at least 5 ns, the previous row's, but was 4 ns");
    assertThatThrownBy(() -> Workload.builder("w").add(0, 0, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("promptTokens must be at least 1 token, but was 0");
    assertThatThrownBy(() -> Workload.builder("w").add(0, 17, 1).blocks(16, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("blocks must have ceil(17 / 16) = 2 ids, but had 1");
    assertThatThrownBy(() -> Workload.builder("w").add(0, 1, 1).tenant("a").add(0, 1, 1).build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("tenant must be set in every row or in none, but was set in 1 of 2");
    assertThatThrownBy(() -> Workload.builder("w").add(0, 1, 1).add(0, 1, 1).tenant("a"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("tenant must be set once after each add, but 0 of 2 rows had it");
    assertThatThrownBy(() -> Workload.builder("w").add(0, 1, 1).build().blocks())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("workload w has no block ids; ask hasBlocks first");
  }

  @Test
  void writesWhatItReads() throws IOException {
    assertSame(sample(), reread(sample()));
    Workload generated = SharedPrefixLike.of(300).generate(7);
    assertSame(generated, reread(generated));
    Workload plain = AzureLike.code(300).generate(7);
    assertSame(plain, reread(plain));
  }

  @Test
  void refusesToWriteWhatItCouldNotRead() {
    Workload w = Workload.builder("w").add(0, 1, 1).tenant("two\nlines").build();
    assertThatThrownBy(() -> CsvTraceWriter.write(w, new StringBuilder()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "tenant must have no blank at an end and no line end to be written as CSV, but was"
                + " \"two?lines\"");
  }

  static Workload sample() {
    return Workload.builder("sample")
        .add(0, 40, 5)
        .tenant("a")
        .type("code")
        .model("m")
        .adapter("")
        .session(0)
        .priority(0)
        .blocks(16, 1, 2, 3)
        .add(20, 20, 2)
        .tenant("b")
        .type("code")
        .model("n, \"quoted\"")
        .adapter("lora")
        .session(Workload.NO_SESSION)
        .priority(-2)
        .blocks(16, 1, 4)
        .add(50, 16, 7)
        .tenant("a")
        .type("chat")
        .model("m")
        .adapter("")
        .session(1)
        .priority(9)
        .blocks(16, 1)
        .build();
  }

  static Workload reread(Workload w) throws IOException {
    StringBuilder text = new StringBuilder();
    CsvTraceWriter.write(w, text);
    return TraceFormat.CSV
        .reader()
        .read(
            "again.csv",
            new ByteArrayInputStream(text.toString().getBytes(StandardCharsets.UTF_8)),
            TraceOptions.DEFAULTS);
  }

  static void assertSame(Workload expected, Workload actual) {
    assertThat(actual.arrivals()).isEqualTo(expected.arrivals());
    assertThat(actual.prompts()).isEqualTo(expected.prompts());
    assertThat(actual.outputs()).isEqualTo(expected.outputs());
    assertThat(actual.hasSessions()).isEqualTo(expected.hasSessions());
    assertThat(actual.hasPriorities()).isEqualTo(expected.hasPriorities());
    assertThat(actual.hasBlocks()).isEqualTo(expected.hasBlocks());
    for (int row = 0; row < expected.size(); row++) {
      assertThat(actual.session(row)).isEqualTo(expected.session(row));
      assertThat(actual.priority(row)).isEqualTo(expected.priority(row));
      assertThat(name(actual.tenants(), row)).isEqualTo(name(expected.tenants(), row));
      assertThat(name(actual.types(), row)).isEqualTo(name(expected.types(), row));
      assertThat(name(actual.models(), row)).isEqualTo(name(expected.models(), row));
      assertThat(name(actual.adapters(), row)).isEqualTo(name(expected.adapters(), row));
      if (expected.hasBlocks()) {
        assertThat(actual.blocks().count(row)).isEqualTo(expected.blocks().count(row));
        for (int k = 0; k < expected.blocks().count(row); k++) {
          assertThat(actual.blocks().id(row, k)).isEqualTo(expected.blocks().id(row, k));
        }
      }
    }
  }

  private static String name(Labels labels, int row) {
    return labels.name(labels.code(row));
  }
}
