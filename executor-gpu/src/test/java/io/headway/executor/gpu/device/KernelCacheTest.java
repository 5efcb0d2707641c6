package io.headway.executor.gpu.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KernelCacheTest {
  @TempDir Path folder;
  private final List<String> compiled = new ArrayList<>();

  private byte[] compile(String source, List<String> options) {
    compiled.add(source);
    return (source + options).getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void compilesOncePerSourceOptionsAndCompiler() throws IOException {
    KernelCache cache = new KernelCache(folder.resolve("deep/er"));
    byte[] first = cache.get("a", List.of("-x"), "1", this::compile);
    assertThat(cache.get("a", List.of("-x"), "1", this::compile)).isEqualTo(first);
    assertThat(compiled).hasSize(1);
    cache.get("b", List.of("-x"), "1", this::compile);
    cache.get("a", List.of("-y"), "1", this::compile);
    cache.get("a", List.of("-x"), "2", this::compile);
    assertThat(compiled).hasSize(4);
    try (Stream<Path> files = Files.list(cache.folder())) {
      assertThat(files.map(Path::toString)).hasSize(4).allMatch(name -> name.endsWith(".cubin"));
    }
  }

  @Test
  void partsDoNotRunIntoEachOther() {
    assertThat(KernelCache.key("c", List.of("a", "b"), "v"))
        .isNotEqualTo(KernelCache.key("c", List.of("a\nb"), "v1"));
    assertThat(KernelCache.key("bc", List.of("a"), "v"))
        .isNotEqualTo(KernelCache.key("c", List.of("ab"), "v"));
  }

  @Test
  void anEmptyFileIsCompiledAnew() throws IOException {
    KernelCache cache = new KernelCache(folder);
    Files.createFile(folder.resolve(KernelCache.key("a", List.of(), "1") + ".cubin"));
    assertThat(cache.get("a", List.of(), "1", this::compile)).isNotEmpty();
    assertThat(compiled).hasSize(1);
  }

  @Test
  void aFailedCompilationLeavesNothing() throws IOException {
    KernelCache cache = new KernelCache(folder);
    assertThatThrownBy(
            () ->
                cache.get(
                    "a",
                    List.of(),
                    "1",
                    (source, options) -> {
                      throw new DeviceException("does not compile");
                    }))
        .isInstanceOf(DeviceException.class);
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).isEmpty();
    }
  }
}
