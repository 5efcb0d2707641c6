package io.headway.architecture;

import static io.headway.architecture.Fixtures.assertBreaks;

import io.headway.architecture.fixture.EntersMonitor;
import io.headway.architecture.fixture.HasFinaliser;
import io.headway.architecture.fixture.HoldsStaticState;
import io.headway.architecture.fixture.ReadsEnvironment;
import io.headway.architecture.fixture.UsesReflection;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

class StateTest {
  static final Set<ProjectModule> engineFacing = ProjectModule.ENGINE_FACING;

  @ParameterizedTest
  @FieldSource("engineFacing")
  void noStaticState(ProjectModule module) {
    StateRules.NO_STATIC_STATE.check(module.classes());
  }

  @ParameterizedTest
  @FieldSource("engineFacing")
  void noEnvironment(ProjectModule module) {
    StateRules.NO_ENVIRONMENT.check(module.classes());
  }

  @ParameterizedTest
  @FieldSource("engineFacing")
  void noMagic(ProjectModule module) {
    StateRules.NO_MAGIC.check(module.classes());
  }

  @ParameterizedTest
  @FieldSource("engineFacing")
  void noMonitor(ProjectModule module) {
    StateRules.NO_MONITOR.check(module.classes());
  }

  @ParameterizedTest
  @FieldSource("engineFacing")
  void noFinaliser(ProjectModule module) {
    StateRules.NO_FINALISER.check(module.classes());
  }

  @Test
  void staticStateIsFound() {
    assertBreaks(
        StateRules.NO_STATIC_STATE,
        HoldsStaticState.class,
        "HoldsStaticState.OPEN> has the mutable type [I",
        "HoldsStaticState.COUNTER> has the mutable type java.util.concurrent.atomic.AtomicInteger",
        "HoldsStaticState.counter> is not final",
        "HoldsStaticState.BOX> has the mutable type " + HoldsStaticState.class.getName() + "$Box");
  }

  @Test
  void theEnvironmentIsFound() {
    assertBreaks(
        StateRules.NO_ENVIRONMENT,
        ReadsEnvironment.class,
        "java.lang.System.getProperty(",
        "java.lang.System.getenv(",
        "java.lang.Integer.getInteger(");
  }

  @Test
  void magicIsFound() {
    assertBreaks(
        StateRules.NO_MAGIC,
        UsesReflection.class,
        "java.lang.Class.forName(",
        "java.lang.invoke.MethodHandles");
  }

  @Test
  void monitorsAreFound() {
    assertBreaks(
        StateRules.NO_MONITOR,
        EntersMonitor.class,
        "declares synchronized count",
        "enters a monitor in enter",
        "uses a ThreadLocal");
  }

  @Test
  void finalisersAreFound() {
    assertBreaks(
        StateRules.NO_FINALISER,
        HasFinaliser.class,
        "HasFinaliser.finalize()",
        "java.lang.ref.Cleaner");
  }
}
