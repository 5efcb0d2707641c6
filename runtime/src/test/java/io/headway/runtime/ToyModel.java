package io.headway.runtime;

import io.headway.api.memory.KvMoveKind;
import java.util.ArrayList;
import java.util.List;

/**
 * A model whose next token is a hash of everything it reads through the block table, so that a
 * wrong table, a block given to two sequences, a prefix hit on other content or a lost copy changes
 * the output. Blocks hold what was written to them until it is overwritten, as on a device.
 */
final class ToyModel {
  static final int VOCABULARY = 23;
  static final int STOP = 0;

  private static final int GARBAGE = 0x5eed;

  /** What a request is made of, whether or not the scheduler is told. */
  record Text(int[] prompt, String adapter, int maxNewTokens) {
    /** Returns what the model generates for this text if nobody disturbs it. */
    List<Integer> alone() {
      List<Integer> output = new ArrayList<>();
      int hash = 7;
      for (int p = 0; p < prompt.length; p++) {
        hash = read(hash, entry(p, prompt[p]));
      }
      while (true) {
        int token = token(hash);
        output.add(token);
        if (token == STOP || output.size() == maxNewTokens) {
          return output;
        }
        hash = read(hash, entry(prompt.length + output.size() - 1, token));
      }
    }

    /** What a position holds depends on the adapter as well, as KV does. */
    int entry(int position, int token) {
      return (token * 31 + position) * 31 + adapter.hashCode();
    }
  }

  private final int blockTokens;
  private final int[] device;
  private final int[] host;

  ToyModel(int blockTokens, int deviceBlocks, int hostBlocks) {
    this.blockTokens = blockTokens;
    device = new int[blockTokens * (deviceBlocks + 1)];
    host = new int[blockTokens * (hostBlocks + 1)];
  }

  /** Executes the moves of a plan in order. */
  void move(BatchPlan plan) {
    for (int i = 0; i < plan.moves(); i++) {
      int[] from = plan.moveKind(i) == KvMoveKind.SWAP_IN ? host : device;
      int[] to = plan.moveKind(i) == KvMoveKind.SWAP_OUT ? host : device;
      System.arraycopy(
          from,
          plan.moveSource(i) * blockTokens,
          to,
          plan.moveTarget(i) * blockTokens,
          blockTokens);
    }
  }

  /** Writes one position of a row. */
  void write(BatchPlan plan, int row, Text text, int position, int token) {
    device[at(plan, row, position)] = text.entry(position, token);
  }

  /** Writes something wrong, as a failing kernel might. */
  void scribble(BatchPlan plan, int row, int position) {
    device[at(plan, row, position)] = GARBAGE;
  }

  /** Writes a position of a prompt that a link has brought. */
  void receive(int[] blocks, Text text, int position) {
    device[blocks[position / blockTokens] * blockTokens + position % blockTokens] =
        text.entry(position, text.prompt()[position]);
  }

  /** Returns the token behind the first {@code length} positions of a row. */
  int next(BatchPlan plan, int row, int length) {
    int hash = 7;
    for (int p = 0; p < length; p++) {
      hash = read(hash, device[at(plan, row, p)]);
    }
    return token(hash);
  }

  /** Returns the first of some positions of a row that does not hold what it should, or -1. */
  int wrongPosition(BatchPlan plan, int row, Text text, List<Integer> output, int length) {
    for (int p = 0; p < length; p++) {
      int prompt = text.prompt().length;
      int token = p < prompt ? text.prompt()[p] : output.get(p - prompt);
      if (device[at(plan, row, p)] != text.entry(p, token)) {
        return p;
      }
    }
    return -1;
  }

  private int at(BatchPlan plan, int row, int position) {
    return plan.block(row, position / blockTokens) * blockTokens + position % blockTokens;
  }

  private static int read(int hash, int entry) {
    int mixed = (hash ^ entry) * 0x9e3779b1;
    return mixed ^ (mixed >>> 15);
  }

  private static int token(int hash) {
    return Math.floorMod((hash * 0x85ebca6b) >>> 3, VOCABULARY);
  }
}
