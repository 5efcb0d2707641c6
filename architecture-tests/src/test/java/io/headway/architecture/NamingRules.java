package io.headway.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.regex.Pattern;

/** Names say what a thing is. */
final class NamingRules {
  private static final Pattern EMPTY_NAME =
      Pattern.compile(".*(Impl|Manager|Utils?|Helpers?|Misc|Common)|I[A-Z][a-z].*");
  private static final Pattern BEAN_ACCESSOR = Pattern.compile("get[A-Z].*");

  /** No type is named after its being an implementation, an interface or a bag of things. */
  static final ArchRule TYPES =
      classes()
          .should(
              new ArchCondition<JavaClass>("have names of the field") {
                @Override
                public void check(JavaClass origin, ConditionEvents events) {
                  if (EMPTY_NAME.matcher(origin.getSimpleName()).matches()) {
                    events.add(
                        SimpleConditionEvent.violated(origin, origin.getName() + " says nothing"));
                  }
                }
              })
          .allowEmptyShould(true);

  /** Accessors are named like those of records. */
  static final ArchRule ACCESSORS =
      classes()
          .should(
              new ArchCondition<JavaClass>("have record-style accessors") {
                @Override
                public void check(JavaClass origin, ConditionEvents events) {
                  for (JavaMethod method : origin.getMethods()) {
                    if (method.getModifiers().contains(JavaModifier.PUBLIC)
                        && BEAN_ACCESSOR.matcher(method.getName()).matches()) {
                      events.add(
                          SimpleConditionEvent.violated(
                              method, method.getDescription() + " is a bean accessor"));
                    }
                  }
                }
              })
          .allowEmptyShould(true);

  private NamingRules() {}
}
