package io.headway.executor.cpu;

import java.util.Arrays;

/**
 * The tokens of one plan in flat arrays: what each is, where it stands, where its KV goes and which
 * positions it sees. Grows, and is reused.
 */
final class Batch {
  int tokens;
  int[] token = new int[64];
  int[] position = new int[64];

  /** Cell of each token's KV: {@code block * blockTokens + position in the block}. */
  int[] cell = new int[64];

  /** First entry of the token's block table. */
  int[] tableAt = new int[64];

  /** Leading positions that the token sees through its block table. */
  int[] prefix = new int[64];

  /** Cells that it sees behind them. */
  int[] listedAt = new int[64];

  int[] listedCount = new int[64];

  int[] table = new int[256];
  int tableEntries;
  int[] listed = new int[64];
  int listedEntries;

  /** Tokens whose logits are wanted. */
  int[] wanted = new int[64];

  int wantedCount;
  int mostVisible;

  void clear() {
    tokens = 0;
    tableEntries = 0;
    listedEntries = 0;
    wantedCount = 0;
    mostVisible = 0;
  }

  void addBlock(int block) {
    if (tableEntries == table.length) {
      table = Arrays.copyOf(table, 2 * tableEntries);
    }
    table[tableEntries++] = block;
  }

  void addListed(int listedCell) {
    if (listedEntries == listed.length) {
      listed = Arrays.copyOf(listed, 2 * listedEntries);
    }
    listed[listedEntries++] = listedCell;
  }

  /** Adds a token that sees {@code visible} positions and the cells listed since {@code from}. */
  void addToken(int id, int at, int ownCell, int tableStart, int visible, int from) {
    int t = tokens;
    if (t == token.length) {
      int length = 2 * t;
      token = Arrays.copyOf(token, length);
      position = Arrays.copyOf(position, length);
      cell = Arrays.copyOf(cell, length);
      tableAt = Arrays.copyOf(tableAt, length);
      prefix = Arrays.copyOf(prefix, length);
      listedAt = Arrays.copyOf(listedAt, length);
      listedCount = Arrays.copyOf(listedCount, length);
    }
    tokens = t + 1;
    token[t] = id;
    position[t] = at;
    cell[t] = ownCell;
    tableAt[t] = tableStart;
    prefix[t] = visible;
    listedAt[t] = from;
    listedCount[t] = listedEntries - from;
    mostVisible = Math.max(mostVisible, visible + listedEntries - from);
  }

  /** Asks for the logits behind the token added last; returns their row. */
  int wantLogits() {
    if (wantedCount == wanted.length) {
      wanted = Arrays.copyOf(wanted, 2 * wantedCount);
    }
    wanted[wantedCount] = tokens - 1;
    return wantedCount++;
  }
}
