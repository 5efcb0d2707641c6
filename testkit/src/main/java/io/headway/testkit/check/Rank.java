package io.headway.testkit.check;

import io.headway.testkit.trace.TraceEvent;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The order that a policy declares in {@code CONFIG.order}: fields of a request, the first decides,
 * smaller goes first; a minus sign turns a field around. Ties end in (arrival, id).
 */
final class Rank implements Comparator<RequestState> {
  /** Fields that an order may name. */
  private static final Set<String> FIELDS =
      Set.of("priority", "arrival", "prompt", "maxNew", "deadline", "tenant", "adapter", "r");

  private final List<String> fields;

  private Rank(List<String> fields) {
    this.fields = fields;
  }

  /** Returns the declared order if it says who yields to whom, too, else null. */
  static @Nullable Rank ofPreemption(TraceState state) {
    return state.declares("first-starts") ? null : of(state);
  }

  /** Returns the declared order, or null if there is none or it names what nobody can compare. */
  static @Nullable Rank of(TraceState state) {
    List<String> order = state.config().order();
    if (order == null || order.isEmpty()) {
      return null;
    }
    for (String field : order) {
      if (!FIELDS.contains(field.startsWith("-") ? field.substring(1) : field)) {
        return null;
      }
    }
    return new Rank(order);
  }

  @Override
  public int compare(RequestState a, RequestState b) {
    for (String field : fields) {
      boolean reverse = field.startsWith("-");
      int by = compare(reverse ? field.substring(1) : field, a, b);
      if (by != 0) {
        return reverse ? -by : by;
      }
    }
    int byArrival = compare("arrival", a, b);
    return byArrival != 0 ? byArrival : a.id.compareTo(b.id);
  }

  /** Counts the tokens that a batch gives to those that rank before a request. */
  long tokensBefore(RequestState r, List<TraceEvent.Row> batch, TraceState before) {
    long tokens = 0;
    for (TraceEvent.Row row : batch) {
      RequestState other = before.request(row.r());
      if (other != null && compare(other, r) < 0) {
        tokens += TraceState.orZero(row.n());
      }
    }
    return tokens;
  }

  private static int compare(String field, RequestState a, RequestState b) {
    TraceEvent.Arrive x = a.arrive;
    TraceEvent.Arrive y = b.arrive;
    if (x == null || y == null) {
      return 0;
    }
    return switch (field) {
      case "priority" -> compare(x.priority(), y.priority(), 0);
      case "arrival" ->
          compare(
              x.arrival() == null ? Long.valueOf(a.arrivalNumber) : x.arrival(),
              y.arrival() == null ? Long.valueOf(b.arrivalNumber) : y.arrival(),
              0);
      case "prompt" -> compare(x.prompt(), y.prompt(), 0);
      case "maxNew" -> compare(x.maxNew(), y.maxNew(), 0);
      case "deadline" -> compare(x.deadline(), y.deadline(), Long.MAX_VALUE);
      case "tenant" -> text(x.tenant()).compareTo(text(y.tenant()));
      case "adapter" -> text(x.adapter()).compareTo(text(y.adapter()));
      default -> a.id.compareTo(b.id);
    };
  }

  private static int compare(@Nullable Long a, @Nullable Long b, long absent) {
    return Long.compare(a == null ? absent : a, b == null ? absent : b);
  }

  private static String text(@Nullable String value) {
    return value == null ? "" : value;
  }
}
