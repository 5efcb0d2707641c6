package io.headway.runtime;

import static java.util.Objects.requireNonNull;

import io.headway.api.InstanceState;
import io.headway.api.Role;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What a decision asks of every instance, one array for each number, by {@link
 * io.headway.api.Instance#index()}. Members write here what changes; a decision that passes over a
 * thousand instances a dozen times reads a few cache lines instead of a thousand objects each time.
 * Guarded by the cluster's lock.
 */
final class InstanceNumbers {
  private @Nullable Member[] members = new @Nullable Member[8];
  private int[] waiting = new int[8];
  private int[] running = new int[8];
  private int[] inFlight = new int[8];
  private long[] inFlightTokens = new long[8];
  private double[] kvUsage = new double[8];
  private boolean[] observed = new boolean[8];
  private long[] observedAt = new long[8];

  /** Whether an instance serves whole requests and may be sent one more now. */
  private boolean[] open = new boolean[8];

  private long[] capacityTokens = new long[8];
  private long[] contextTokens = new long[8];

  /** Takes an instance in under its index. */
  void enter(Member member) {
    int index = member.index;
    if (index >= members.length) {
      grow(Math.max(index + 1, 2 * members.length));
    }
    members[index] = member;
  }

  /** Forgets an instance. */
  void leave(int index) {
    members[index] = null;
    open[index] = false;
  }

  Member member(int index) {
    return requireNonNull(members[index]);
  }

  void load(Member member) {
    int index = member.index;
    waiting[index] = member.waiting();
    running[index] = member.running();
    inFlight[index] = member.inFlight();
    inFlightTokens[index] = member.inFlightTokens();
    kvUsage[index] = member.kvUsage();
    capacityTokens[index] = member.capacityTokens;
    contextTokens[index] = member.contextLimit;
  }

  void observation(int index, long atNanos) {
    observed[index] = true;
    observedAt[index] = atNanos;
  }

  void unobserved(int index) {
    observed[index] = false;
  }

  void room(Member member) {
    open[member.index] =
        member.state() == InstanceState.READY && member.role() == Role.MIXED && member.hasRoom();
  }

  int waiting(int index) {
    return waiting[index];
  }

  int running(int index) {
    return running[index];
  }

  int inFlight(int index) {
    return inFlight[index];
  }

  long inFlightTokens(int index) {
    return inFlightTokens[index];
  }

  double kvUsage(int index) {
    return kvUsage[index];
  }

  long ageNanos(int index, long nowNanos) {
    return observed[index] ? Math.max(0, nowNanos - observedAt[index]) : Long.MAX_VALUE;
  }

  /**
   * Returns whether an instance can take a whole request now, whatever its model.
   *
   * @param kvTokens most KV that the request may hold
   * @param lengthTokens most tokens that it may have
   */
  boolean canTake(int index, long kvTokens, long lengthTokens) {
    return open[index] && kvTokens <= capacityTokens[index] && lengthTokens <= contextTokens[index];
  }

  private void grow(int length) {
    members = Arrays.copyOf(members, length);
    waiting = Arrays.copyOf(waiting, length);
    running = Arrays.copyOf(running, length);
    inFlight = Arrays.copyOf(inFlight, length);
    inFlightTokens = Arrays.copyOf(inFlightTokens, length);
    kvUsage = Arrays.copyOf(kvUsage, length);
    observed = Arrays.copyOf(observed, length);
    observedAt = Arrays.copyOf(observedAt, length);
    open = Arrays.copyOf(open, length);
    capacityTokens = Arrays.copyOf(capacityTokens, length);
    contextTokens = Arrays.copyOf(contextTokens, length);
  }
}
