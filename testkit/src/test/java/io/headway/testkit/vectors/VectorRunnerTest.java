package io.headway.testkit.vectors;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class VectorRunnerTest {
  private static VectorOutcome run(ObjectNode expect, Supplier<JsonNode> result) {
    VectorAdapter adapter =
        new VectorAdapter() {
          @Override
          public String suite() {
            return "predictors";
          }

          @Override
          public boolean supports(ConformanceVector vector) {
            return vector.algorithm().equals("known");
          }

          @Override
          public JsonNode run(ConformanceVector vector) {
            return result.get();
          }
        };
    return new VectorRunner(List.of(adapter)).run(vector("predictors", "known", expect));
  }

  private static ConformanceVector vector(String suite, String algorithm, JsonNode expect) {
    JsonNode none = JsonNodeFactory.instance.objectNode();
    return new ConformanceVector(
        suite, algorithm + "/x", "k", algorithm, "s#1", none, none, expect, 0, 0, null);
  }

  private static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  @Test
  void passesAndFails() {
    assertThat(run(object().put("x", 1), () -> object().put("x", 1)).status())
        .isEqualTo(VectorOutcome.Status.PASSED);
    VectorOutcome failed = run(object().put("x", 1), () -> object().put("x", 2));
    assertThat(failed.status()).isEqualTo(VectorOutcome.Status.FAILED);
    assertThat(failed.difference()).isEqualTo("$.x: expected 1, but was 2");
  }

  @Test
  void anIllegalArgumentIsARefusal() {
    Supplier<JsonNode> refusing =
        () -> {
          throw new IllegalArgumentException("x must be at least 1, but was 0");
        };
    assertThat(run(object().put("error", "invalid-argument"), refusing).status())
        .isEqualTo(VectorOutcome.Status.PASSED);
    assertThat(run(object().put("x", 1), refusing).difference())
        .startsWith("$.error: expected no error, but was \"invalid-argument\" (x must be");
  }

  @Test
  void anUnreadableFieldIsNoRefusal() {
    VectorOutcome outcome =
        run(
            object().put("error", "invalid-argument"),
            () -> object().put("x", JsonFields.intOf(object(), "y")));
    assertThat(outcome.status()).isEqualTo(VectorOutcome.Status.FAILED);
    assertThat(outcome.difference()).startsWith("the vector cannot be read: field y is missing");
  }

  @Test
  void anyOtherExceptionIsAFailure() {
    VectorOutcome outcome =
        run(
            object(),
            () -> {
              throw new IllegalStateException("broken");
            });
    assertThat(outcome.difference())
        .startsWith("unexpected java.lang.IllegalStateException: broken at ");
  }

  @Test
  void anotherSuiteOrAlgorithmIsUnsupported() {
    VectorRunner none = new VectorRunner(List.of());
    assertThat(none.run(vector("predictors", "known", object())).status())
        .isEqualTo(VectorOutcome.Status.UNSUPPORTED);
  }
}
