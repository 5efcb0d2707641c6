package io.headway.api.speculation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class DraftTreeTest {
  @Test
  void preorderWithDepthsAndSight() {
    // Sequences "a b", "a c d" and "e" below the root.
    DraftTree tree = DraftTree.of(-1, 0, 1, 1, 3, 0);
    assertThat(tree.nodes()).isEqualTo(6);
    assertThat(tree.draftTokens()).isEqualTo(5);
    assertThat(tree.levels()).isEqualTo(4);
    String[] mask = {"100000", "110000", "111000", "110100", "110110", "100001"};
    int[] depths = {0, 1, 2, 2, 3, 1};
    for (int i = 0; i < 6; i++) {
      assertThat(tree.depth(i)).isEqualTo(depths[i]);
      for (int j = 0; j < 6; j++) {
        assertThat(tree.sees(i, j)).as(i + " sees " + j).isEqualTo(mask[i].charAt(j) == '1');
      }
    }
  }

  @Test
  void aChainIsATree() {
    assertThat(DraftTree.chain(3)).isEqualTo(DraftTree.of(-1, 0, 1, 2));
    assertThat(DraftTree.chain(0).draftTokens()).isZero();
    assertThat(DraftTree.chain(3).hashCode()).isEqualTo(DraftTree.of(-1, 0, 1, 2).hashCode());
  }

  @Test
  void refusesWhatIsNoTree() {
    assertThatThrownBy(() -> DraftTree.of())
        .hasMessage("parents must start with -1 for the root, but was []");
    assertThatThrownBy(() -> DraftTree.of(-1, 1))
        .hasMessage("parents[1] must name an earlier node, 0 to 0, but was 1");
    assertThatThrownBy(() -> DraftTree.of(-1, -1))
        .hasMessage("parents[1] must name an earlier node, 0 to 0, but was -1");
    assertThatThrownBy(() -> DraftTree.chain(-1))
        .hasMessage("draftTokens must be at least 0 tokens, but was -1");
    assertThatThrownBy(() -> DraftTree.chain(1).sees(2, 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }
}
