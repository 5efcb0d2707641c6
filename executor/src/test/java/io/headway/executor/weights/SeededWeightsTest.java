package io.headway.executor.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import io.headway.api.model.DecoderShape;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class SeededWeightsTest {
  private static final BigInteger MASK = BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);

  @Test
  void elementsAreThoseOfTheFormula() {
    SeededWeights weights = new SeededWeights(DecoderShape.TINY_BIAS, 42);
    for (WeightTensor tensor : WeightLayout.of(DecoderShape.TINY_BIAS)) {
      float[] few = new float[5];
      weights.read(tensor, 3, few, 1, 4);
      assertThat(few[0]).isZero();
      for (int i = 0; i < 4; i++) {
        double u = uniform(42, tensor.name(), 3 + i);
        boolean embedding = tensor.name().contains("embed");
        double expected =
            tensor.name().endsWith(".bias")
                ? 0.5 * u
                : tensor.isVector()
                    ? 1 + 0.25 * u
                    : u * Math.sqrt(embedding ? 3 : 3.0 / tensor.columns());
        assertThat((double) few[1 + i]).as(tensor.name()).isCloseTo(expected, offset(2e-7));
      }
    }
  }

  @Test
  void matricesKeepTheVarianceOfTheirInputs() {
    WeightTensor tensor = WeightLayout.gate(DecoderShape.SMALL, 0, 0);
    float[] all = new float[(int) tensor.elements()];
    new SeededWeights(DecoderShape.SMALL, 1).read(tensor, 0, all, 0, all.length);
    double sum = 0;
    double squares = 0;
    for (float value : all) {
      sum += value;
      squares += (double) value * value;
    }
    assertThat(sum / all.length).isCloseTo(0, offset(1e-3));
    assertThat(squares / all.length * tensor.columns()).isCloseTo(1, offset(0.02));
  }

  @Test
  void thereAreAsManyTensorsAsCountedAndParametersAsTheShapeSays() {
    for (DecoderShape shape : DecoderShape.presets()) {
      long parameters = 0;
      for (WeightTensor tensor : WeightLayout.of(shape)) {
        parameters += tensor.elements();
      }
      assertThat(parameters).as(shape.name()).isEqualTo(shape.storedParameters());
      assertThat(WeightLayout.count(shape)).isEqualTo(WeightLayout.of(shape).size());
    }
  }

  /** The formula of the class comment, in unbounded whole numbers. */
  private static double uniform(long seed, String name, long index) {
    BigInteger hash = new BigInteger("cbf29ce484222325", 16);
    for (byte b : name.getBytes(StandardCharsets.US_ASCII)) {
      hash = hash.xor(BigInteger.valueOf(b)).multiply(new BigInteger("100000001b3", 16)).and(MASK);
    }
    BigInteger key = mix(BigInteger.valueOf(seed).xor(hash));
    BigInteger z =
        mix(
            key.add(new BigInteger("9e3779b97f4a7c15", 16).multiply(BigInteger.valueOf(index + 1)))
                .and(MASK));
    long top = z.shiftRight(40).longValue();
    long signed = top >= 1 << 23 ? top - (1 << 24) : top;
    return signed / (double) (1 << 23);
  }

  private static BigInteger mix(BigInteger value) {
    BigInteger z = value;
    z = z.xor(z.shiftRight(30)).multiply(new BigInteger("bf58476d1ce4e5b9", 16)).and(MASK);
    z = z.xor(z.shiftRight(27)).multiply(new BigInteger("94d049bb133111eb", 16)).and(MASK);
    return z.xor(z.shiftRight(31));
  }
}
