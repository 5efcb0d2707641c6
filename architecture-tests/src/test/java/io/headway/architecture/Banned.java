package io.headway.architecture;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import com.tngtech.archunit.lang.syntax.ArchRuleDefinition;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * A rule that bans types and members. A member is banned by the type that declares it and a test of
 * its name; constructors are named {@code <init>}. Method references count like calls.
 */
final class Banned {
  private record Member(Predicate<String> owner, Predicate<JavaAccess<?>> access) {}

  private final String what;
  private final List<Predicate<String>> types = new ArrayList<>();
  private final List<Member> members = new ArrayList<>();

  private Banned(String what) {
    this.what = what;
  }

  static Banned banned(String what) {
    return new Banned(what);
  }

  /** Bans any dependency on these types. */
  Banned types(String... names) {
    for (String name : names) {
      types.add(name::equals);
    }
    return this;
  }

  /**
   * Bans any dependency on the types of a package and the packages below, but for {@code allowed}.
   */
  Banned typesIn(String packageName, String... allowed) {
    List<String> exempt = List.of(allowed);
    types.add(name -> name.startsWith(packageName + ".") && !exempt.contains(name));
    return this;
  }

  /** Bans these methods, fields or constructors of a type. */
  Banned members(String owner, String... names) {
    return membersMatching(owner, List.of(names)::contains);
  }

  /** Bans the members of a type whose names match. */
  Banned membersMatching(String owner, Predicate<String> name) {
    members.add(new Member(owner::equals, access -> name.test(access.getName())));
    return this;
  }

  /** Bans the calls of these methods that pass an argument. */
  Banned membersWithArguments(String owner, String... names) {
    List<String> list = List.of(names);
    members.add(
        new Member(
            owner::equals, access -> list.contains(access.getName()) && !hasNoParameter(access)));
    return this;
  }

  /** Bans the calls of these methods or constructors that pass no argument. */
  Banned membersWithoutArguments(String owner, String... names) {
    List<String> list = List.of(names);
    members.add(
        new Member(
            owner::equals, access -> list.contains(access.getName()) && hasNoParameter(access)));
    return this;
  }

  /** Bans the calls of these methods or constructors that pass no argument of a type. */
  Banned membersWithout(Class<?> argument, String owner, String... names) {
    List<String> list = List.of(names);
    members.add(
        new Member(
            owner::equals,
            access ->
                list.contains(access.getName())
                    && !access.getTarget().getFullName().contains(argument.getName())));
    return this;
  }

  /** Bans these methods of all types in a package and the packages below. */
  Banned membersIn(String packageName, String... names) {
    List<String> list = List.of(names);
    members.add(
        new Member(
            owner -> owner.startsWith(packageName + "."),
            access -> list.contains(access.getName())));
    return this;
  }

  ArchRule rule() {
    return ArchRuleDefinition.classes()
        .should(
            new ArchCondition<JavaClass>("use no " + what) {
              @Override
              public void check(JavaClass origin, ConditionEvents events) {
                for (Dependency dependency : origin.getDirectDependenciesFromSelf()) {
                  String target = dependency.getTargetClass().getBaseComponentType().getName();
                  if (types.stream().anyMatch(type -> type.test(target))) {
                    events.add(SimpleConditionEvent.violated(origin, dependency.getDescription()));
                  }
                }
                for (JavaAccess<?> access : origin.getAccessesFromSelf()) {
                  if (members.stream().anyMatch(member -> matches(member, access))) {
                    events.add(SimpleConditionEvent.violated(origin, access.getDescription()));
                  }
                }
              }
            })
        .allowEmptyShould(true);
  }

  private static boolean hasNoParameter(JavaAccess<?> access) {
    return access.getTarget().getFullName().endsWith("()");
  }

  private static boolean matches(Member member, JavaAccess<?> access) {
    return member.owner().test(access.getTargetOwner().getName()) && member.access().test(access);
  }
}
