package io.headway.executor.gpu.check;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.executor.gpu.OpenClPresent;
import io.headway.executor.gpu.device.Device;
import io.headway.executor.gpu.device.ElementType;
import io.headway.executor.gpu.device.KernelSettings;
import io.headway.executor.gpu.device.Kernels;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KernelChecksTest {
  @ParameterizedTest
  @CsvSource({
    "F32, 8, 2, 4, 32",
    "BF16, 8, 2, 4, 32",
    "F32, 128, 4, 16, 128",
    "BF16, 16, 1, 3, 64"
  })
  void everyKernelAgreesWithItsFormulaInDouble(
      ElementType element, int headDim, int groupHeads, int blockTokens, int threads) {
    try (Device device = OpenClPresent.open()) {
      List<KernelCheck> checks =
          KernelChecks.run(
              device, new KernelSettings(element, headDim, groupHeads, blockTokens, threads), 11);
      assertThat(checks).allMatch(KernelCheck::passed);
      Set<String> tried = checks.stream().map(KernelCheck::kernel).collect(Collectors.toSet());
      assertThat(tried).containsAll(Kernels.NAMES);
    }
  }

  @Test
  void nanNeverPasses() {
    assertThat(new KernelCheck("k", "", Double.NaN, 1).passed()).isFalse();
    assertThat(new KernelCheck("k", "", 0.5, 1).passed()).isTrue();
    assertThat(new KernelCheck("k", "", 1.5, 1).passed()).isFalse();
  }
}
