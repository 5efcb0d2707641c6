package io.headway.architecture;

import static io.headway.architecture.Fixtures.assertBreaks;

import io.headway.architecture.fixture.ThingManager;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class NamingTest {
  @ParameterizedTest
  @EnumSource
  void typesHaveNamesOfTheField(ProjectModule module) {
    NamingRules.TYPES.check(module.classes());
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "CLI") // picocli calls bean accessors
  void accessorsAreRecordStyle(ProjectModule module) {
    NamingRules.ACCESSORS.check(module.classes());
  }

  @Test
  void anEmptyNameIsFound() {
    assertBreaks(NamingRules.TYPES, ThingManager.class, "ThingManager says nothing");
  }

  @Test
  void aBeanAccessorIsFound() {
    assertBreaks(NamingRules.ACCESSORS, ThingManager.class, "getThing()> is a bean accessor");
  }
}
