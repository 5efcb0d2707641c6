package io.headway.executor.gpu;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.headway.executor.gpu.device.Device;
import io.headway.executor.gpu.device.DeviceBuffer;
import java.lang.foreign.MemorySegment;

/**
 * What the kernels need to know of one plan, as arrays of ints in one piece of memory that is
 * uploaded at once. Token arrays have one entry per token fed, row arrays one per token attended
 * alone, tile arrays one per run of prefill queries, wanted arrays one per token whose logits are
 * wanted.
 */
final class StepInput {
  private static final int ALIGNMENT_INTS = (int) (Device.SLICE_ALIGNMENT / Integer.BYTES);

  private final MemorySegment host;
  private final DeviceBuffer whole;
  private int sections;

  final int maxTokens;
  final int maxTables;
  final int maxListed;

  final Section ids;
  final Section inputSlots;
  final Section positions;
  final Section cells;
  final Section tableAt;
  final Section prefixes;
  final Section listedAt;
  final Section listedCounts;
  final Section rowTokens;
  final Section tileTokens;
  final Section tileCounts;
  final Section wantedTokens;
  final Section wantedSlots;
  final Section temperatures;
  final Section uniforms;
  final Section listed;
  final Section tables;

  int tokens;
  int rows;
  int tiles;
  int wanted;
  int listedEntries;
  int tableEntries;
  int mostContext;

  /** One array. */
  final class Section {
    final DeviceBuffer buffer;
    private final long offset;
    private final int capacity;

    private Section(Device device, int capacity) {
      this.capacity = capacity;
      offset = (long) sections * Integer.BYTES;
      buffer = device.slice(whole, offset, (long) capacity * Integer.BYTES);
      sections += aligned(capacity);
    }

    void set(int index, int value) {
      if (index < 0 || index >= capacity) {
        throw new IndexOutOfBoundsException(
            "index must be from 0 to " + (capacity - 1) + ", but was " + index);
      }
      host.set(JAVA_INT, offset + (long) index * Integer.BYTES, value);
    }

    int get(int index) {
      return host.get(JAVA_INT, offset + (long) index * Integer.BYTES);
    }
  }

  StepInput(Device device, int maxTokens, int maxTables, int maxListed) {
    this.maxTokens = maxTokens;
    this.maxTables = maxTables;
    this.maxListed = maxListed;
    long ints = 15L * aligned(maxTokens) + aligned(maxListed) + aligned(maxTables);
    whole = device.allocate(ints * Integer.BYTES);
    host = device.allocateHost(ints * Integer.BYTES);
    ids = new Section(device, maxTokens);
    inputSlots = new Section(device, maxTokens);
    positions = new Section(device, maxTokens);
    cells = new Section(device, maxTokens);
    tableAt = new Section(device, maxTokens);
    prefixes = new Section(device, maxTokens);
    listedAt = new Section(device, maxTokens);
    listedCounts = new Section(device, maxTokens);
    rowTokens = new Section(device, maxTokens);
    tileTokens = new Section(device, maxTokens);
    tileCounts = new Section(device, maxTokens);
    wantedTokens = new Section(device, maxTokens);
    wantedSlots = new Section(device, maxTokens);
    temperatures = new Section(device, maxTokens);
    uniforms = new Section(device, maxTokens);
    listed = new Section(device, maxListed);
    tables = new Section(device, maxTables);
  }

  private static int aligned(int ints) {
    return (ints + ALIGNMENT_INTS - 1) / ALIGNMENT_INTS * ALIGNMENT_INTS;
  }

  void clear() {
    tokens = 0;
    rows = 0;
    tiles = 0;
    wanted = 0;
    listedEntries = 0;
    tableEntries = 0;
    mostContext = 0;
  }

  /** Adds a token; returns its index. */
  int addToken(
      int id,
      int inputSlot,
      int position,
      int cell,
      int table,
      int prefix,
      int listedFrom,
      int listedCount) {
    int t = tokens++;
    ids.set(t, id);
    inputSlots.set(t, inputSlot);
    positions.set(t, position);
    cells.set(t, cell);
    tableAt.set(t, table);
    prefixes.set(t, prefix);
    listedAt.set(t, listedFrom);
    listedCounts.set(t, listedCount);
    return t;
  }

  /** Adds a token that is attended alone. */
  void addRow(int token) {
    rowTokens.set(rows++, token);
    mostContext = Math.max(mostContext, prefixes.get(token) + listedCounts.get(token));
  }

  void addTile(int firstToken, int count) {
    tileTokens.set(tiles, firstToken);
    tileCounts.set(tiles++, count);
  }

  /** Asks for a token's logits; returns their row. */
  int want(int token, int slot, float temperature, float uniform) {
    int w = wanted++;
    wantedTokens.set(w, token);
    wantedSlots.set(w, slot);
    temperatures.set(w, Float.floatToRawIntBits(temperature));
    uniforms.set(w, Float.floatToRawIntBits(uniform));
    return w;
  }

  int addListed(int cell) {
    listed.set(listedEntries, cell);
    return listedEntries++;
  }

  int addBlock(int block) {
    tables.set(tableEntries, block);
    return tableEntries++;
  }

  void upload(Device device) {
    device.upload(host, whole, 0, tables.offset + (long) tableEntries * Integer.BYTES);
  }

  void close() {
    whole.close();
  }
}
