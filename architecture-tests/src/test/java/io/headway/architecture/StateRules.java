package io.headway.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.util.HashSet;
import java.util.Set;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;

/** No hidden state, no monitor, no magic. */
final class StateRules {
  /** R18: no system property, no environment. */
  static final ArchRule NO_ENVIRONMENT =
      Banned.banned("system property or environment variable")
          .membersMatching(
              "java.lang.System",
              Set.of(
                      "getProperty",
                      "getProperties",
                      "setProperty",
                      "setProperties",
                      "clearProperty",
                      "getenv",
                      "lineSeparator")
                  ::contains)
          .members("java.lang.Integer", "getInteger")
          .members("java.lang.Long", "getLong")
          .members("java.lang.Boolean", "getBoolean")
          .rule();

  /** R17: no reflection, method handle, Unsafe, serialisation or proxy. */
  static final ArchRule NO_MAGIC =
      Banned.banned("reflection, method handle, Unsafe, serialisation or proxy")
          .typesIn("java.lang.reflect")
          .types("java.lang.invoke.MethodHandle", "java.lang.invoke.MethodHandles")
          .types("java.lang.invoke.VarHandle", "java.lang.ClassLoader$Definer")
          .types(
              "java.io.ObjectInputStream", "java.io.ObjectOutputStream", "java.io.Externalizable")
          .typesIn("sun.misc")
          .typesIn("jdk.internal")
          .typesIn("java.lang.instrument")
          .membersMatching(
              "java.lang.Class",
              name ->
                  name.equals("forName")
                      || name.equals("newInstance")
                      || name.startsWith("getDeclared")
                      || name.startsWith("getMethod")
                      || name.startsWith("getField")
                      || name.startsWith("getConstructor")
                      || name.startsWith("getResource"))
          .members("java.lang.ClassLoader", "loadClass", "getResource", "getResourceAsStream")
          .rule();

  /** R2: no monitor and no thread-local, so that virtual threads stay unpinned. */
  static final ArchRule NO_MONITOR =
      classes()
          .should(
              new ArchCondition<JavaClass>("use no synchronized, monitor wait or ThreadLocal") {
                @Override
                public void check(JavaClass origin, ConditionEvents events) {
                  for (String use : monitorUses(origin)) {
                    events.add(SimpleConditionEvent.violated(origin, origin.getName() + " " + use));
                  }
                }
              })
          .allowEmptyShould(true);

  /** R20: no finaliser, no Cleaner. */
  static final ArchRule NO_FINALISER =
      classes()
          .should(
              new ArchCondition<JavaClass>("have no finaliser and no Cleaner") {
                @Override
                public void check(JavaClass origin, ConditionEvents events) {
                  for (JavaMethod method : origin.getMethods()) {
                    if (method.getName().equals("finalize")
                        && method.getRawParameterTypes().isEmpty()) {
                      events.add(SimpleConditionEvent.violated(method, method.getDescription()));
                    }
                  }
                  origin.getDirectDependenciesFromSelf().stream()
                      .filter(d -> d.getTargetClass().getName().equals("java.lang.ref.Cleaner"))
                      .forEach(
                          d -> events.add(SimpleConditionEvent.violated(d, d.getDescription())));
                }
              })
          .allowEmptyShould(true);

  /**
   * R18: static fields are final and of a type whose instances do not change. A private array is
   * taken for a table of constants; a {@code List}, {@code Set} or {@code Map} for an unmodifiable
   * one, since its declared type cannot tell.
   */
  static final ArchRule NO_STATIC_STATE =
      classes()
          .should(
              new ArchCondition<JavaClass>("have only final static fields of immutable types") {
                @Override
                public void check(JavaClass origin, ConditionEvents events) {
                  for (JavaField field : origin.getFields()) {
                    if (!field.getModifiers().contains(JavaModifier.STATIC)
                        || field.getModifiers().contains(JavaModifier.SYNTHETIC)) {
                      continue;
                    }
                    if (!field.getModifiers().contains(JavaModifier.FINAL)) {
                      events.add(
                          SimpleConditionEvent.violated(
                              field, field.getDescription() + " is not final"));
                    } else if (!isConstant(field)) {
                      events.add(
                          SimpleConditionEvent.violated(
                              field,
                              field.getDescription()
                                  + " has the mutable type "
                                  + field.getRawType().getName()));
                    }
                  }
                }
              })
          .allowEmptyShould(true);

  private static final Set<String> IMMUTABLE =
      Set.of(
          "java.lang.Object",
          "java.lang.String",
          "java.lang.Class",
          "java.lang.Integer",
          "java.lang.Long",
          "java.lang.Double",
          "java.math.BigDecimal",
          "java.math.BigInteger",
          "java.nio.charset.Charset",
          "java.time.Duration",
          "java.time.format.DateTimeFormatter",
          "java.util.Locale",
          "java.util.HexFormat",
          "java.util.regex.Pattern",
          // Made without a generator; drawing from it is banned.
          "org.apache.commons.math3.distribution.NormalDistribution",
          "java.util.List",
          "java.util.Map",
          "java.util.Set");

  private StateRules() {}

  private static boolean isConstant(JavaField field) {
    JavaClass type = field.getRawType();
    if (type.isArray()) {
      return field.getModifiers().contains(JavaModifier.PRIVATE);
    }
    return isImmutable(type, new HashSet<>());
  }

  private static boolean isImmutable(JavaClass type, Set<String> seen) {
    if (type.isPrimitive() || type.isEnum() || IMMUTABLE.contains(type.getName())) {
      return true;
    }
    if (!seen.add(type.getName())) {
      return true;
    }
    if (type.isInterface()) {
      // A function, or a policy of the SPI: those are immutable descriptions by contract.
      return !type.getName().startsWith("java.util.concurrent")
          && !type.isAssignableTo(java.util.Collection.class)
          && !type.isAssignableTo(java.util.Map.class);
    }
    if (!type.getName().startsWith("io.headway.")) {
      return false;
    }
    for (JavaField field : type.getAllFields()) {
      if (field.getModifiers().contains(JavaModifier.STATIC)) {
        continue;
      }
      boolean privateArray =
          field.getRawType().isArray() && field.getModifiers().contains(JavaModifier.PRIVATE);
      if (!field.getModifiers().contains(JavaModifier.FINAL)
          || !(privateArray || isImmutable(field.getRawType(), seen))) {
        return false;
      }
    }
    return true;
  }

  private static Set<String> monitorUses(JavaClass origin) {
    Set<String> uses = new HashSet<>();
    for (JavaMethod method : origin.getMethods()) {
      if (method.getModifiers().contains(JavaModifier.SYNCHRONIZED)) {
        uses.add("declares synchronized " + method.getName());
      }
    }
    origin.getDirectDependenciesFromSelf().stream()
        .filter(d -> d.getTargetClass().isAssignableTo(ThreadLocal.class))
        .forEach(d -> uses.add("uses a ThreadLocal: " + d.getDescription()));
    URI location = origin.getSource().orElseThrow().getUri();
    try (InputStream in = location.toURL().openStream()) {
      new ClassReader(in).accept(new MonitorVisitor(uses), ClassReader.SKIP_DEBUG);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return uses;
  }

  private static final class MonitorVisitor extends ClassVisitor {
    private final Set<String> uses;

    MonitorVisitor(Set<String> uses) {
      super(Opcodes.ASM9);
      this.uses = uses;
    }

    @Override
    public MethodVisitor visitMethod(
        int access, String name, String descriptor, String signature, String[] exceptions) {
      return new MethodVisitor(Opcodes.ASM9) {
        @Override
        public void visitInsn(int opcode) {
          if (opcode == Opcodes.MONITORENTER) {
            uses.add("enters a monitor in " + name);
          }
        }

        @Override
        public void visitMethodInsn(
            int opcode, String owner, String called, String type, boolean ofInterface) {
          boolean monitorMethod =
              called.equals("wait") || called.equals("notify") || called.equals("notifyAll");
          if (monitorMethod && owner.equals("java/lang/Object")) {
            uses.add("calls Object." + called + " in " + name);
          }
        }
      };
    }
  }
}
