package io.headway.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.domain.ThrowsDeclaration;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.BaseStream;

/** What signatures of the SPI may contain. */
final class SpiRules {
  /** R14: no boxed type, optional, stream, collection or varargs in the signatures of hot types. */
  static final ArchRule HOT_SIGNATURES =
      classes()
          .should(
              new ArchCondition<JavaClass>("have primitive signatures") {
                @Override
                public void check(JavaClass origin, ConditionEvents events) {
                  for (JavaMethod method : origin.getMethods()) {
                    if (!isCallable(method) || DESCRIPTIONS.contains(method.getName())) {
                      continue;
                    }
                    if (isVarargs(method)) {
                      events.add(
                          SimpleConditionEvent.violated(
                              method, method.getDescription() + " has varargs"));
                    }
                    List<JavaClass> types = new ArrayList<>(method.getRawParameterTypes());
                    types.add(method.getRawReturnType());
                    for (JavaClass type : types) {
                      if (isHeavy(type.getBaseComponentType())) {
                        events.add(
                            SimpleConditionEvent.violated(
                                method, method.getDescription() + " mentions " + type.getName()));
                      }
                    }
                  }
                }
              });

  /** R26: no checked exception, but for {@code InterruptedException} of the one waiting call. */
  static final ArchRule NO_CHECKED_EXCEPTIONS =
      classes()
          .should(
              new ArchCondition<JavaClass>("declare no checked exception") {
                @Override
                public void check(JavaClass origin, ConditionEvents events) {
                  for (JavaMethod method : origin.getMethods()) {
                    if (!isCallable(method)) {
                      continue;
                    }
                    for (ThrowsDeclaration<?> thrown : method.getThrowsClause()) {
                      JavaClass type = thrown.getRawType();
                      boolean checked =
                          type.isAssignableTo(Exception.class)
                              && !type.isAssignableTo(RuntimeException.class)
                              && !type.isEquivalentTo(InterruptedException.class);
                      if (checked) {
                        events.add(
                            SimpleConditionEvent.violated(
                                method, method.getDescription() + " throws " + type.getName()));
                      }
                    }
                  }
                }
              })
          .allowEmptyShould(true);

  private static final String BY_USERS = "io.headway.api.ImplementedByUsers";
  private static final String BY_RUNTIME = "io.headway.api.ProvidedByRuntime";

  /** R33: every public interface says who implements it. */
  static final ArchRule WHO_IMPLEMENTS =
      classes()
          .should(
              new ArchCondition<JavaClass>(
                  "carry exactly one of @ImplementedByUsers and @ProvidedByRuntime if a public"
                      + " interface") {
                @Override
                public void check(JavaClass origin, ConditionEvents events) {
                  if (!origin.isInterface() || origin.isAnnotation() || !isVisible(origin)) {
                    return;
                  }
                  if (origin.isAnnotatedWith(BY_USERS) == origin.isAnnotatedWith(BY_RUNTIME)) {
                    events.add(
                        SimpleConditionEvent.violated(
                            origin,
                            origin.getName()
                                + (origin.isAnnotatedWith(BY_USERS)
                                    ? " carries both annotations"
                                    : " carries neither annotation")));
                  }
                }
              })
          .allowEmptyShould(true);

  /** Methods that describe a policy and are read when it is bound, not in a loop. */
  private static final Set<String> DESCRIPTIONS = Set.of("claims", "traits");

  private static final Set<String> BOXES =
      Set.of(
          "java.lang.Boolean",
          "java.lang.Byte",
          "java.lang.Character",
          "java.lang.Short",
          "java.lang.Integer",
          "java.lang.Long",
          "java.lang.Float",
          "java.lang.Double",
          "java.lang.Number");

  private SpiRules() {}

  private static boolean isVisible(JavaClass type) {
    return type.getModifiers().contains(JavaModifier.PUBLIC)
        && type.getEnclosingClass().map(SpiRules::isVisible).orElse(true);
  }

  private static boolean isCallable(JavaMethod method) {
    Set<JavaModifier> modifiers = method.getModifiers();
    return (modifiers.contains(JavaModifier.PUBLIC) || modifiers.contains(JavaModifier.PROTECTED))
        && !modifiers.contains(JavaModifier.SYNTHETIC)
        && !modifiers.contains(JavaModifier.BRIDGE)
        // Comparison with the values of an enum, equality and the like are not calls of a loop.
        && !(method.getOwner().isEnum() && modifiers.contains(JavaModifier.STATIC));
  }

  private static boolean isVarargs(JavaMethod method) {
    return method.reflect().isVarArgs();
  }

  private static boolean isHeavy(JavaClass type) {
    return BOXES.contains(type.getName())
        || type.isAssignableTo(Optional.class)
        || type.isAssignableTo(OptionalInt.class)
        || type.isAssignableTo(OptionalLong.class)
        || type.isAssignableTo(OptionalDouble.class)
        || type.isAssignableTo(BaseStream.class)
        || type.isAssignableTo(Collection.class)
        || type.isAssignableTo(Map.class);
  }
}
