package io.headway.api.prediction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class PeakTokensTest {
  @Test
  void isTheWorkedExample() {
    PeakTokens peak = new PeakTokens();
    assertThat(peak.peakTokens()).isZero();
    peak.add(14, 12);
    peak.add(10, 5);
    peak.add(12, 3);
    assertThat(peak.peakTokens()).isEqualTo(45);
    peak.clear();
    peak.add(10, 5);
    peak.add(6, 8);
    peak.add(4, 2);
    assertThat(peak.peakTokens()).isEqualTo(26);
  }

  @Property(seed = "51", tries = 500, edgeCases = EdgeCasesMode.NONE)
  void isThePeakOfTheFuture(
      @ForAll @Size(max = 20) List<@IntRange(min = 0, max = 30) Integer> current,
      @ForAll @Size(min = 20, max = 20) List<@IntRange(min = 0, max = 30) Integer> remaining) {
    PeakTokens peak = new PeakTokens();
    for (int i = 0; i < current.size(); i++) {
      peak.add(current.get(i), remaining.get(i));
    }
    int most = 0;
    for (int t = 0; t <= 30; t++) {
      int held = 0;
      for (int i = 0; i < current.size(); i++) {
        held += t <= remaining.get(i) ? current.get(i) + t : 0;
      }
      most = Math.max(most, held);
    }
    assertThat(peak.peakTokens()).isEqualTo(most);
  }

  @Test
  void refusesNegativeTokens() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new PeakTokens().add(-1, 2))
        .withMessage("usedTokens and remainingTokens must be at least 0 tokens, but were -1 and 2");
  }
}
