package io.headway.testkit.vectors;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Runs vectors through their adapters and says what became of each. Thread-safe as long as the
 * adapters are.
 */
public final class VectorRunner {
  private static final int MAX_CAUSES = 8;

  private final List<VectorAdapter> adapters;

  /**
   * Makes a runner.
   *
   * @param adapters the adapters; the first one that supports a vector runs it
   */
  public VectorRunner(List<VectorAdapter> adapters) {
    this.adapters = List.copyOf(requireNonNull(adapters, "adapters"));
  }

  /**
   * Returns a runner over every adapter of this library.
   *
   * @return the runner
   */
  public static VectorRunner standard() {
    return new VectorRunner(VectorAdapters.all());
  }

  /**
   * Runs a whole suite in file order.
   *
   * @param suite the suite
   * @return one outcome per vector
   */
  public List<VectorOutcome> run(VectorSuite suite) {
    List<VectorOutcome> outcomes = new ArrayList<>(suite.vectors().size());
    for (ConformanceVector vector : suite.vectors()) {
      outcomes.add(run(vector));
    }
    return outcomes;
  }

  /**
   * Runs one vector. Whatever its adapter throws short of an {@link Error} becomes the outcome: an
   * {@link IllegalArgumentException} is the result {@code {"error": "invalid-argument"}}, anything
   * else a failure.
   *
   * @param vector the vector
   * @return what became of it
   */
  public VectorOutcome run(ConformanceVector vector) {
    VectorAdapter adapter = adapterOf(vector);
    if (adapter == null) {
      return new VectorOutcome(vector, VectorOutcome.Status.UNSUPPORTED, "");
    }
    JsonNode actual;
    String explanation = "";
    try {
      actual = adapter.run(vector);
    } catch (IllegalArgumentException e) {
      actual = VectorAdapter.error("invalid-argument");
      explanation = " (" + oneLine(e) + ")";
    } catch (VectorFormatException e) {
      return failed(vector, "the vector cannot be read: " + oneLine(e));
    } catch (RuntimeException e) {
      VectorFormatException unread = unreadable(e);
      if (unread != null) {
        return failed(vector, "the vector cannot be read: " + oneLine(unread));
      }
      return failed(vector, "unexpected " + e.getClass().getName() + ": " + oneLine(e));
    }
    Optional<String> difference = adapter.matcher(vector).firstDifference(vector, actual);
    return difference.isEmpty()
        ? new VectorOutcome(vector, VectorOutcome.Status.PASSED, "")
        : failed(vector, difference.get() + explanation);
  }

  private @Nullable VectorAdapter adapterOf(ConformanceVector vector) {
    for (VectorAdapter adapter : adapters) {
      if (adapter.suite().equals(vector.suite()) && adapter.supports(vector)) {
        return adapter;
      }
    }
    return null;
  }

  private static VectorOutcome failed(ConformanceVector vector, String difference) {
    return new VectorOutcome(vector, VectorOutcome.Status.FAILED, difference);
  }

  /** A field may be read while a policy decides, which then reports what went wrong in it. */
  private static @Nullable VectorFormatException unreadable(Throwable e) {
    Throwable cause = e.getCause();
    for (int depth = 0; cause != null && depth < MAX_CAUSES; depth++) {
      if (cause instanceof VectorFormatException format) {
        return format;
      }
      cause = cause.getCause();
    }
    return null;
  }

  private static String oneLine(RuntimeException e) {
    StackTraceElement[] trace = e.getStackTrace();
    String where = trace.length == 0 ? "" : " at " + trace[0];
    String message = e.getMessage();
    return (message == null ? "no message" : message.replaceAll("\\s+", " ")) + where;
  }
}
