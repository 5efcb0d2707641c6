package io.headway.batching.composition;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.batching.BatchView;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

class IndexedHeapTest {
  private static final int ITEMS = 24;

  @Property(seed = "61", tries = 500, edgeCases = EdgeCasesMode.NONE)
  void agreesWithASetWhateverChanges(
      @ForAll @Size(min = 1, max = 120)
          List<@IntRange(min = 0, max = 4 * 24 * 10 - 1) Integer> ops) {
    int[] keys = new int[ITEMS];
    IndexedHeap heap =
        new IndexedHeap(
            (view, a, b) -> keys[a] != keys[b] ? keys[a] < keys[b] : a < b,
            new IndexedHeap.Positions());
    Set<Integer> members = new TreeSet<>();
    BatchView noView = null; // The order of this test looks at the keys alone.
    for (int op : ops) {
      int item = op / 4 % ITEMS;
      int key = op / 4 / ITEMS;
      if (op % 4 < 2 && members.contains(item)) {
        keys[item] = key;
        heap.changed(item);
        continue; // Several keys may change before the order is restored.
      }
      heap.restore(noView);
      if (members.add(item)) {
        keys[item] = key;
        heap.add(noView, item);
      } else {
        members.remove(item);
        heap.remove(noView, item);
      }
      int first =
          members.stream()
              .min((a, b) -> keys[a] != keys[b] ? keys[a] - keys[b] : a - b)
              .orElse(BatchView.NONE);
      assertThat(heap.first()).isEqualTo(first);
      assertThat(heap.size()).isEqualTo(members.size());
      for (int i = 0; i < ITEMS; i++) {
        assertThat(heap.contains(i)).isEqualTo(members.contains(i));
      }
    }
  }
}
