package io.headway.predictors.drift;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.RandomSource;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class DriftTest {
  private static PageHinkley pageHinkley(PageHinkley.Direction direction, int minValues) {
    return new PageHinkley(new PageHinkley.Config(0.005, 0.5, minValues, direction));
  }

  @Test
  void pageHinkleyOfThePublishedExample() {
    double[] values = {.1, .12, .09, .11, .1, .4, .42, .39, .41, .4};
    double[] expected = {0, .005, 0, 0, 0, .241667, .465238, .633988, 0, 0};
    PageHinkley rising = pageHinkley(PageHinkley.Direction.INCREASE, 1);
    PageHinkley falling = pageHinkley(PageHinkley.Direction.DECREASE, 1);
    PageHinkley.Statistics up = rising.newState();
    PageHinkley.Statistics down = falling.newState();
    for (int i = 0; i < values.length; i++) {
      assertThat(rising.add(up, values[i])).isEqualTo(i == 7);
      assertThat(falling.add(down, -values[i])).isEqualTo(i == 7);
      assertThat(up.statistic()).isCloseTo(expected[i], within(1e-6));
      assertThat(down.statistic()).isEqualTo(up.statistic());
    }
  }

  @Property(seed = "42")
  void pageHinkleyEqualsItsDefinition(@ForAll @Size(max = 60) byte[] raw) {
    PageHinkley detector = pageHinkley(PageHinkley.Direction.INCREASE, 3);
    PageHinkley.Statistics statistics = detector.newState();
    List<Double> since = new ArrayList<>();
    for (byte value : raw) {
      double x = (value & 15) / 10.0;
      since.add(x);
      double sum = 0;
      double m = 0;
      double least = 0;
      for (int t = 0; t < since.size(); t++) {
        sum += since.get(t);
        m += since.get(t) - sum / (t + 1) - 0.005;
        least = Math.min(least, m);
      }
      boolean alarm = since.size() >= 3 && m - least > 0.5;
      // Whether rounding tips an exact tie is not the detector's promise.
      if (Math.abs(m - least - 0.5) < 1e-9) {
        return;
      }
      assertThat(detector.add(statistics, x)).isEqualTo(alarm);
      assertThat(statistics.statistic()).isCloseTo(m - least, within(1e-9)).isNotNegative();
      if (alarm) {
        since.clear();
      }
    }
  }

  @Test
  void constantStreamsNeverAlarm() {
    PageHinkley detector = pageHinkley(PageHinkley.Direction.INCREASE, 1);
    PageHinkley.Statistics statistics = detector.newState();
    Adwin adwin = new Adwin(new Adwin.Config(0.002, Adwin.Form.VARIANCE, 1, 300));
    Adwin.Window window = adwin.newState();
    for (int t = 0; t < 1000; t++) {
      assertThat(detector.add(statistics, 0.3)).isFalse();
      assertThat(adwin.add(window, 0.3)).isFalse();
    }
    assertThat(window.size()).isEqualTo(300);
  }

  private static Adwin adwin(Adwin.Form form) {
    return new Adwin(new Adwin.Config(0.002, form, 1, 1000));
  }

  @Test
  void adwinOfThePublishedExample() {
    Adwin detector = adwin(Adwin.Form.VARIANCE);
    Adwin.Window window = detector.newState();
    int first = -1;
    int dropped = 0;
    for (int i = 0; i < 120; i++) {
      if (detector.add(window, i < 60 ? .1 : .9)) {
        if (first < 0) {
          first = i;
          assertThat(window.cutSize()).isEqualTo(89);
          assertThat(window.cutSplit()).isEqualTo(60);
          assertThat(window.cutDifference()).isCloseTo(0.8, within(1e-12));
          assertThat(window.cutBound()).isCloseTo(0.793462, within(1e-6));
        }
        dropped += window.dropped();
      }
    }
    assertThat(first).isEqualTo(88);
    assertThat(dropped).isEqualTo(32);
    assertThat(window.size()).isEqualTo(88);
    Adwin free = adwin(Adwin.Form.DISTRIBUTION_FREE);
    Adwin.Window other = free.newState();
    Adwin.Window third = detector.newState();
    int cut = -1;
    for (int i = 0; i < 40; i++) {
      if (free.add(other, i < 20 ? .1 : .9) && cut < 0) {
        cut = i;
      }
      assertThat(detector.add(third, i < 20 ? .1 : .9)).isFalse();
    }
    assertThat(cut).isEqualTo(35);
    assertThat(other.size()).isEqualTo(35);
  }

  @Property(seed = "42", tries = 100)
  void adwinEqualsItsDefinition(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 5) int testEvery,
      @ForAll boolean variance) {
    Adwin.Form form = variance ? Adwin.Form.VARIANCE : Adwin.Form.DISTRIBUTION_FREE;
    double delta = 0.3;
    Adwin detector = new Adwin(new Adwin.Config(delta, form, testEvery, 50));
    Adwin.Window window = detector.newState();
    List<Double> model = new ArrayList<>();
    RandomSource random = RandomSource.seeded(seed);
    for (int t = 0; t < 90; t++) {
      double x = random.nextDouble() * 0.2 + (t / 30 % 2 == 0 ? 0 : 0.7);
      model.add(x);
      if (model.size() > 50) {
        model.remove(0);
      }
      int before = model.size();
      if ((t + 1) % testEvery == 0) {
        while (cut(model, delta, variance)) {
          model.remove(0);
        }
      }
      assertThat(detector.add(window, x)).isEqualTo(model.size() < before);
      assertThat(window.dropped()).isEqualTo(before - model.size());
      assertThat(window.size()).isEqualTo(model.size());
      assertThat(window.mean())
          .isCloseTo(
              model.stream().mapToDouble(Double::doubleValue).average().orElse(0), within(1e-12));
    }
  }

  private static boolean cut(List<Double> w, double delta, boolean variance) {
    int n = w.size();
    double mean = w.stream().mapToDouble(Double::doubleValue).average().orElse(0);
    double var = w.stream().mapToDouble(x -> (x - mean) * (x - mean)).sum() / n;
    for (int n0 = 1; n0 < n; n0++) {
      double a = w.subList(0, n0).stream().mapToDouble(Double::doubleValue).average().orElse(0);
      double b = w.subList(n0, n).stream().mapToDouble(Double::doubleValue).average().orElse(0);
      double m = 1 / (1.0 / n0 + 1.0 / (n - n0));
      double d = delta / n;
      double bound =
          variance
              ? Math.sqrt(2 / m * var * Math.log(2 / d)) + 2 / (3 * m) * Math.log(2 / d)
              : Math.sqrt(Math.log(4 / d) / (2 * m));
      if (Math.abs(a - b) > bound) {
        return true;
      }
    }
    return false;
  }

  @Property(seed = "42", tries = 30)
  void falseCutsAreRare(@ForAll long seed) {
    Adwin detector = new Adwin(new Adwin.Config(0.05, Adwin.Form.DISTRIBUTION_FREE, 1, 400));
    Adwin.Window window = detector.newState();
    RandomSource random = RandomSource.seeded(seed);
    int alarms = 0;
    for (int t = 0; t < 400; t++) {
      alarms += detector.add(window, random.nextDouble()) ? 1 : 0;
    }
    assertThat(alarms / 400.0).isLessThanOrEqualTo(0.05);
  }

  @Test
  void refusesWhatIsOutOfRange() {
    assertThatThrownBy(() -> new PageHinkley.Config(0, 0, 1, PageHinkley.Direction.INCREASE))
        .hasMessage("lambda must be finite and above 0, but was 0.0");
    assertThatThrownBy(() -> new Adwin.Config(1, Adwin.Form.VARIANCE, 1, 2))
        .hasMessage("delta must be above 0 and below 1, but was 1.0");
    PageHinkley detector = pageHinkley(PageHinkley.Direction.INCREASE, 1);
    assertThatThrownBy(() -> detector.add(detector.newState(), Double.NaN))
        .hasMessage("error must be finite, but was NaN");
  }
}
