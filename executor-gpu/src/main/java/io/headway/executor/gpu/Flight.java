package io.headway.executor.gpu;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.headway.executor.DraftBatch;
import io.headway.executor.gpu.device.Device;
import io.headway.executor.gpu.device.DeviceBuffer;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.StepResult;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One plan between being enqueued and being awaited, and the memory it needs of its own; reused.
 */
final class Flight {
  /**
   * A recorded decode step: its input arrays and launches are fixed, only their content changes.
   */
  static final class DecodeGraph {
    final StepInput input;
    final Device.Recording recording;

    DecodeGraph(StepInput input, Device.Recording recording) {
      this.input = input;
      this.recording = recording;
    }

    void close() {
      recording.close();
      input.close();
    }
  }

  /** What a recording is made for; rows and context are rounded up to powers of two. */
  record GraphKey(int rows, int context, boolean sampled) {}

  final DraftBatch drafts = new DraftBatch();
  final Map<GraphKey, DecodeGraph> graphs = new HashMap<>();

  private final Device device;
  private final int vocabularySize;

  @Nullable StepInput general;
  @Nullable DeviceBuffer logits;
  @Nullable DeviceBuffer chosen;
  MemorySegment hostChosen = MemorySegment.NULL;
  int maxWanted;

  @Nullable BatchPlan plan;
  @Nullable StepResult result;
  Device.@Nullable Mark start;
  Device.@Nullable Mark end;
  boolean sampledOnHost;

  /** First wanted logits of each row; -1 for a row that emits nothing. */
  int[] firstWanted = new int[16];

  /**
   * Wanted logits behind each reported token, by row: {@code firstWanted[row] + i} for the i-th.
   */
  int[] reportedFrom = new int[16];

  Flight(Device device, int vocabularySize) {
    this.device = device;
    this.vocabularySize = vocabularySize;
  }

  void begin(BatchPlan executed, StepResult target) {
    plan = executed;
    result = target;
    sampledOnHost = false;
    if (firstWanted.length < executed.rows()) {
      firstWanted = new int[2 * executed.rows()];
    }
    Arrays.fill(firstWanted, 0, executed.rows(), -1);
  }

  /** Makes room for the logits of a step; recordings that wrote to smaller ones are dropped. */
  void ensureWanted(int wanted) {
    if (wanted <= maxWanted) {
      return;
    }
    device.synchronize();
    dropGraphs();
    DeviceBuffer oldLogits = logits;
    DeviceBuffer oldChosen = chosen;
    if (oldLogits != null && oldChosen != null) {
      oldLogits.close();
      oldChosen.close();
    }
    maxWanted = Math.max(wanted, 2 * maxWanted);
    logits = device.allocate((long) maxWanted * vocabularySize * Float.BYTES);
    chosen = device.allocate((long) maxWanted * Integer.BYTES);
    hostChosen = device.allocateHost((long) maxWanted * Integer.BYTES);
    reportedFrom = new int[maxWanted];
  }

  void closeMarks() {
    Device.Mark first = start;
    Device.Mark last = end;
    if (first != null) {
      first.close();
    }
    if (last != null) {
      last.close();
    }
    start = null;
    end = null;
  }

  int chosen(int wanted) {
    return hostChosen.getAtIndex(JAVA_INT, wanted);
  }

  void dropGraphs() {
    graphs.values().forEach(DecodeGraph::close);
    graphs.clear();
  }
}
