package io.headway.testkit.check;

import io.headway.testkit.trace.TraceEvent;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What a trace has said about one block that is held, pinned or matchable. */
final class BlockState {
  /** How often each request holds it; more than once only if the trace is faulty. */
  final Map<String, Integer> holders = new TreeMap<>();

  /** How often each holder has pinned it. */
  final Map<String, Integer> pins = new TreeMap<>();

  /** Transfers that read or write it. */
  int transfers;

  @Nullable String key;

  @Nullable String parent;

  /** The request that held it when it became matchable, if the trace tells. */
  TraceEvent.@Nullable Arrive publisher;

  /** Nothing refers to it any more. */
  boolean unused() {
    return holders.isEmpty() && pins.isEmpty() && transfers == 0 && key == null;
  }

  /** Whether only whoever runs the engine keeps it from everybody. */
  boolean aside() {
    return holders.isEmpty() && transfers == 0 && pins.keySet().equals(Set.of(TraceState.ASIDE));
  }

  boolean held() {
    return !holders.isEmpty() || !pins.isEmpty() || transfers > 0;
  }

  static void add(Map<String, Integer> counts, String who) {
    counts.merge(who, 1, Integer::sum);
  }

  static void remove(Map<String, Integer> counts, String who) {
    counts.computeIfPresent(who, (name, count) -> count > 1 ? count - 1 : null);
  }
}
