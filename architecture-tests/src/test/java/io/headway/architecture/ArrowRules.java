package io.headway.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.Set;
import java.util.TreeSet;

/** Who may read whom. */
final class ArrowRules {
  private static final Set<String> JAVA_BASE =
      ModuleLayer.boot().findModule("java.base").orElseThrow().getPackages();

  private ArrowRules() {}

  /** The classes of {@code module} stand in its packages and read only what its arrows allow. */
  static ArchRule arrowsOf(ProjectModule module) {
    Set<String> allowed = new TreeSet<>(module.libraries());
    allowed.add("org.jspecify.annotations");
    allowed.add(module.rootPackage());
    module.reads().forEach(read -> allowed.add(read.rootPackage()));
    boolean javaBaseOnly = ProjectModule.ENGINE_FACING.contains(module);
    return classes()
        .should(
            new ArchCondition<JavaClass>(
                "read only " + (javaBaseOnly ? "java.base" : "java.*") + " and " + allowed) {
              @Override
              public void check(JavaClass origin, ConditionEvents events) {
                for (Dependency dependency : origin.getDirectDependenciesFromSelf()) {
                  JavaClass target = dependency.getTargetClass().getBaseComponentType();
                  if (!target.isPrimitive() && !readable(target.getPackageName())) {
                    events.add(SimpleConditionEvent.violated(origin, dependency.getDescription()));
                  }
                }
              }

              private boolean readable(String packageName) {
                if (packageName.startsWith("java.")) {
                  return !javaBaseOnly || JAVA_BASE.contains(packageName);
                }
                return allowed.stream().anyMatch(prefix -> isIn(packageName, prefix));
              }
            })
        .allowEmptyShould(true);
  }

  /** The classes stand in packages of {@code module}. */
  static ArchRule packagesOf(ProjectModule module) {
    return classes().should().resideInAPackage(module.rootPackage() + "..").allowEmptyShould(true);
  }

  /** Types of {@code library} are read only by classes in {@code packageName}. */
  static ArchRule onlyReadBy(String library, String packageName) {
    return classes()
        .should(
            new ArchCondition<JavaClass>("read " + library + " only in " + packageName) {
              @Override
              public void check(JavaClass origin, ConditionEvents events) {
                if (isIn(origin.getPackageName(), packageName)) {
                  return;
                }
                for (Dependency dependency : origin.getDirectDependenciesFromSelf()) {
                  if (isIn(dependency.getTargetClass().getPackageName(), library)) {
                    events.add(SimpleConditionEvent.violated(origin, dependency.getDescription()));
                  }
                }
              }
            })
        .allowEmptyShould(true);
  }

  private static boolean isIn(String packageName, String prefix) {
    return packageName.equals(prefix) || packageName.startsWith(prefix + ".");
  }
}
