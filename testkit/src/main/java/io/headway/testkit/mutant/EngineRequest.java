package io.headway.testkit.mutant;

import io.headway.testkit.subject.RequestSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the reference engine knows of a request. */
final class EngineRequest {
  /** Where a request stands. */
  enum State {
    WAITING,
    DEFERRED,
    RUNNING,
    PREEMPTED,
    SWAPPED,
    TRANSFERRING,
    ENDED;

    /** Whether it stands in the queue. */
    boolean queued() {
      return this == WAITING || this == PREEMPTED || this == SWAPPED;
    }
  }

  final RequestSpec spec;
  State state = State.WAITING;

  /** The prompt and every output token that is known. */
  int[] tokens;

  /** Length of {@link #tokens} in use. */
  int size;

  /** Position of the next token to compute; what is in flight counts as computed. */
  int computed;

  /** Leading positions that a completed step has computed. */
  int completed;

  /** Output tokens that were shown, here or where the prompt was computed. */
  int delivered;

  /** Rows in flight that yield a token. */
  int pending;

  /** Rows in flight, also those that will be ignored. */
  int inFlight;

  /** Whether a verification is in flight, so that the next position is unknown. */
  boolean verifying;

  /** Grows whenever what is in flight becomes worthless. */
  int epoch;

  /** Blocks on the device, in order. */
  final List<Integer> table = new ArrayList<>();

  /** Blocks on the host, in order. */
  final List<Integer> host = new ArrayList<>();

  /** Whether blocks are to be given back once nothing of it is in flight any more. */
  boolean releasing;

  /** Step in which it was last served, and its place among the admitted. */
  long lastStep = -1;

  long admitted;

  /** When its transfer began; -1 without one. */
  long transferBegan = -1;

  int transfer = -1;

  /** Whether its prompt was computed elsewhere, and with which first token. */
  boolean incoming;

  int firstToken;

  /** Whether its last admission failed, whether it was struck off the queue: marks of some bugs. */
  boolean skipped;

  boolean struckOff;

  /** Results that are still to be ignored, by a bug that counts them instead of epochs. */
  int discard;

  /** Whether the drafts of its row were not made in the step before. */
  boolean staleDrafts;

  /** Others that were admitted although they rank behind it, since it last waited. */
  int overtaken;

  /** How often it was preempted since it last yielded a token. */
  int setbacks;

  /** Units of the encoder cache that it holds: items from {@code itemsDone} to {@code items}. */
  int itemsHeld;

  int itemsDone;

  /** Blocks that the last admission found in the cache: a memo, which must not be trusted. */
  @Nullable List<Integer> memo;

  /** Handle on its place in the prefix cache while it holds blocks. */
  @Nullable List<Integer> lock;

  EngineRequest(RequestSpec spec) {
    this.spec = spec;
    tokens = Arrays.copyOf(spec.promptTokenIds(), spec.promptTokens() + 8);
    size = spec.promptTokens();
  }

  /** Copies what is primary; memos and marks are found again. */
  EngineRequest copy() {
    EngineRequest copy = new EngineRequest(spec);
    copy.state = state;
    copy.tokens = tokens.clone();
    copy.size = size;
    copy.computed = computed;
    copy.completed = completed;
    copy.delivered = delivered;
    copy.pending = pending;
    copy.inFlight = inFlight;
    copy.verifying = verifying;
    copy.epoch = epoch;
    copy.table.addAll(table);
    copy.host.addAll(host);
    copy.releasing = releasing;
    copy.lastStep = lastStep;
    copy.admitted = admitted;
    copy.transferBegan = transferBegan;
    copy.transfer = transfer;
    copy.overtaken = overtaken;
    copy.incoming = incoming;
    copy.setbacks = setbacks;
    copy.firstToken = firstToken;
    copy.discard = discard;
    copy.struckOff = struckOff;
    copy.itemsHeld = itemsHeld;
    copy.itemsDone = itemsDone;
    copy.lock = lock;
    return copy;
  }

  String id() {
    return spec.id();
  }

  int prompt() {
    return spec.promptTokens();
  }

  int generated() {
    return size - prompt();
  }

  /** Tokens that can be computed: those known, and those that results in flight will bring. */
  int known() {
    return size + pending;
  }

  /** Most output tokens here. */
  int limit() {
    return spec.handsOver() ? 1 : spec.maxNewTokens();
  }

  boolean decodes() {
    return computed >= prompt() && known() - computed == 1;
  }

  void append(int token) {
    if (size == tokens.length) {
      tokens = Arrays.copyOf(tokens, 2 * size);
    }
    tokens[size++] = token;
  }

  /** Takes it back to its known tokens, of which none is computed. */
  void restart() {
    computed = 0;
    completed = 0;
    pending = 0;
    verifying = false;
    epoch++;
  }

  @Override
  public String toString() {
    return id() + " " + state + " at " + computed + " of " + known();
  }
}
