package io.headway.runtime;

import io.headway.api.batching.End;
import java.util.Arrays;

/** Events not yet handed to the caller: a ring of primitives that grows to its working size. */
final class EventQueue {
  private static final byte GRANTED = 0;
  private static final byte RELEASED = 1;
  private static final byte ENDED = 2;
  private static final byte HAND_OVER = 3;

  private byte[] types = new byte[64];
  private End[] ends = new End[64];
  private int[] slots = new int[64];
  private long[] handles = new long[64];
  private String[] details = new String[64];
  private int head;
  private int size;

  EventQueue() {
    Arrays.fill(details, "");
  }

  void granted(int slot, long handle) {
    add(GRANTED, slot, handle, End.STOPPED, "");
  }

  void released(int slot, long handle) {
    add(RELEASED, slot, handle, End.STOPPED, "");
  }

  void ended(long handle, End end, String detail) {
    add(ENDED, -1, handle, end, detail);
  }

  void handOver(long handle, int slot) {
    add(HAND_OVER, slot, handle, End.STOPPED, "");
  }

  int size() {
    return size;
  }

  /** Forgets the newest events, for a rolled-back draft. */
  void truncate(int newSize) {
    size = newSize;
  }

  /**
   * Hands out events until none is left. Each is taken off before the sink sees it, so that a
   * throwing sink gets it only once.
   */
  void drain(EngineEvents sink) {
    while (size > 0) {
      int at = head;
      head = (head + 1) & (types.length - 1);
      size--;
      String detail = details[at];
      details[at] = "";
      switch (types[at]) {
        case GRANTED -> sink.granted(slots[at], handles[at]);
        case RELEASED -> sink.released(slots[at], handles[at]);
        case ENDED -> sink.ended(handles[at], ends[at], detail);
        default -> sink.handOver(handles[at], slots[at]);
      }
    }
  }

  private void add(byte type, int slot, long handle, End end, String detail) {
    if (size == types.length) {
      grow();
    }
    int at = (head + size) & (types.length - 1);
    size++;
    types[at] = type;
    slots[at] = slot;
    handles[at] = handle;
    ends[at] = end;
    details[at] = detail;
  }

  private void grow() {
    int length = types.length;
    byte[] moreTypes = new byte[length * 2];
    End[] moreEnds = new End[length * 2];
    int[] moreSlots = new int[length * 2];
    long[] moreHandles = new long[length * 2];
    String[] moreDetails = new String[length * 2];
    Arrays.fill(moreDetails, "");
    for (int i = 0; i < size; i++) {
      int at = (head + i) & (length - 1);
      moreTypes[i] = types[at];
      moreEnds[i] = ends[at];
      moreSlots[i] = slots[at];
      moreHandles[i] = handles[at];
      moreDetails[i] = details[at];
    }
    types = moreTypes;
    ends = moreEnds;
    slots = moreSlots;
    handles = moreHandles;
    details = moreDetails;
    head = 0;
  }
}
