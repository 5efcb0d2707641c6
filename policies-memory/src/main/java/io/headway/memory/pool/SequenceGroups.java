package io.headway.memory.pool;

import static java.util.Objects.requireNonNull;

import io.headway.api.memory.KvBlockPool;
import io.headway.api.memory.KvDemand;
import io.headway.api.memory.KvOutcome;
import io.headway.api.memory.KvTier;
import io.headway.api.memory.OwnerKind;
import io.headway.api.memory.PrefixAttributes;
import io.headway.api.memory.ReleaseOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Admits, grows and preempts groups of sequences over a pool as PagedAttention describes it (Kwon
 * et al., SOSP 2023, sections 4.4 and 4.5): first come first served, all blocks of a group or none.
 *
 * <p>A group is the set of sequences forked from one admission. When a running sequence needs a
 * block and none is free, the group that arrived last gives way, all its sequences together:
 *
 * <ul>
 *   <li>by <em>recompute</em>: its blocks are released and the group goes to the front of the
 *       waiting list; its prompt is then prompt plus generated tokens;
 *   <li>by <em>swap</em>: its blocks move to the host; while a group is swapped out nothing new is
 *       admitted, and the earliest arrival comes back first. Without room on the host it is
 *       recomputed instead.
 * </ul>
 *
 * <p>If the victim is the requester's own group it stops there and waits; if that group is alone
 * and still cannot grow it fails, since preempting itself would go on for ever.
 *
 * <p>For engines that run without the SDK's scheduler and for comparisons with published behaviour;
 * not a hot path. Not thread-safe.
 *
 * @param <K> name of a sequence or group, with value equality
 */
public final class SequenceGroups<K> {

  /** How a preempted group comes back. */
  public enum Recovery {
    /** Always by recompute. */
    RECOMPUTE,
    /** By swap while the host has room. */
    SWAP,
    /** Groups of one sequence by recompute, larger ones by swap: the early vLLM engine. */
    AUTO
  }

  /** What became of a call. */
  public enum Result {
    /** Done. */
    OK,
    /** Not now; nothing changed. */
    LATER,
    /** Not at this pool size; nothing changed. */
    NEVER,
    /** The group is alone and cannot grow: it was released. */
    FAILED,
    /** The requester's own group was preempted; nothing was appended. */
    PREEMPTED
  }

  /**
   * One preemption.
   *
   * @param <K> name of a group
   * @param group who gave way
   * @param swapped true if its blocks went to the host, false if it must be recomputed
   */
  public record Preemption<K>(K group, boolean swapped) {}

  private static final class Sequence<K> {
    final K group;
    final long owner;
    int length;

    Sequence(K group, long owner, int length) {
      this.group = group;
      this.owner = owner;
      this.length = length;
    }
  }

  private final KvBlockPool pool;
  private final Recovery recovery;

  /** In order of creation. */
  private final Map<K, Sequence<K>> sequences = new LinkedHashMap<>();

  /** Every group that runs, waits or is swapped out, in order of first admission. */
  private final List<K> arrivals = new ArrayList<>();

  private final List<K> waiting = new ArrayList<>();
  private final List<K> swapped = new ArrayList<>();
  private final List<Preemption<K>> preempted = new ArrayList<>();

  /**
   * Makes an empty set of groups.
   *
   * @param pool pool that nobody else uses
   * @param recovery how preempted groups come back
   */
  public SequenceGroups(KvBlockPool pool, Recovery recovery) {
    this.pool = requireNonNull(pool, "pool");
    this.recovery = requireNonNull(recovery, "recovery");
  }

  /**
   * Admits a sequence: a new group, one more sequence of a group, or one that was preempted by
   * recompute and keeps its place in the order of arrivals.
   *
   * @param name the sequence, not known yet
   * @param group its group
   * @param tokens tokens to compute, at least 1
   * @return OK, LATER or NEVER
   * @throws IllegalArgumentException if the sequence is known or {@code tokens} is below 1
   */
  public Result admit(K name, K group, int tokens) {
    KvDemand demand = KvDemand.uncached(tokens);
    requireNew(name);
    requireNonNull(group, "group");
    // What can never fit is said at once, also while swapped groups hold new ones back.
    KvOutcome outcome = pool.check(pool.newKeys(PrefixAttributes.NONE), demand);
    if (outcome.ok() && !swapped.isEmpty()) {
      return Result.LATER;
    }
    if (!outcome.ok()) {
      return result(outcome);
    }
    long owner = pool.open(OwnerKind.SEQUENCE);
    pool.tryAllocate(owner, demand);
    sequences.put(name, new Sequence<>(group, owner, tokens));
    waiting.remove(group);
    if (!arrivals.contains(group)) {
      arrivals.add(group);
    }
    return Result.OK;
  }

  /**
   * Adds a sequence that shares every block of another one and belongs to its group.
   *
   * @param parent known sequence on the device
   * @param child name of the new one
   * @return OK, or LATER or NEVER if the pool charges forks and has no room
   * @throws IllegalArgumentException if the parent is unknown or the child is known
   * @throws IllegalStateException if the parent is swapped out
   */
  public Result fork(K parent, K child) {
    Sequence<K> from = require(parent);
    requireNew(child);
    long owner = pool.open(OwnerKind.SEQUENCE);
    KvOutcome outcome;
    try {
      outcome = pool.fork(from.owner, owner);
    } catch (IllegalStateException e) {
      pool.release(owner, ReleaseOrder.DEEPEST_FIRST);
      throw e;
    }
    if (!outcome.ok()) {
      pool.release(owner, ReleaseOrder.DEEPEST_FIRST);
      return result(outcome);
    }
    sequences.put(child, new Sequence<>(from.group, owner, from.length));
    return Result.OK;
  }

  /**
   * Makes room for one more token.
   *
   * @param name known sequence
   * @return OK, LATER if a block is needed and none is free or the sequence is swapped out, NEVER
   *     if the sequence has outgrown the pool
   * @throws IllegalArgumentException if the sequence is unknown
   */
  public Result append(K name) {
    Sequence<K> sequence = require(name);
    if (pool.tier(sequence.owner) == KvTier.HOST) {
      return Result.LATER;
    }
    KvOutcome outcome = pool.growTo(sequence.owner, sequence.length + 1);
    if (outcome.ok()) {
      sequence.length++;
    }
    return result(outcome);
  }

  /**
   * Makes room for one more token, preempting the latest arrivals until it is there. {@link
   * #preempted} tells who gave way.
   *
   * @param name known sequence
   * @return OK, PREEMPTED, FAILED, or LATER if the sequence is swapped out
   * @throws IllegalArgumentException if the sequence is unknown
   */
  public Result appendPreempting(K name) {
    preempted.clear();
    Sequence<K> sequence = require(name);
    if (pool.tier(sequence.owner) == KvTier.HOST) {
      return Result.LATER;
    }
    while (append(name) != Result.OK) {
      K victim = latestOnDevice();
      if (victim.equals(sequence.group)) {
        if (isAlone(victim)) {
          members(victim).forEach(this::free);
          return Result.FAILED;
        }
        preempt(victim);
        return Result.PREEMPTED;
      }
      preempt(victim);
    }
    return Result.OK;
  }

  /**
   * Ends a sequence.
   *
   * @param name known sequence
   * @throws IllegalArgumentException if the sequence is unknown
   */
  public void free(K name) {
    Sequence<K> sequence = require(name);
    pool.release(sequence.owner, ReleaseOrder.DEEPEST_FIRST);
    sequences.remove(name);
    if (members(sequence.group).isEmpty()) {
      arrivals.remove(sequence.group);
      swapped.remove(sequence.group);
    }
  }

  /**
   * Brings the earliest-arrived swapped group back.
   *
   * @return OK, or LATER if the device has no room above the watermark
   * @throws IllegalStateException if no group is swapped out
   */
  public Result swapIn() {
    K group = earliestSwapped();
    if (group == null) {
      throw new IllegalStateException("swapIn needs a swapped group, but none is swapped out");
    }
    long[] owners = owners(group);
    if (!pool.swapIn(owners, owners.length).ok()) {
      return Result.LATER;
    }
    swapped.remove(group);
    return Result.OK;
  }

  /**
   * Returns whether a sequence is known: admitted or forked, and neither freed nor recomputed.
   *
   * @param name any name
   * @return true if calls with this name are legal
   */
  public boolean contains(K name) {
    return sequences.containsKey(name);
  }

  /**
   * Returns the known sequences.
   *
   * @return names in order of creation; a copy
   */
  public List<K> sequences() {
    return List.copyOf(sequences.keySet());
  }

  /**
   * Returns the pool's owner of a sequence.
   *
   * @param name known sequence
   * @return its handle
   * @throws IllegalArgumentException if the sequence is unknown
   */
  public long owner(K name) {
    return require(name).owner;
  }

  /**
   * Returns the groups that wait for recomputation.
   *
   * @return groups, the next one first; a copy
   */
  public List<K> waiting() {
    return List.copyOf(waiting);
  }

  /**
   * Returns the groups that are swapped out.
   *
   * @return groups, the earliest arrival first; a copy
   */
  public List<K> swapped() {
    List<K> inOrder = new ArrayList<>(arrivals);
    inOrder.retainAll(swapped);
    return inOrder;
  }

  /**
   * Returns who gave way in the last {@link #appendPreempting}.
   *
   * @return preemptions in order; a copy
   */
  public List<Preemption<K>> preempted() {
    return List.copyOf(preempted);
  }

  private void preempt(K group) {
    long[] owners = owners(group);
    boolean swap = recovery == Recovery.SWAP || (recovery == Recovery.AUTO && owners.length > 1);
    if (swap && pool.swapOut(owners, owners.length).ok()) {
      swapped.add(group);
      preempted.add(new Preemption<>(group, true));
      return;
    }
    for (K name : members(group)) {
      pool.release(require(name).owner, ReleaseOrder.DEEPEST_FIRST);
      sequences.remove(name);
    }
    waiting.add(0, group);
    preempted.add(new Preemption<>(group, false));
  }

  private K latestOnDevice() {
    for (int i = arrivals.size() - 1; i >= 0; i--) {
      if (isOnDevice(arrivals.get(i))) {
        return arrivals.get(i);
      }
    }
    throw new IllegalStateException("no group has blocks on the device");
  }

  private boolean isOnDevice(K group) {
    return !swapped.contains(group) && !members(group).isEmpty();
  }

  private boolean isAlone(K group) {
    for (K other : arrivals) {
      if (!other.equals(group) && isOnDevice(other)) {
        return false;
      }
    }
    return true;
  }

  private @Nullable K earliestSwapped() {
    for (K group : arrivals) {
      if (swapped.contains(group)) {
        return group;
      }
    }
    return null;
  }

  private List<K> members(K group) {
    List<K> names = new ArrayList<>();
    sequences.forEach(
        (name, sequence) -> {
          if (sequence.group.equals(group)) {
            names.add(name);
          }
        });
    return names;
  }

  private long[] owners(K group) {
    List<K> names = members(group);
    long[] owners = new long[names.size()];
    for (int i = 0; i < owners.length; i++) {
      owners[i] = require(names.get(i)).owner;
    }
    return owners;
  }

  private Sequence<K> require(K name) {
    Sequence<K> sequence = sequences.get(name);
    if (sequence == null) {
      throw new IllegalArgumentException("name must be a known sequence, but was " + name);
    }
    return sequence;
  }

  private void requireNew(K name) {
    if (sequences.containsKey(requireNonNull(name, "name"))) {
      throw new IllegalArgumentException("name must be new, but " + name + " is known already");
    }
  }

  private static Result result(KvOutcome outcome) {
    return switch (outcome.verdict()) {
      case OK -> Result.OK;
      case LATER -> Result.LATER;
      case NEVER -> Result.NEVER;
    };
  }
}
