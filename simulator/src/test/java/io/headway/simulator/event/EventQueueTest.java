package io.headway.simulator.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class EventQueueTest {
  private record Event(long time, int kind, long sequence) {}

  /** Either an event to add, its time counted from the current one, or a request to take one. */
  private record Step(boolean add, int delay, int kind) {}

  @Test
  void yieldsByTimeThenKindThenInsertion() {
    EventQueue queue = new EventQueue();
    queue.add(5, 2, 50);
    queue.add(5, 1, 51);
    queue.add(3, 9, 30);
    queue.add(5, 1, 52);
    assertThat(drain(queue)).containsExactly(30L, 51L, 52L, 50L);
  }

  @Test
  void tellsTimeKindAndPayloadOfTheEventTaken() {
    EventQueue queue = new EventQueue();
    assertThat(queue.peekTimeNanos()).isEqualTo(Long.MAX_VALUE);
    queue.add(7, 127, -1);
    assertThat(queue.peekTimeNanos()).isEqualTo(7);
    assertThat(queue.size()).isEqualTo(1);
    assertThat(queue.next()).isTrue();
    assertThat(queue.timeNanos()).isEqualTo(7);
    assertThat(queue.kind()).isEqualTo(127);
    assertThat(queue.payload()).isEqualTo(-1);
    assertThat(queue.isEmpty()).isTrue();
    assertThat(queue.next()).isFalse();
    assertThat(queue.timeNanos()).as("the current event stays").isEqualTo(7);
  }

  @Test
  void refusesThePastAndUnknownKinds() {
    EventQueue queue = new EventQueue();
    queue.add(10, 0, 0);
    queue.next();
    assertThatThrownBy(() -> queue.add(9, 0, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("timeNanos must not be before the event being handled (10 ns), but was 9 ns");
    assertThatThrownBy(() -> queue.add(10, 128, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("kind must be in 0..127, but was 128");
  }

  @Property(tries = 300, seed = "42")
  void agreesWithASortedQueue(@ForAll("steps") List<Step> steps) {
    EventQueue queue = new EventQueue();
    PriorityQueue<Event> model =
        new PriorityQueue<>(
            Comparator.comparingLong(Event::time)
                .thenComparingInt(Event::kind)
                .thenComparingLong(Event::sequence));
    long now = 0;
    long sequence = 0;
    for (Step step : steps) {
      if (step.add) {
        queue.add(now + step.delay, step.kind, sequence);
        model.add(new Event(now + step.delay, step.kind, sequence));
        sequence++;
      } else {
        Event expected = model.poll();
        assertThat(queue.next()).isEqualTo(expected != null);
        if (expected != null) {
          assertThat(new Event(queue.timeNanos(), queue.kind(), queue.payload()))
              .isEqualTo(expected);
          now = expected.time;
        }
      }
      assertThat(queue.size()).isEqualTo(model.size());
    }
  }

  @Provide
  Arbitrary<List<Step>> steps() {
    return Combinators.combine(
            Arbitraries.integers().between(0, 9).map(i -> i < 6),
            Arbitraries.integers().between(0, 5),
            Arbitraries.integers().between(0, 3))
        .as(Step::new)
        .list()
        .ofMaxSize(300);
  }

  private static List<Long> drain(EventQueue queue) {
    List<Long> payloads = new ArrayList<>();
    while (queue.next()) {
      payloads.add(queue.payload());
    }
    return payloads;
  }
}
