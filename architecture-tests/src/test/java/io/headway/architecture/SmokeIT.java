package io.headway.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.module.Configuration;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReference;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * R21 and R24: a program outside the project compiles and runs against the packaged artifacts, on
 * the class path and on the module path, with no flag.
 */
class SmokeIT {
  private static final Path SOURCES =
      ProjectModule.root().resolve("architecture-tests/src/test/smoke");

  @TempDir Path classes;

  @Test
  void classPathAndModulePathFindTheSamePoliciesAndPlanAlike() throws Exception {
    String path = join(engineJars());

    compile("-cp", path, "-d", classes.toString(), source("smoke/Engine.java"));
    List<String> onClassPath = run("-cp", path + File.pathSeparator + classes, "smoke.Engine");

    Path modules = Files.createDirectory(classes.resolve("modules"));
    compile(
        "-p",
        path,
        "-d",
        modules.toString(),
        source("module-info.java"),
        source("smoke/Engine.java"));
    List<String> onModulePath =
        run("-p", path + File.pathSeparator + modules, "-m", "smoke/smoke.Engine");

    assertThat(onClassPath).noneMatch(line -> line.startsWith("problem"));
    assertThat(onClassPath).contains("BATCHING sarathi-serve");
    assertThat(onClassPath).filteredOn(line -> line.equals("ended LENGTH")).hasSize(2);
    assertThat(onModulePath).isEqualTo(onClassPath);
  }

  @Test
  void noModuleOfAnEngineIsAutomatic() throws IOException {
    // An automatic module would keep engines from jlink. Predictors are an engine's choice, and
    // read commons-math, which is one.
    Path[] jars = engineJars().stream().map(Path::of).toArray(Path[]::new);
    Set<String> roots =
        ProjectModule.ENGINE_FACING.stream()
            .filter(module -> module != ProjectModule.PREDICTORS)
            .map(ProjectModule::moduleName)
            .collect(Collectors.toSet());
    Configuration resolved =
        ModuleLayer.boot().configuration().resolve(ModuleFinder.of(jars), ModuleFinder.of(), roots);
    Set<String> automatic = new TreeSet<>();
    resolved.modules().stream()
        .map(module -> module.reference())
        .map(ModuleReference::descriptor)
        .filter(descriptor -> descriptor.isAutomatic())
        .forEach(descriptor -> automatic.add(descriptor.name()));
    assertThat(resolved.modules()).hasSizeGreaterThanOrEqualTo(roots.size());
    assertThat(automatic).isEmpty();
  }

  /** The packaged engine-facing artifacts and what they need at run time. */
  private static List<String> engineJars() throws IOException {
    List<String> jars = new ArrayList<>();
    for (ProjectModule module : ProjectModule.ENGINE_FACING) {
      jars.add(ArtifactsIT.jarOf(module).toString());
    }
    Set<String> libraries = new TreeSet<>();
    for (ProjectModule module : ProjectModule.ENGINE_FACING) {
      try (Stream<String> tree = Files.lines(module.target().resolve("dependency-tree.txt"))) {
        tree.map(line -> line.replaceFirst("^[ |+\\\\-]*", "").split(":"))
            .filter(part -> !part[0].equals("io.headway"))
            .forEach(part -> libraries.add(part[1] + "-" + part[3] + ".jar"));
      }
    }
    String classPath = System.getProperty("java.class.path");
    for (String library : libraries) {
      jars.add(
          Arrays.stream(classPath.split(File.pathSeparator))
              .filter(entry -> entry.endsWith(File.separator + library))
              .findFirst()
              .orElseThrow(() -> new AssertionError(library + " is not on " + classPath)));
    }
    return jars;
  }

  private static String source(String name) {
    return SOURCES.resolve(name).toString();
  }

  private static String join(List<String> jars) {
    return String.join(File.pathSeparator, jars);
  }

  private static void compile(String... arguments) {
    List<String> all = new ArrayList<>(List.of("--release", "17", "-Xlint:all", "-Werror"));
    all.addAll(List.of(arguments));
    StringWriter log = new StringWriter();
    int status =
        ToolProvider.findFirst("javac")
            .orElseThrow()
            .run(new PrintWriter(log), new PrintWriter(log), all.toArray(String[]::new));
    assertThat(status).as(log.toString()).isZero();
  }

  private List<String> run(String... arguments) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(arguments));
    // Apart from the output: what the virtual machine itself says differs from start to start.
    Path log = classes.resolve("log.txt");
    Process process = new ProcessBuilder(command).redirectError(log.toFile()).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as("%s%s", output, Files.readString(log)).isZero();
    return output.lines().toList();
  }
}
