package io.headway.batching.composition;

import io.headway.api.Invariant;
import io.headway.api.PolicyViolationException;
import io.headway.api.batching.BatchPlanner;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.SequenceState;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The last plan of a {@link BatchPlanner}: sequences in planned order, cut into segments by the
 * boundaries between them. Whoever is not in the plan belongs to a last segment, in which the
 * policy's own order holds.
 *
 * <p>A sequence keeps its place until it ends, goes to the tail of the queue, or a new plan is
 * made. Allocates only to grow.
 */
final class PlannedQueue implements BatchPlanner.PlannedOrder {
  private static final int UNPLANNED = -1;
  // Runs in a closed batch of an earlier plan.
  private static final int CARRIED = -2;

  // What stands between a segment and the next.
  private static final byte ENDED = 1;
  private static final byte ITERATION = 2;

  private final String policyId;

  private int[] sequences = new int[16];
  private int[] segments = new int[16];
  private int size;
  // Everybody before this place has started or is over.
  private int first;

  private byte[] boundaries = new byte[8];
  private int[] alive = new int[8];
  private int boundaryCount;
  // Nobody is left of the segments before this one.
  private int cleared;

  // By sequence: its place in the plan, UNPLANNED or CARRIED.
  private int[] places = new int[16];
  private int carried;

  private int[] aside = new int[8];
  private int asideCount;
  private int startedSegment = Integer.MAX_VALUE;
  private boolean heldBack;

  private @Nullable BatchView planning;

  PlannedQueue(String policyId) {
    this.policyId = policyId;
    Arrays.fill(places, UNPLANNED);
  }

  // ---- writing the plan

  /** Drops the plan; what runs in a closed batch of it still stands before the next one. */
  void begin(BatchView view) {
    planning = view;
    int lastEnd = -1;
    for (int i = 0; i < boundaryCount; i++) {
      lastEnd = boundaries[i] == ENDED ? i : lastEnd;
    }
    for (int i = 0; i < size; i++) {
      int sequence = sequences[i];
      if (sequence != BatchView.NONE) {
        boolean inClosedBatch = segments[i] <= lastEnd && !isQueued(view, sequence);
        places[sequence] = inClosedBatch ? CARRIED : UNPLANNED;
        carried += inClosedBatch ? 1 : 0;
      }
    }
    size = 0;
    first = 0;
    boundaryCount = 0;
    cleared = 0;
    alive[0] = 0;
    asideCount = 0;
  }

  void end() {
    planning = null;
  }

  @Override
  public void append(int sequence) {
    BatchView view = planning();
    if (!isQueued(view, sequence)) {
      throw violation(view, sequence, "a plan holds queued sequences, but it is not queued");
    }
    ensure(sequence);
    if (holds(sequence)) {
      throw violation(
          view, sequence, "it stands in the plan already, at place " + places[sequence]);
    }
    if (size == sequences.length) {
      sequences = Arrays.copyOf(sequences, size * 2);
      segments = Arrays.copyOf(segments, size * 2);
    }
    sequences[size] = sequence;
    segments[size] = boundaryCount;
    places[sequence] = size++;
    alive[boundaryCount]++;
  }

  @Override
  public void endBatch() {
    close(ENDED);
  }

  @Override
  public void endIteration() {
    close(ITERATION);
  }

  private void close(byte boundary) {
    planning();
    if (boundaryCount + 1 == alive.length) {
      boundaries = Arrays.copyOf(boundaries, alive.length * 2);
      alive = Arrays.copyOf(alive, alive.length * 2);
    }
    boundaries[boundaryCount] = boundary;
    alive[++boundaryCount] = 0;
  }

  private BatchView planning() {
    BatchView view = planning;
    if (view == null) {
      throw new IllegalStateException("a planned order may be written to during plan only");
    }
    return view;
  }

  private PolicyViolationException violation(BatchView view, int sequence, String detail) {
    return new PolicyViolationException(
        policyId, Invariant.INV_02, view.request(sequence).id(), detail);
  }

  // ---- reading it

  boolean holds(int sequence) {
    return sequence < places.length && places[sequence] >= 0;
  }

  /** The place of a sequence that the plan holds. */
  int place(int sequence) {
    return places[sequence];
  }

  /** Whether a boundary kept somebody back in this decision that is open in the next one. */
  boolean heldBack() {
    return heldBack;
  }

  /** The first queued sequence of the plan that was not set aside, whether it may start or not. */
  int next(BatchView view) {
    while (first < size && !waits(view, first)) {
      first++;
    }
    for (int i = first; i < size; i++) {
      if (waits(view, i) && !isAside(i)) {
        return sequences[i];
      }
    }
    return BatchView.NONE;
  }

  private boolean waits(BatchView view, int place) {
    return sequences[place] != BatchView.NONE && isQueued(view, sequences[place]);
  }

  /** Whether every boundary before a sequence, planned or not, is open. */
  boolean isOpen(int sequence) {
    if (carried > 0) {
      return false;
    }
    while (cleared < boundaryCount && alive[cleared] == 0) {
      cleared++;
    }
    int segment = segmentOf(sequence);
    for (int i = cleared; i < segment; i++) {
      if (boundaries[i] == ENDED) {
        return false;
      }
      if (startedSegment <= i) {
        heldBack = true;
        return false;
      }
    }
    return true;
  }

  private int segmentOf(int sequence) {
    return holds(sequence) ? segments[places[sequence]] : boundaryCount;
  }

  private boolean isAside(int place) {
    for (int i = 0; i < asideCount; i++) {
      if (aside[i] == place) {
        return true;
      }
    }
    return false;
  }

  /** Passes over a sequence of the plan until the decision ends. */
  void setAside(int sequence) {
    if (asideCount == aside.length) {
      aside = Arrays.copyOf(aside, asideCount * 2);
    }
    aside[asideCount++] = places[sequence];
  }

  // ---- what happens

  void entered(int sequence) {
    ensure(sequence);
    if (places[sequence] == CARRIED) {
      places[sequence] = UNPLANNED;
      carried--;
    } else if (places[sequence] >= 0) {
      first = Math.min(first, places[sequence]);
    }
  }

  void admitted(int sequence) {
    startedSegment = Math.min(startedSegment, segmentOf(sequence));
  }

  /** The sequence is over, or was sent to the tail of the queue: the plan is about the others. */
  void left(int sequence) {
    if (sequence >= places.length) {
      return;
    }
    int place = places[sequence];
    if (place == CARRIED) {
      carried--;
    } else if (place >= 0) {
      sequences[place] = BatchView.NONE;
      alive[segments[place]]--;
    }
    places[sequence] = UNPLANNED;
  }

  void endDecision() {
    asideCount = 0;
    startedSegment = Integer.MAX_VALUE;
  }

  void beginDecision() {
    heldBack = false;
  }

  private static boolean isQueued(BatchView view, int sequence) {
    SequenceState state = view.state(sequence);
    return state == SequenceState.WAITING || state == SequenceState.SWAPPED;
  }

  private void ensure(int sequence) {
    int known = places.length;
    if (sequence >= known) {
      places = Arrays.copyOf(places, Math.max(sequence + 1, known * 2));
      Arrays.fill(places, known, places.length, UNPLANNED);
    }
  }
}
