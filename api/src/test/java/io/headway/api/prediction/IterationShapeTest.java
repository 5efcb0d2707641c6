package io.headway.api.prediction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class IterationShapeTest {
  private static final IterationTimeModel MODEL =
      shape ->
          shape.isEmpty()
              ? 0
              : 1e-3
                  + 1.7e-6 * shape.queryTokens()
                  + 3.1e-9 * shape.decodeContextTokens()
                  + 1e-5 * shape.sequences();

  @Test
  void aggregates() {
    IterationShape shape = new IterationShape();
    assertThat(shape.isEmpty()).isTrue();
    shape.addPrefill(512, 0);
    shape.addPrefill(3, 100);
    shape.addDecode(10);
    shape.addDecodes(2, 50);
    shape.addVerify(7, 4);
    shape.addPadding(9);
    assertThat(shape.isEmpty()).isFalse();
    assertThat(shape.chunks()).isEqualTo(2);
    assertThat(shape.chunkTokens(1)).isEqualTo(3);
    assertThat(shape.chunkHistoryTokens(1)).isEqualTo(100);
    assertThat(shape.prefillTokens()).isEqualTo(515);
    assertThat(shape.prefillAttentionPairs()).isEqualTo(512 * 513 / 2 + 300 + 6);
    assertThat(shape.decodes()).isEqualTo(4);
    assertThat(shape.decodeContextTokens()).isEqualTo(67);
    assertThat(shape.draftTokens()).isEqualTo(4);
    assertThat(shape.paddingTokens()).isEqualTo(9);
    assertThat(shape.queryTokens()).isEqualTo(515 + 4 + 4 + 9);
    assertThat(shape.sequences()).isEqualTo(6);
    shape.advanceDecodes(10);
    assertThat(shape.decodeContextTokens()).isEqualTo(107);
    shape.clear();
    assertThat(shape.isEmpty()).isTrue();
    assertThat(shape.prefillAttentionPairs()).isZero();
    assertThat(shape.queryTokens()).isZero();
  }

  @Property(seed = "42")
  void attentionWorkDoesNotDependOnTheCut(
      @ForAll @IntRange(min = 1, max = 100_000) int prompt,
      @ForAll @IntRange(min = 0, max = 100_000) int history,
      @ForAll @IntRange(min = 1, max = 5_000) int chunk) {
    IterationShape whole = new IterationShape();
    whole.addPrefill(prompt, history);
    IterationShape cut = new IterationShape();
    for (int done = 0; done < prompt; done += chunk) {
      cut.addPrefill(Math.min(chunk, prompt - done), history + done);
    }
    assertThat(cut.prefillAttentionPairs()).isEqualTo(whole.prefillAttentionPairs());
    assertThat(cut.prefillTokens()).isEqualTo(whole.prefillTokens());
  }

  @Property(seed = "42")
  void severalIterationsAtOnceAreThoseOneByOne(
      @ForAll @Size(max = 40) int[] contexts,
      @ForAll @IntRange(min = 0, max = 300) int iterations) {
    IterationShape jumped = new IterationShape();
    int[] stored = new int[contexts.length];
    for (int i = 0; i < contexts.length; i++) {
      stored[i] = contexts[i] & 0xFFFFF;
      jumped.addDecode(stored[i]);
    }
    long[] nanos = new long[iterations];
    MODEL.decodeNanos(jumped, iterations, nanos);
    IterationShape stepped = new IterationShape();
    for (int k = 0; k < iterations; k++) {
      stepped.clear();
      for (int context : stored) {
        stepped.addDecode(context + k);
      }
      assertThat(nanos[k]).isEqualTo(MODEL.nanos(stepped));
    }
    long end = 0;
    for (int context : stored) {
      end += context + iterations;
    }
    assertThat(jumped.decodeContextTokens()).isEqualTo(end);
  }

  @Test
  void onlyDecodesRepeat() {
    IterationShape shape = new IterationShape();
    shape.addPrefill(5, 0);
    assertThatThrownBy(() -> MODEL.decodeNanos(shape, 1, new long[1]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "shape must hold decodes only to be repeated, but has 1 prefill chunks and 0 drafted"
                + " tokens");
  }

  @Test
  void refusesWhatIsOutOfRange() {
    IterationShape shape = new IterationShape();
    assertThatThrownBy(() -> shape.addPrefill(0, 0))
        .hasMessage("newTokens must be at least 1, but was 0");
    assertThatThrownBy(() -> shape.addPrefill(1, -1))
        .hasMessage("historyTokens must be at least 0, but was -1");
    assertThatThrownBy(() -> shape.addDecode(-2))
        .hasMessage("totalContextTokens must be at least 0, but was -2");
    assertThatThrownBy(() -> shape.addDecodes(-1, 0))
        .hasMessage("sequences must be at least 0, but was -1");
    assertThatThrownBy(() -> shape.addVerify(0, -1))
        .hasMessage("draftTokens must be at least 0, but was -1");
    assertThatThrownBy(() -> shape.addPadding(-1))
        .hasMessage("tokens must be at least 0, but was -1");
    assertThatThrownBy(() -> shape.advanceDecodes(-1))
        .hasMessage("iterations must be at least 0, but was -1");
    assertThatThrownBy(() -> shape.chunkTokens(0)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThat(shape.isEmpty()).isTrue();
  }
}
