package io.headway.examples.toyengine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.moe.ExpertAssignments;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The layer of the example routes from heap and off-heap memory alike. */
class MoeLayerTest {
  private static final float[] LOGITS = {2, 0, 1, 0, 3, 1};

  @Test
  void expertsGetTheirTokensWithTheirGates() {
    ExpertAssignments pairs = MoeLayer.of("top-k:topK=2").route(LOGITS, 0, 3, 2, 3);
    List<String> calls = new ArrayList<>();
    double[] gates = new double[2];
    MoeLayer.dispatch(
        pairs,
        (expert, token, slot, gate) -> {
          calls.add("expert " + expert + " token " + token);
          gates[token] += gate;
        });
    assertThat(calls)
        .containsExactly(
            "expert 0 token 0", "expert 1 token 1", "expert 2 token 0", "expert 2 token 1");
    assertThat(gates[0]).isCloseTo(1, within(1e-12));
    assertThat(gates[1]).isCloseTo(1, within(1e-12));
  }

  @Test
  void memoryOutsideTheHeapRoutesTheSame() {
    ByteBuffer direct = ByteBuffer.allocateDirect(24).order(ByteOrder.nativeOrder());
    direct.asFloatBuffer().put(LOGITS);
    ExpertAssignments fromHeap = MoeLayer.of("switch").route(LOGITS, 0, 3, 2, 3);
    ExpertAssignments fromDirect = MoeLayer.of("switch").route(direct, 2, 3);
    assertThat(fromDirect.pairCount()).isEqualTo(fromHeap.pairCount()).isEqualTo(2);
    for (int i = 0; i < 2; i++) {
      assertThat(fromDirect.expert(i)).isEqualTo(fromHeap.expert(i));
      assertThat(fromDirect.gate(i)).isEqualTo(fromHeap.gate(i));
    }
  }
}
