package io.headway.api.batching;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ServedSequencesTest {
  @Test
  void keepsWhatWasAddedInOrderBeyondItsFirstRoom() {
    ServedSequences served = new ServedSequences();
    for (int i = 0; i < 40; i++) {
      served.add(100 + i, i, 2 * i);
    }

    assertThat(served.count()).isEqualTo(40);
    for (int i = 0; i < 40; i++) {
      assertThat(served.sequence(i)).isEqualTo(100 + i);
      assertThat(served.prefillTokens(i)).isEqualTo(i);
      assertThat(served.outputTokens(i)).isEqualTo(2 * i);
    }
  }

  @Test
  void addsDecodesOfOneLengthBehindTheOthers() {
    int[] sequences = new int[100];
    for (int i = 0; i < sequences.length; i++) {
      sequences[i] = 7 * i;
    }

    ServedSequences served = new ServedSequences().add(1, 9, 0).addDecodes(sequences, 10, 90, 3);

    assertThat(served.count()).isEqualTo(81);
    assertThat(served.prefillTokens(0)).isEqualTo(9);
    for (int i = 1; i <= 80; i++) {
      assertThat(served.sequence(i)).isEqualTo(7 * (9 + i));
      assertThat(served.prefillTokens(i)).isZero();
      assertThat(served.outputTokens(i)).isEqualTo(3);
    }
    assertThatThrownBy(() -> served.addDecodes(sequences, 90, 101, 1))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void forgetsEverybody() {
    ServedSequences served = new ServedSequences().add(7, 0, 1);

    served.clear();

    assertThat(served.count()).isZero();
    assertThatThrownBy(() -> served.sequence(0)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThat(served.add(8, 3, 0).sequence(0)).isEqualTo(8);
  }
}
