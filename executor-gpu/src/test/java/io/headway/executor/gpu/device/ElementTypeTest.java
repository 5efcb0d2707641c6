package io.headway.executor.gpu.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ElementTypeTest {
  @Test
  void bfloat16RoundsToNearestAndTiesToEven() {
    assertThat(ElementType.BF16.encode(1f)).isEqualTo(0x3F80);
    // 1 + 2^-8 lies in the middle of 1 and 1 + 2^-7: even is 1.
    assertThat(ElementType.BF16.round(1f + 0x1p-8f)).isEqualTo(1f);
    // 1 + 3 * 2^-8 lies in the middle of 1 + 2^-7 and 1 + 2^-6: even is the upper one.
    assertThat(ElementType.BF16.round(1f + 3 * 0x1p-8f)).isEqualTo(1f + 0x1p-6f);
    assertThat(ElementType.BF16.round(Math.nextUp(1f + 0x1p-8f))).isEqualTo(1f + 0x1p-7f);
  }

  @Test
  void specialValuesSurvive() {
    assertThat(ElementType.BF16.round(Float.NaN)).isNaN();
    assertThat(ElementType.BF16.round(Float.intBitsToFloat(0x7F800001))).isNaN();
    assertThat(ElementType.BF16.round(Float.NEGATIVE_INFINITY)).isEqualTo(Float.NEGATIVE_INFINITY);
    assertThat(ElementType.BF16.round(-0f)).isEqualTo(-0f);
    assertThat(ElementType.BF16.round(Float.MAX_VALUE)).isEqualTo(Float.POSITIVE_INFINITY);
  }

  @Test
  void roundingIsIdempotentAndNeverFurtherThanHalfAStep() {
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 10_000; i++) {
      float value = (float) (random.nextGaussian() * Math.exp(10 * random.nextGaussian()));
      float rounded = ElementType.BF16.round(value);
      assertThat(ElementType.BF16.round(rounded)).isEqualTo(rounded);
      assertThat(Math.abs(rounded - value)).isLessThanOrEqualTo(Math.ulp(value) * (1 << 15));
      assertThat(ElementType.F32.round(value)).isEqualTo(value);
    }
  }
}
