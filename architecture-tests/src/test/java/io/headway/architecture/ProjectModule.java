package io.headway.architecture;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.module.ModuleDescriptor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/** The published modules and the arrows between them. */
enum ProjectModule {
  API("api", "api", uses()),
  RUNTIME("runtime", "runtime", uses("org.slf4j"), API),
  ROUTING("policies-routing", "routing", uses("org.apache.commons.math3"), API),
  BATCHING("policies-batching", "batching", uses("org.apache.commons.math3"), API),
  MEMORY("policies-memory", "memory", uses("org.apache.commons.math3"), API),
  PREDICTORS("predictors", "predictors", uses("org.apache.commons.math3"), API),
  SIMULATOR(
      "simulator",
      "simulator",
      uses("org.apache.commons.math3", "com.google.common", "com.fasterxml.jackson"),
      API,
      RUNTIME,
      MEMORY,
      PREDICTORS),
  EXECUTOR(
      "executor", "executor", uses("com.fasterxml.jackson"), API, RUNTIME, ROUTING, PREDICTORS),
  TESTKIT(
      "testkit",
      "testkit",
      uses(
          "com.fasterxml.jackson",
          "com.google.common",
          "net.jqwik.api",
          "org.junit",
          "org.opentest4j"),
      API,
      RUNTIME,
      ROUTING,
      BATCHING,
      MEMORY,
      PREDICTORS,
      SIMULATOR),
  CLI(
      "cli",
      "cli",
      uses("com.fasterxml.jackson", "com.google.common", "picocli", "org.slf4j"),
      API,
      RUNTIME,
      ROUTING,
      BATCHING,
      MEMORY,
      PREDICTORS,
      SIMULATOR,
      EXECUTOR,
      TESTKIT);

  /** What an engine puts on its class path or module path. */
  static final Set<ProjectModule> ENGINE_FACING =
      EnumSet.of(API, RUNTIME, ROUTING, BATCHING, MEMORY, PREDICTORS);

  /** What decides; nothing of it may depend on anything but its arguments. */
  static final Set<ProjectModule> POLICIES = EnumSet.of(API, ROUTING, BATCHING, MEMORY, PREDICTORS);

  /** What must give the same result on every run. */
  static final Set<ProjectModule> DETERMINISTIC =
      EnumSet.of(API, RUNTIME, ROUTING, BATCHING, MEMORY, PREDICTORS, SIMULATOR);

  private final String directory;
  private final String name;
  private final Set<String> libraries;
  private final Set<ProjectModule> reads;
  private JavaClasses classes;

  ProjectModule(String directory, String name, Set<String> libraries, ProjectModule... reads) {
    this.directory = directory;
    this.name = name;
    this.libraries = libraries;
    this.reads = Set.of(reads);
  }

  /** The checkout that is being tested. */
  static Path root() {
    return Path.of(System.getProperty("basedir", ".")).toAbsolutePath().normalize().getParent();
  }

  Path directory() {
    return root().resolve(directory);
  }

  Path target() {
    return directory().resolve("target");
  }

  Path classesDirectory() {
    return target().resolve("classes");
  }

  String artifactId() {
    return "headway-" + directory;
  }

  String moduleName() {
    return "io.headway." + name;
  }

  /** The package all packages of the module lie in; the same as the module's name. */
  String rootPackage() {
    return moduleName();
  }

  Set<String> libraries() {
    return libraries;
  }

  Set<ProjectModule> reads() {
    return reads;
  }

  /** The compiled main classes, imported once. */
  JavaClasses classes() {
    if (classes == null) {
      classes = new ClassFileImporter().importPath(classesDirectory());
    }
    return classes;
  }

  ModuleDescriptor descriptor() {
    try (InputStream in = Files.newInputStream(classesDirectory().resolve("module-info.class"))) {
      return ModuleDescriptor.read(in, this::packagesWithClasses);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The packages that hold class files, in order of their names. */
  Set<String> packagesWithClasses() {
    Path base = classesDirectory();
    try (Stream<Path> files = Files.walk(base)) {
      Set<String> packages = new TreeSet<>();
      files
          .filter(file -> file.toString().endsWith(".class"))
          .map(file -> base.relativize(file).getParent())
          .filter(parent -> parent != null)
          .forEach(parent -> packages.add(parent.toString().replace('/', '.')));
      return packages;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public String toString() {
    return directory;
  }

  private static Set<String> uses(String... packages) {
    return new TreeSet<>(Arrays.asList(packages));
  }
}
