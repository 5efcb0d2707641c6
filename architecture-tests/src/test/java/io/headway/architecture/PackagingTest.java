package io.headway.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import io.headway.architecture.fixture.NobodyImplements;
import java.io.DataInputStream;
import java.io.IOException;
import java.lang.module.ModuleDescriptor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PackagingTest {
  private static final int JAVA_17_CLASS_FILE = 61;

  @ParameterizedTest
  @EnumSource
  void everyPackageIsNullMarked(ProjectModule module) {
    assertThat(packagesNotNullMarked(module.classes(), module.packagesWithClasses())).isEmpty();
  }

  @Test
  void aPackageThatIsNotNullMarkedIsFound() {
    String fixture = NobodyImplements.class.getPackageName();
    JavaClasses classes = new ClassFileImporter().importPackages(fixture);
    assertThat(packagesNotNullMarked(classes, Set.of(fixture))).containsExactly(fixture);
  }

  @ParameterizedTest
  @EnumSource
  void classFilesAreOfJava17(ProjectModule module) throws IOException {
    for (Path file : filesUnder(module.classesDirectory(), ".class")) {
      assertThat(classFileVersion(file)).as(file.toString()).isEqualTo(JAVA_17_CLASS_FILE);
    }
  }

  @ParameterizedTest
  @EnumSource
  void theModuleDescriptorFollowsTheArrows(ProjectModule module) {
    ModuleDescriptor descriptor = module.descriptor();
    assertThat(descriptor.name()).isEqualTo(module.moduleName());
    assertThat(descriptor.isOpen()).isFalse();
    Set<String> readModules = new TreeSet<>();
    descriptor.requires().stream()
        .map(ModuleDescriptor.Requires::name)
        .filter(name -> name.startsWith("io.headway."))
        .forEach(readModules::add);
    Set<String> arrows = new TreeSet<>();
    module.reads().forEach(read -> arrows.add(read.moduleName()));
    assertThat(arrows).containsAll(readModules);
    assertThat(descriptor.requires())
        .filteredOn(requires -> requires.name().equals("org.jspecify"))
        .allMatch(
            requires -> requires.modifiers().contains(ModuleDescriptor.Requires.Modifier.STATIC));
  }

  @ParameterizedTest
  @EnumSource
  void onlyTheCommandLineOpensAPackage(ProjectModule module) {
    if (module == ProjectModule.CLI) {
      assertThat(module.descriptor().opens())
          .allMatch(opens -> opens.targets().equals(Set.of("info.picocli")));
    } else {
      assertThat(module.descriptor().opens()).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource
  void packagesWithPublicTypesAreExported(ProjectModule module) {
    Set<String> exported = new TreeSet<>();
    module.descriptor().exports().forEach(exports -> exported.add(exports.source()));
    Set<String> intended = new TreeSet<>();
    if (module != ProjectModule.CLI) {
      module.classes().stream()
          .filter(type -> type.getModifiers().contains(JavaModifier.PUBLIC))
          .map(JavaClass::getPackageName)
          .filter(name -> !name.endsWith(".internal"))
          .forEach(intended::add);
    }
    assertThat(exported).isEqualTo(intended);
  }

  @Test
  void noPackageIsSplitBetweenModules() {
    Map<String, ProjectModule> owners = new TreeMap<>();
    for (ProjectModule module : ProjectModule.values()) {
      for (String name : module.packagesWithClasses()) {
        assertThat(owners.put(name, module)).as(name).isNull();
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void servicesOnTheClassPathAndModulePathAreTheSame(ProjectModule module) throws IOException {
    assertThat(servicesOfModulePath(module)).isEqualTo(servicesOfClassPath(module));
  }

  private static Map<String, List<String>> servicesOfModulePath(ProjectModule module) {
    Map<String, List<String>> services = new TreeMap<>();
    module.descriptor().provides().forEach(p -> services.put(p.service(), p.providers()));
    return services;
  }

  private static Map<String, List<String>> servicesOfClassPath(ProjectModule module)
      throws IOException {
    Map<String, List<String>> services = new TreeMap<>();
    Path directory = module.classesDirectory().resolve("META-INF/services");
    if (Files.isDirectory(directory)) {
      for (Path file : filesUnder(directory, "")) {
        List<String> providers =
            Files.readAllLines(file).stream()
                .map(line -> line.replaceFirst("#.*", "").trim())
                .filter(line -> !line.isEmpty())
                .toList();
        services.put(file.getFileName().toString(), providers);
      }
    }
    return services;
  }

  private static List<String> packagesNotNullMarked(JavaClasses classes, Set<String> packages) {
    return packages.stream().filter(name -> !isNullMarked(classes, name)).toList();
  }

  private static boolean isNullMarked(JavaClasses classes, String packageName) {
    String packageInfo = packageName + ".package-info";
    return classes.contain(packageInfo)
        && classes.get(packageInfo).isAnnotatedWith(NullMarked.class);
  }

  private static int classFileVersion(Path file) throws IOException {
    try (DataInputStream in = new DataInputStream(Files.newInputStream(file))) {
      in.readInt();
      in.readUnsignedShort();
      return in.readUnsignedShort();
    }
  }

  private static List<Path> filesUnder(Path directory, String suffix) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      return files
          .filter(Files::isRegularFile)
          .filter(file -> file.toString().endsWith(suffix))
          .sorted()
          .toList();
    }
  }
}
