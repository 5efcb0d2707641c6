package io.headway.executor.gpu.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The kernels are CUDA C++ too: compiled to machine code where a compiler is found, without a GPU.
 */
class CudaSourceTest {
  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"sm_80", "sm_90"})
  void compiles(String architecture) throws IOException, InterruptedException {
    KernelSettings settings =
        new KernelSettings(ElementType.BF16, 128, 4, 16, KernelSettings.DEFAULT_THREADS);
    List<String> options = new ArrayList<>(settings.options());
    options.add("-arch=" + architecture);
    options.add("-std=c++17");
    try {
      assertThat(new Nvrtc().compile(Kernels.source(), options)).isNotEmpty();
      return;
    } catch (DeviceUnavailableException e) {
      // Then by nvcc, if that is there.
      compileByNvcc(options, e.getMessage());
    }
  }

  private void compileByNvcc(List<String> options, String noNvrtc)
      throws IOException, InterruptedException {
    Path source =
        Files.writeString(folder.resolve("kernels.cu"), Kernels.source(), StandardCharsets.UTF_8);
    Path cubin = folder.resolve("kernels.cubin");
    List<String> command = new ArrayList<>(List.of("nvcc", "--cubin", "-Werror", "all-warnings"));
    command.addAll(options);
    command.addAll(List.of("-o", cubin.toString(), source.toString()));
    Process process;
    try {
      process = new ProcessBuilder(command).redirectErrorStream(true).start();
    } catch (IOException e) {
      Assumptions.abort("no CUDA compiler: " + noNvrtc + "; no nvcc on PATH");
      return;
    }
    String log = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(log).isZero();
    assertThat(cubin).isNotEmptyFile();
  }

  @Test
  void everyKernelOfTheListIsInTheSourceAndTheOtherWayRound() {
    List<String> inSource = new ArrayList<>();
    var matcher =
        java.util.regex.Pattern.compile("HW_KERNEL (hw_\\w+)\\(").matcher(Kernels.source());
    while (matcher.find()) {
      inSource.add(matcher.group(1));
    }
    assertThat(inSource).containsExactlyInAnyOrderElementsOf(Kernels.NAMES);
  }
}
