package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * INV-25: a request that cannot be completed on an empty system is refused when it arrives or at
 * most k decisions later. It cannot if its prompt and first token need more blocks than there are,
 * if it is longer than the window, or if prompts are not divided ({@code no-chunking}) and its own
 * exceeds the token budget. One whose declared output does not fit may run, but must not end by an
 * internal failure.
 */
final class UnservableRefused extends Checker {
  private final int patience;
  private final Map<String, String> unservable = new HashMap<>();
  private final Map<String, Long> since = new HashMap<>();

  UnservableRefused(CheckOptions options) {
    super(Invariant.INV_25);
    patience = options.refusalDecisions();
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.Arrive e) {
      String why = why(e, before);
      if (why != null) {
        unservable.put(e.r(), why);
        since.put(e.r(), before.decisions());
      }
    } else if (event instanceof TraceEvent.Ended || event instanceof TraceEvent.Reject) {
      String id = String.valueOf(event.r());
      unservable.remove(id);
      since.remove(id);
      if (event instanceof TraceEvent.Ended e
          && ("failed".equals(e.reason()) || "error".equals(e.reason()))) {
        failed(e, before);
      }
    } else if (event instanceof TraceEvent.Step || event instanceof TraceEvent.Idle) {
      Iterator<Map.Entry<String, Long>> all = since.entrySet().iterator();
      while (all.hasNext()) {
        Map.Entry<String, Long> entry = all.next();
        long decisions = before.decisions() + 1 - entry.getValue();
        if (decisions > patience) {
          violated(
              entry.getKey()
                  + " was not refused within "
                  + patience
                  + " decisions, although "
                  + unservable.get(entry.getKey()),
              entry.getKey());
          all.remove();
        }
      }
    }
  }

  private @Nullable String why(TraceEvent.Arrive e, TraceState before) {
    Long prompt = e.prompt();
    Long blocks = before.config().blocks();
    if (prompt == null || blocks == null || before.blockTokens() == 0) {
      missing(
          prompt == null
              ? "ARRIVE.prompt"
              : blocks == null ? "CONFIG.blocks" : "CONFIG.blockTokens");
      return null;
    }
    exercised();
    long first = prompt + (e.maxNew() != null && e.maxNew() > 1 ? 1 : 0);
    if (before.blocksFor(first) > blocks) {
      return first + " tokens need " + before.blocksFor(first) + " blocks of " + blocks;
    }
    Long window = before.config().window();
    if (window != null && prompt >= window) {
      return "its prompt of " + prompt + " tokens leaves no room in the window of " + window;
    }
    Long budget = before.config().tokenBudget();
    if (before.declares("no-chunking") && budget != null && prompt > budget) {
      return "its prompt of "
          + prompt
          + " tokens exceeds the token budget of "
          + budget
          + " and is not divided";
    }
    return null;
  }

  private void failed(TraceEvent.Ended e, TraceState before) {
    RequestState r = before.request(e.r());
    Long blocks = before.config().blocks();
    if (r != null
        && blocks != null
        && before.blockTokens() > 0
        && r.maxNew() > 0
        && r.prompt() >= 0
        && before.blocksFor(r.prompt() + r.maxNew() - 1) > blocks) {
      violated(
          e.r() + " ended by a failure; by its declared lengths it was to be refused as too long",
          e.r());
    }
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("ARRIVE")) {
      missing("ARRIVE");
    } else if (!since.isEmpty()) {
      String open = since.keySet().stream().sorted().findFirst().orElse("");
      inconclusive("the trace ends before " + open + " had to be refused");
    }
  }
}
