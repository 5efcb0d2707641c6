package io.headway.testkit.executor;

import io.headway.api.batching.WorkKind;
import io.headway.testkit.subject.BatchDecision;
import io.headway.testkit.subject.Move;
import io.headway.testkit.subject.Row;
import io.headway.testkit.subject.RowReport;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Executes decisions on blocks that hold what was written to them until it is overwritten, as on a
 * device. Before a row is executed, everything in front of it is compared with the request's own
 * text, so that a block given to two requests, a prefix hit on other content, a lost copy or a
 * token computed twice or never shows up as a {@link Mismatch}. Not thread-safe.
 *
 * <p>A scheduler without block tables gets a private table for each request: then skipped and
 * repeated tokens show up, sharing cannot.
 */
public final class ContentExecutor {
  private static final long GARBAGE = 0x5eed_0000_0000_0000L;

  private final int blockTokens;
  private final int deviceBlocks;
  private final long[] device;
  private final long[] host;

  // What each position would hold under any isolation, to tell a leak from another content.
  private final int[] deviceTokens;
  private final int[] hostTokens;
  private final Map<String, Private> privates = new HashMap<>();
  private final Map<String, List<Integer>> sampled = new HashMap<>();

  private static final class Private {
    long[] content = new long[32];
    int[] tokens = new int[32];
  }

  /**
   * Makes an executor whose blocks were never written.
   *
   * @param blockTokens tokens a block
   * @param deviceBlocks blocks of the device
   * @param hostBlocks blocks of the host, 0 or more
   */
  public ContentExecutor(int blockTokens, int deviceBlocks, int hostBlocks) {
    this.blockTokens = blockTokens;
    this.deviceBlocks = deviceBlocks;
    device = new long[blockTokens * (deviceBlocks + 1)];
    deviceTokens = new int[device.length];
    host = new long[blockTokens * (hostBlocks + 1)];
    hostTokens = new int[host.length];
  }

  /**
   * What the execution of a row showed.
   *
   * @param report what the scheduler is told
   * @param mismatch the first position in front of or in the row that was wrong, if any
   */
  public record Executed(RowReport report, Optional<Mismatch> mismatch) {}

  /**
   * Copies the blocks that a decision asks for, in order.
   *
   * @param decision the decision about to be executed
   * @return a sentence about the first move that names no block, if any does
   */
  public Optional<String> move(BatchDecision decision) {
    for (Move move : decision.moves()) {
      boolean fromHost = move.kind() == Move.Kind.SWAP_IN;
      boolean toHost = move.kind() == Move.Kind.SWAP_OUT;
      long[] from = fromHost ? host : device;
      long[] to = toHost ? host : device;
      int source = move.source() * blockTokens;
      int target = move.target() * blockTokens;
      if (source < 0
          || target < 0
          || source + blockTokens > from.length
          || target + blockTokens > to.length) {
        return Optional.of("move " + move + " names a block that does not exist");
      }
      System.arraycopy(from, source, to, target, blockTokens);
      System.arraycopy(
          fromHost ? hostTokens : deviceTokens,
          source,
          toHost ? hostTokens : deviceTokens,
          target,
          blockTokens);
    }
    return Optional.empty();
  }

  /**
   * Executes one row.
   *
   * @param row the row; its table must name existing blocks for every position
   * @param text what the request consists of
   * @param output tokens delivered so far, or known to have been sampled by steps outstanding
   * @param emits whether the row yields a token
   * @param acceptBits for a verify: bit i says whether draft i is right; all bits 0 with {@code
   *     empty} yields nothing
   * @param empty for a verify: whether nothing is sampled at all
   * @return the report, and what was wrong
   */
  public Executed run(
      Row row,
      ModelText text,
      List<Integer> output,
      boolean emits,
      long acceptBits,
      boolean empty) {
    int prompt = text.request().promptTokens();
    int fed = row.kind() == WorkKind.VERIFY ? 1 : row.count();
    List<Integer> known = sampled.getOrDefault(row.id(), output);
    if (known.size() < output.size()) {
      known = output;
    }
    boolean inVain = row.start() + fed > prompt + known.size();
    for (int p = row.start(); p < row.start() + fed; p++) {
      int token =
          p < prompt
              ? text.request().promptTokenIds()[p]
              : p - prompt < known.size() ? known.get(p - prompt) : ModelText.STOP;
      write(row, p, text.entry(p, token), token);
    }
    Optional<Mismatch> mismatch =
        inVain ? Optional.empty() : mismatch(row, text, known, row.start() + fed);
    if (!emits) {
      return new Executed(new RowReport(row.id(), List.of(), false, false), mismatch);
    }
    List<Integer> tokens = new ArrayList<>();
    if (row.kind() == WorkKind.VERIFY) {
      if (!empty) {
        verify(row, text, row.start() + 1, acceptBits, tokens);
      }
    } else {
      tokens.add(next(row, row.start() + fed));
    }
    remember(row, prompt, known, tokens);
    boolean stopped = !tokens.isEmpty() && tokens.get(tokens.size() - 1) == ModelText.STOP;
    return new Executed(new RowReport(row.id(), tokens, stopped, false), mismatch);
  }

  /** Keeps what the device has sampled, which a step planned ahead reads before it is delivered. */
  private void remember(Row row, int prompt, List<Integer> known, List<Integer> tokens) {
    int first = row.start() + (row.kind() == WorkKind.VERIFY ? 1 : row.count()) - prompt;
    List<Integer> all = new ArrayList<>(known.subList(0, Math.min(first, known.size())));
    if (all.size() == first) {
      all.addAll(tokens);
      sampled.put(row.id(), all);
    }
  }

  private void verify(Row row, ModelText text, int from, long acceptBits, List<Integer> tokens) {
    int truth = next(row, from);
    boolean accepting = true;
    for (int d = 0; d < row.drafts(); d++) {
      boolean right = (acceptBits >>> Math.min(d, 62) & 1) != 0;
      int draft = right ? truth : (truth + 1) % ModelText.VOCABULARY;
      write(row, from + d, text.entry(from + d, draft), draft);
      accepting &= right && truth != ModelText.STOP;
      if (accepting) {
        tokens.add(draft);
        truth = next(row, from + d + 1);
      }
    }
    tokens.add(truth);
  }

  /**
   * Fails one row: what it would have written is garbage.
   *
   * @param row the row
   * @return what the scheduler is told
   */
  public RowReport fail(Row row) {
    for (int p = row.start(); p < row.start() + row.count(); p++) {
      write(row, p, GARBAGE, -1);
    }
    forget(row.id());
    return new RowReport(row.id(), List.of(), false, true);
  }

  /**
   * Forgets what steps outstanding have sampled for a request, because they were lost or it begins
   * anew.
   *
   * @param id the request
   */
  public void forget(String id) {
    sampled.remove(id);
  }

  /**
   * Writes positions of a prompt that a transfer has brought.
   *
   * @param blocks block table at the time the transfer began
   * @param text what the request consists of
   * @param tokens leading tokens that arrived
   */
  public void receive(int[] blocks, ModelText text, int tokens) {
    for (int p = 0; p < tokens && p / blockTokens < blocks.length; p++) {
      int at = blocks[p / blockTokens] * blockTokens + p % blockTokens;
      int token = text.request().promptTokenIds()[p];
      device[at] = text.entry(p, token);
      deviceTokens[at] = token;
    }
  }

  /**
   * Returns whether a row's table names an existing block for every position it reads or writes.
   *
   * @param row the row
   * @return true if it may be executed; true without block tables
   */
  public boolean covers(Row row) {
    int[] blocks = row.blocks();
    if (blocks.length == 0) {
      return true;
    }
    int end = row.start() + row.count();
    if (blocks.length < (end + blockTokens - 1) / blockTokens) {
      return false;
    }
    for (int i = 0; i < (end + blockTokens - 1) / blockTokens; i++) {
      if (blocks[i] < 0 || blocks[i] > deviceBlocks) {
        return false;
      }
    }
    return true;
  }

  private Optional<Mismatch> mismatch(Row row, ModelText text, List<Integer> output, int length) {
    int prompt = text.request().promptTokens();
    long[] content = content(row);
    for (int p = 0; p < length; p++) {
      int token = p < prompt ? text.request().promptTokenIds()[p] : output.get(p - prompt);
      int at = at(row, p);
      if (content[at] != text.entry(p, token)) {
        Mismatch.Kind kind =
            content[at] == 0 || content[at] == GARBAGE
                ? Mismatch.Kind.NOT_COMPUTED
                : tokens(row)[at] == token
                    ? Mismatch.Kind.OTHER_ISOLATION
                    : Mismatch.Kind.OTHER_CONTENT;
        return Optional.of(
            new Mismatch(p, row.blocks().length == 0 ? -1 : row.blocks()[p / blockTokens], kind));
      }
    }
    return Optional.empty();
  }

  private int next(Row row, int length) {
    long[] content = content(row);
    long hash = ModelText.begin();
    for (int p = 0; p < length; p++) {
      hash = ModelText.read(hash, content[at(row, p)]);
    }
    return ModelText.token(hash);
  }

  private void write(Row row, int position, long entry, int token) {
    if (row.blocks().length == 0) {
      Private mine = privates.computeIfAbsent(row.id(), id -> new Private());
      if (position >= mine.content.length) {
        mine.content = Arrays.copyOf(mine.content, 2 * position);
        mine.tokens = Arrays.copyOf(mine.tokens, 2 * position);
      }
    }
    int at = at(row, position);
    content(row)[at] = entry;
    tokens(row)[at] = token;
  }

  private long[] content(Row row) {
    return row.blocks().length == 0
        ? privates.computeIfAbsent(row.id(), id -> new Private()).content
        : device;
  }

  private int[] tokens(Row row) {
    return row.blocks().length == 0
        ? privates.computeIfAbsent(row.id(), id -> new Private()).tokens
        : deviceTokens;
  }

  private int at(Row row, int position) {
    return row.blocks().length == 0
        ? position
        : row.blocks()[position / blockTokens] * blockTokens + position % blockTokens;
  }
}
