package io.headway.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** R21 and R24: what the jars contain. */
class ArtifactsIT {
  @ParameterizedTest
  @EnumSource
  void theJarHasADescriptorAndTheLicence(ProjectModule module) throws IOException {
    try (JarFile jar = new JarFile(jarOf(module).toFile())) {
      assertThat(jar.getEntry("module-info.class")).isNotNull();
      assertThat(jar.getEntry("META-INF/LICENSE")).isNotNull();
      Set<String> packages = new TreeSet<>();
      jar.stream()
          .map(ZipEntry::getName)
          .filter(name -> name.endsWith(".class") && name.contains("/"))
          .forEach(
              name -> packages.add(name.substring(0, name.lastIndexOf('/')).replace('/', '.')));
      assertThat(packages).isEqualTo(module.packagesWithClasses());
    }
  }

  @ParameterizedTest
  @EnumSource
  void theEntriesOfTheJarHaveOneTime(ProjectModule module) throws IOException {
    // One fixed time for all entries: the archive depends on the sources alone.
    try (JarFile jar = new JarFile(jarOf(module).toFile())) {
      assertThat(jar.stream().map(ZipEntry::getTimeLocal).collect(Collectors.toSet())).hasSize(1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void sourcesLieBesideIt(ProjectModule module) throws IOException {
    String prefix = module.artifactId() + "-";
    assertThat(jarsIn(module.target(), prefix)).anyMatch(name -> name.endsWith("-sources.jar"));
  }

  /** The module's jar; the command's lies in its distribution. */
  static Path jarOf(ProjectModule module) throws IOException {
    Path directory =
        module == ProjectModule.CLI ? module.target().resolve("dist") : module.target();
    List<String> jars =
        jarsIn(directory, module.artifactId() + "-").stream()
            .filter(name -> !name.endsWith("-sources.jar") && !name.endsWith("-javadoc.jar"))
            .toList();
    assertThat(jars).as("jars in %s", directory).hasSize(1);
    return directory.resolve(jars.get(0));
  }

  private static List<String> jarsIn(Path directory, String prefix) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.startsWith(prefix) && name.endsWith(".jar"))
          .sorted()
          .toList();
    }
  }
}
