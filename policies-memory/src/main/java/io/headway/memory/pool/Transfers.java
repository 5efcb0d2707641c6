package io.headway.memory.pool;

import java.util.Arrays;

/** The copies between tiers that are under way. Every change is recorded in the undo log. */
final class Transfers {
  /** First operation code of this class in the undo log. */
  static final int FIRST_OP = Owners.END_OP;

  private static final int OP_BEGIN = FIRST_OP;
  private static final int OP_END = FIRST_OP + 1;

  private static final int STRIDE = 4;
  private static final int FREE = -1;

  private final UndoLog log;
  private int[] entries = {};
  private int created;
  private int[] vacant = {};
  private int vacantCount;
  private int[] parked = {};
  private int parkedCount;
  private int running;

  Transfers(UndoLog log) {
    this.log = log;
  }

  int begin(int targetTier, int source, int target, int node) {
    int id = vacantCount > 0 ? vacant[--vacantCount] : created++;
    if ((id + 1) * STRIDE > entries.length) {
      entries = Arrays.copyOf(entries, Math.max(16 * STRIDE, 2 * entries.length));
    }
    int at = id * STRIDE;
    entries[at] = targetTier;
    entries[at + 1] = source;
    entries[at + 2] = target;
    entries[at + 3] = node;
    running++;
    log.record(OP_BEGIN, 0, id, 0, 0);
    return id;
  }

  void end(int id) {
    log.record(OP_END, 0, id, entries[id * STRIDE], 0);
    entries[id * STRIDE] = FREE;
    running--;
    if (log.recording()) {
      if (parkedCount == parked.length) {
        parked = Arrays.copyOf(parked, Math.max(16, 2 * parkedCount));
      }
      parked[parkedCount++] = id;
    } else {
      vacate(id);
    }
  }

  boolean isRunning(int id) {
    return id >= 0 && id < created && entries[id * STRIDE] != FREE;
  }

  int running() {
    return running;
  }

  int targetTier(int id) {
    return entries[id * STRIDE];
  }

  int source(int id) {
    return entries[id * STRIDE + 1];
  }

  int target(int id) {
    return entries[id * STRIDE + 2];
  }

  int node(int id) {
    return entries[id * STRIDE + 3];
  }

  void commit() {
    for (int i = 0; i < parkedCount; i++) {
      vacate(parked[i]);
    }
    parkedCount = 0;
  }

  void undo(int entry) {
    int id = log.b(entry);
    switch (log.op(entry)) {
      case OP_BEGIN -> {
        entries[id * STRIDE] = FREE;
        running--;
        vacate(id);
      }
      case OP_END -> {
        entries[id * STRIDE] = log.c(entry);
        running++;
        parkedCount--;
      }
      default -> throw new IllegalStateException("unknown operation " + log.op(entry));
    }
  }

  private void vacate(int id) {
    if (vacantCount == vacant.length) {
      vacant = Arrays.copyOf(vacant, Math.max(16, 2 * vacantCount));
    }
    vacant[vacantCount++] = id;
  }
}
