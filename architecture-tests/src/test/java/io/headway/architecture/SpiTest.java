package io.headway.architecture;

import static io.headway.architecture.Fixtures.assertBreaks;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import io.headway.architecture.fixture.EverybodyImplements;
import io.headway.architecture.fixture.HasHeavySignatures;
import io.headway.architecture.fixture.NobodyImplements;
import io.headway.architecture.fixture.ThrowsCheckedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

class SpiTest {
  static final Set<ProjectModule> engineFacing = ProjectModule.ENGINE_FACING;

  /**
   * The types whose methods are called once per request and iteration or more often. A type that
   * joins a loop joins this list.
   */
  private static final List<String> HOT_TYPES =
      List.of(
          "io.headway.api.RandomSource",
          "io.headway.api.batching.AdmissionTest",
          "io.headway.api.batching.BatchComposer",
          "io.headway.api.batching.BatchContext",
          "io.headway.api.batching.BatchDraft",
          "io.headway.api.batching.BatchView",
          "io.headway.api.batching.BatchingPolicy",
          "io.headway.api.batching.FairnessLedger",
          "io.headway.api.batching.QueueOrder",
          "io.headway.api.batching.RankChanges",
          "io.headway.api.batching.SequenceEvents",
          "io.headway.api.batching.VictimSelector",
          "io.headway.api.memory.BlockKeyChain",
          "io.headway.api.memory.EvictionPolicy",
          "io.headway.api.memory.EvictionView",
          "io.headway.api.memory.KvBlockPool",
          "io.headway.api.memory.KvDemand",
          "io.headway.api.memory.KvEventSink",
          "io.headway.api.memory.KvFootprint",
          "io.headway.api.memory.KvFormat",
          "io.headway.api.memory.KvMoveSink",
          "io.headway.api.memory.KvProbe",
          "io.headway.api.memory.KvQueueView",
          "io.headway.api.moe.ExpertAssignments",
          "io.headway.api.moe.ExpertRouter",
          "io.headway.api.moe.RouterInput",
          "io.headway.api.prediction.IterationShape",
          "io.headway.api.prediction.IterationTimeModel",
          "io.headway.api.prediction.LengthPredictor",
          "io.headway.api.prediction.ServiceTimePredictor",
          "io.headway.api.routing.ClusterView",
          "io.headway.api.routing.InstanceFilter",
          "io.headway.api.routing.InstancePicker",
          "io.headway.api.routing.InstanceScorer",
          "io.headway.api.routing.RouteDraft",
          "io.headway.api.speculation.SpeculationPlan",
          "io.headway.api.speculation.SpeculationPolicy",
          "io.headway.api.speculation.SpeculationView",
          "io.headway.runtime.BatchPlan",
          "io.headway.runtime.StepResult");

  @Test
  void hotSignaturesArePrimitive() {
    JavaClasses classes = importClasses(HOT_TYPES);
    assertThat(classes).hasSameSizeAs(HOT_TYPES);
    SpiRules.HOT_SIGNATURES.check(classes);
  }

  @ParameterizedTest
  @FieldSource("engineFacing")
  void noCheckedExceptions(ProjectModule module) {
    SpiRules.NO_CHECKED_EXCEPTIONS.check(module.classes());
  }

  @Test
  void everyInterfaceSaysWhoImplementsIt() {
    SpiRules.WHO_IMPLEMENTS.check(ProjectModule.API.classes());
    SpiRules.WHO_IMPLEMENTS.check(ProjectModule.RUNTIME.classes());
  }

  @Test
  void heavySignaturesAreFound() {
    assertBreaks(
        SpiRules.HOT_SIGNATURES,
        HasHeavySignatures.class,
        "boxed(int)> mentions java.lang.Integer",
        "optional(java.util.OptionalInt)> mentions java.util.OptionalInt",
        "collection(java.util.List)> mentions java.util.List",
        "stream()> mentions java.util.stream.IntStream",
        "varargs([I)> has varargs");
  }

  @Test
  void aCheckedExceptionIsFound() {
    assertBreaks(
        SpiRules.NO_CHECKED_EXCEPTIONS,
        ThrowsCheckedException.class,
        "read()> throws java.io.IOException");
  }

  @Test
  void anInterfaceForNobodyOrEverybodyIsFound() {
    assertBreaks(SpiRules.WHO_IMPLEMENTS, NobodyImplements.class, "carries neither annotation");
    assertBreaks(SpiRules.WHO_IMPLEMENTS, EverybodyImplements.class, "carries both annotations");
  }

  private static JavaClasses importClasses(List<String> names) {
    Set<ProjectModule> modules = ProjectModule.ENGINE_FACING;
    List<Path> files = new ArrayList<>();
    for (String name : names) {
      String file = name.replace('.', '/') + ".class";
      modules.stream()
          .map(module -> module.classesDirectory().resolve(file))
          .filter(Files::exists)
          .forEach(files::add);
    }
    return new ClassFileImporter().importPaths(files);
  }
}
