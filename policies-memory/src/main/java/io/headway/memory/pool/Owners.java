package io.headway.memory.pool;

import io.headway.api.memory.BlockKeyChain;
import io.headway.api.memory.KvPoolView;
import io.headway.api.memory.OwnerKind;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The owners of a pool: handles with epochs, block tables and a few numbers each. Every change is
 * recorded in the undo log and has an exact inverse.
 */
final class Owners {
  /** First operation code of this class in the undo log. */
  static final int FIRST_OP = ContentIndex.END_OP;

  private static final int OP_OPEN = FIRST_OP;
  private static final int OP_CLOSE = FIRST_OP + 1;
  private static final int OP_SET = FIRST_OP + 2;
  private static final int OP_PUSH = FIRST_OP + 3;
  private static final int OP_POP = FIRST_OP + 4;
  private static final int OP_REPLACE = FIRST_OP + 5;

  /** First operation code after this class. */
  static final int END_OP = FIRST_OP + 6;

  /** Fields of an owner. */
  static final int STATE = 0;

  static final int LENGTH = 1;
  static final int HIT_BLOCKS = 2;
  static final int PUBLISHED_BLOCKS = 3;
  static final int CURSOR = 4;
  static final int PINS = 5;
  static final int TIER = 6;
  static final int SHALLOWEST_FIRST = 7;

  /** 1 once positions were dropped: such an owner publishes nothing. */
  static final int LOSSY = 8;

  /** Units held, in a pool that has no tables. */
  static final int UNITS = 9;

  private static final int FIELDS = 10;

  /** Values of {@link #STATE}. */
  static final int CLOSED = 0;

  static final int OPEN = 1;
  static final int RELEASING = 2;

  private final UndoLog log;
  private final int groups;

  private int[][] fields = new int[FIELDS][0];
  private int[] epochs = {};
  private OwnerKind[] kinds = {};
  private @Nullable BlockKeyChain[] chains = {};
  private int[][] tables = {};
  private int[] counts = {};

  private int created;
  private int[] vacant = {};
  private int vacantCount;

  /** Closed while changes are recorded: kept intact until they are final. */
  private int[] parked = {};

  private int parkedCount;

  Owners(UndoLog log, int groups) {
    this.log = log;
    this.groups = groups;
  }

  long open(OwnerKind kind, @Nullable BlockKeyChain chain) {
    int owner = vacantCount > 0 ? vacant[--vacantCount] : created++;
    if (owner >= epochs.length) {
      grow(Math.max(16, 2 * epochs.length));
    }
    for (int[] field : fields) {
      field[owner] = 0;
    }
    fields[STATE][owner] = OPEN;
    fields[CURSOR][owner] = ContentIndex.NONE;
    kinds[owner] = kind;
    chains[owner] = chain;
    log.record(OP_OPEN, 0, owner, 0, 0);
    return handle(owner);
  }

  /** Closes an owner whose tables are empty; its handle is unknown from now on. */
  void close(int owner) {
    log.record(OP_CLOSE, 0, owner, fields[STATE][owner], 0);
    fields[STATE][owner] = CLOSED;
    epochs[owner]++;
    if (log.recording()) {
      if (parkedCount == parked.length) {
        parked = Arrays.copyOf(parked, Math.max(16, 2 * parkedCount));
      }
      parked[parkedCount++] = owner;
    } else {
      vacate(owner);
    }
  }

  long handle(int owner) {
    return ((long) epochs[owner] << 32) | owner;
  }

  boolean isLive(long handle) {
    int owner = (int) handle;
    return owner >= 0
        && owner < created
        && epochs[owner] == (int) (handle >>> 32)
        && fields[STATE][owner] != CLOSED;
  }

  /** Returns the dense index of a live owner. */
  int require(long handle) {
    if (!isLive(handle)) {
      throw new IllegalArgumentException(
          "owner must be a live owner of this pool, but was " + describe(handle));
    }
    return (int) handle;
  }

  /** Returns the dense index of a live owner that was not released. */
  int requireOpen(long handle) {
    int owner = require(handle);
    if (fields[STATE][owner] == RELEASING) {
      throw new IllegalStateException(
          "owner must not be released, but "
              + describe(handle)
              + " was and waits for its last unpin");
    }
    return owner;
  }

  /** Returns the dense index of a live owner that was not released and is on the device. */
  int requireOnDevice(long handle) {
    int owner = requireOpen(handle);
    requireDeviceTier(owner, handle);
    return owner;
  }

  void requireDeviceTier(int owner, long handle) {
    if (fields[TIER][owner] != 0) {
      throw new IllegalStateException(
          "owner must be on the device, but " + describe(handle) + " is swapped out");
    }
  }

  /** Returns the dense index of a live owner that is pinned. */
  int requirePinned(long handle) {
    int owner = require(handle);
    if (fields[PINS][owner] == 0) {
      throw new IllegalStateException("owner must be pinned, but " + describe(handle) + " is not");
    }
    return owner;
  }

  /** Refuses a list of owners that cannot all leave a tier together. */
  void requireSwappable(long[] list, int count, int tier) {
    if (count < 1 || count > list.length) {
      throw new IllegalArgumentException(
          "count must be between 1 and " + list.length + " owners, but was " + count);
    }
    for (int n = 0; n < count; n++) {
      int owner = requireOpen(list[n]);
      if (fields[TIER][owner] != tier) {
        throw new IllegalStateException(
            "owner must be "
                + (tier == 0 ? "on the device" : "swapped out")
                + ", but "
                + describe(list[n])
                + " is not");
      }
      if (fields[PINS][owner] > 0) {
        throw new IllegalStateException(
            "owner must not be pinned, but " + describe(list[n]) + " is");
      }
      for (int m = 0; m < n; m++) {
        if (list[m] == list[n]) {
          throw new IllegalArgumentException(
              "owners must be distinct, but " + describe(list[n]) + " appears twice");
        }
      }
    }
  }

  static String describe(long handle) {
    return handle == KvPoolView.NO_OWNER
        ? "none"
        : (int) handle + " of epoch " + (int) (handle >>> 32);
  }

  /** Returns the exclusive upper bound of dense indexes, for passes over all owners. */
  int bound() {
    return created;
  }

  int get(int field, int owner) {
    return fields[field][owner];
  }

  void set(int field, int owner, int value) {
    int[] column = fields[field];
    if (column[owner] != value) {
      log.record(OP_SET, field, owner, column[owner], 0);
      column[owner] = value;
    }
  }

  OwnerKind kind(int owner) {
    return kinds[owner];
  }

  @Nullable BlockKeyChain chain(int owner) {
    return chains[owner];
  }

  int count(int owner, int group) {
    return counts[owner * groups + group];
  }

  boolean isEmpty(int owner) {
    for (int g = 0; g < groups; g++) {
      if (counts[owner * groups + g] > 0) {
        return false;
      }
    }
    return true;
  }

  int block(int owner, int group, int index) {
    return tables[owner * groups + group][index];
  }

  void push(int owner, int group, int block) {
    int table = owner * groups + group;
    log.record(OP_PUSH, table, 0, 0, 0);
    append(table, block);
  }

  int pop(int owner, int group) {
    int table = owner * groups + group;
    int block = tables[table][--counts[table]];
    log.record(OP_POP, table, block, 0, 0);
    return block;
  }

  void replace(int owner, int group, int index, int block) {
    int table = owner * groups + group;
    log.record(OP_REPLACE, table, index, tables[table][index], 0);
    tables[table][index] = block;
  }

  void commit() {
    for (int i = 0; i < parkedCount; i++) {
      vacate(parked[i]);
    }
    parkedCount = 0;
  }

  void undo(int entry) {
    switch (log.op(entry)) {
      case OP_OPEN -> {
        int owner = log.b(entry);
        fields[STATE][owner] = CLOSED;
        vacate(owner);
      }
      case OP_CLOSE -> {
        int owner = log.b(entry);
        parkedCount--;
        epochs[owner]--;
        fields[STATE][owner] = log.c(entry);
      }
      case OP_SET -> fields[log.a(entry)][log.b(entry)] = log.c(entry);
      case OP_PUSH -> counts[log.a(entry)]--;
      case OP_POP -> append(log.a(entry), log.b(entry));
      case OP_REPLACE -> tables[log.a(entry)][log.b(entry)] = log.c(entry);
      default -> throw new IllegalStateException("unknown operation " + log.op(entry));
    }
  }

  private void append(int table, int block) {
    int count = counts[table];
    int[] blocks = tables[table];
    if (count == blocks.length) {
      blocks = Arrays.copyOf(blocks, Math.max(16, count + (count >> 1)));
      tables[table] = blocks;
    }
    blocks[count] = block;
    counts[table] = count + 1;
  }

  private void vacate(int owner) {
    chains[owner] = null;
    if (vacantCount == vacant.length) {
      vacant = Arrays.copyOf(vacant, Math.max(16, 2 * vacantCount));
    }
    vacant[vacantCount++] = owner;
  }

  private void grow(int capacity) {
    for (int i = 0; i < FIELDS; i++) {
      fields[i] = Arrays.copyOf(fields[i], capacity);
    }
    epochs = Arrays.copyOf(epochs, capacity);
    kinds = Arrays.copyOf(kinds, capacity);
    chains = Arrays.copyOf(chains, capacity);
    int from = tables.length;
    tables = Arrays.copyOf(tables, capacity * groups);
    Arrays.fill(tables, from, tables.length, new int[0]);
    counts = Arrays.copyOf(counts, capacity * groups);
  }
}
