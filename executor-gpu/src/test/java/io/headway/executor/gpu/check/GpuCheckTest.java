package io.headway.executor.gpu.check;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.model.DecoderShape;
import io.headway.executor.Precision;
import io.headway.executor.gpu.GpuExecutorProvider;
import io.headway.executor.gpu.OpenClPresent;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GpuCheckTest {
  private static String run(int status, String... arguments) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    int got = GpuCheck.run(new PrintStream(bytes, true, StandardCharsets.UTF_8), arguments);
    String text = bytes.toString(StandardCharsets.UTF_8);
    assertThat(got).as(text).isEqualTo(status);
    return text;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--fast | unknown argument '--fast'; --help lists what there is",
        "--device | --device needs a value; --help lists what there is",
        "--device tpu | --device must be one of [cuda, opencl], but was 'tpu'",
        "--seed x | --seed must be a whole number, but was 'x'"
      })
  void badArgumentsAreAnsweredInOneLine(String arguments, String message) {
    assertThat(run(2, arguments.split(" ")))
        .isEqualTo("gpu-check: " + message + System.lineSeparator());
  }

  @Test
  void helpSaysHowToUseIt() {
    assertThat(run(0, "--help")).contains("usage: gpu-check", "--quick", "--no-timings");
  }

  @ParameterizedTest
  @CsvSource({"tiny, FLOAT", "tiny-bias, BFLOAT16", "tiny-moe, FLOAT"})
  void requestsHaveTheSameTokensUnderEverySchedule(String shape, Precision precision) {
    OpenClPresent.assume();
    assertThat(
            RequestChecks.run(
                new GpuExecutorProvider.OpenCl(), DecoderShape.named(shape), precision, 5))
        .hasSize(24)
        .allMatch(RequestCheck::passed);
  }
}
