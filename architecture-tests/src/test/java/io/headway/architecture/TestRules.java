package io.headway.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;

import com.tngtech.archunit.core.domain.JavaAnnotation;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;

/** Tests give the same answer on every run and are all run. */
final class TestRules {
  /** No sleeping and no clock; randomness only with a seed. */
  static final ArchRule REPEATABLE =
      Banned.banned("sleep, clock or unseeded randomness")
          .members("java.lang.Thread", "sleep")
          .membersMatching("java.util.concurrent.TimeUnit", "sleep"::equals)
          .members("java.lang.System", "currentTimeMillis", "nanoTime")
          .members("java.time.Instant", "now")
          .members("java.lang.Math", "random")
          .members("java.util.UUID", "randomUUID")
          .membersWithoutArguments("java.util.Random", "<init>")
          .membersWithoutArguments("java.util.SplittableRandom", "<init>")
          .types("java.util.concurrent.ThreadLocalRandom", "java.security.SecureRandom")
          .rule();

  /** No test is switched off. */
  static final ArchRule NONE_DISABLED =
      Banned.banned("switched-off test")
          .types("org.junit.jupiter.api.Disabled", "net.jqwik.api.Disabled")
          .rule();

  /** Every property fixes its seed. */
  static final ArchRule SEEDED =
      classes()
          .should(
              new ArchCondition<JavaClass>("fix the seed of every property") {
                @Override
                public void check(JavaClass origin, ConditionEvents events) {
                  for (JavaMethod method : origin.getMethods()) {
                    method
                        .tryGetAnnotationOfType("net.jqwik.api.Property")
                        .filter(property -> isUnseeded(property))
                        .ifPresent(
                            property ->
                                events.add(
                                    SimpleConditionEvent.violated(
                                        method, method.getDescription() + " has no seed")));
                  }
                }
              })
          .allowEmptyShould(true);

  private TestRules() {}

  private static boolean isUnseeded(JavaAnnotation<?> property) {
    return property.get("seed").map(seed -> seed.toString().isEmpty()).orElse(true);
  }
}
