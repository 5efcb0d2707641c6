package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import io.headway.testkit.trace.TraceWriter;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * INV-39: the same run gives the same trace, record by record, and equal content has equal keys.
 * The first needs the trace of a second run; without it the rule is judged by the keys alone and
 * stays unknown.
 */
final class Determinism extends Checker {
  private static final int REMEMBERED = 4_096;

  /** What a request's keys depend on. */
  private record Content(String tenant, String adapter, String isolation, List<String> blocks) {}

  private final @Nullable Iterator<TraceEvent> second;
  private boolean differs;
  private final Map<Content, List<String>> keys =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Content, List<String>> eldest) {
          return size() > REMEMBERED;
        }
      };

  /**
   * Creates a checker.
   *
   * @param second records of a second run in order, or null
   */
  Determinism(@Nullable Iterator<TraceEvent> second) {
    super(Invariant.INV_39);
    this.second = second;
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (second != null && !differs) {
      exercised();
      TraceEvent other = second.hasNext() ? second.next() : null;
      if (!event.equals(other)) {
        differs = true;
        violated(
            "the second run differs: "
                + (other == null ? "it ends before this record" : TraceWriter.line(other)),
            event.r() == null ? List.of() : List.of(event.r()),
            List.of());
      }
    }
    if (event instanceof TraceEvent.Arrive e && e.content() != null && e.keys() != null) {
      exercised();
      Content content =
          new Content(text(e.tenant()), text(e.adapter()), text(e.isolation()), e.content());
      List<String> known = keys.putIfAbsent(content, e.keys());
      if (known != null && !known.equals(e.keys())) {
        violated(e.r() + " has other keys than an earlier request of the same content", e.r());
      }
    }
  }

  private static String text(@Nullable String value) {
    return value == null ? "" : value;
  }

  @Override
  protected void end(TraceState last) {
    if (second == null) {
      missing("second run");
    } else if (!differs && second.hasNext()) {
      violated("the second run goes on with " + TraceWriter.line(second.next()));
    }
  }
}
