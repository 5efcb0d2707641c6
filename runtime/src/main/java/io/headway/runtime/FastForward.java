package io.headway.runtime;

import io.headway.api.batching.WorkKind;
import io.headway.api.memory.BlockKeyChain;
import io.headway.api.memory.KvBlockPool;
import io.headway.api.memory.KvOutcome;

/**
 * Repeats a batch of decodes without deciding anew, with exactly the effects that deciding anew
 * would have had.
 */
final class FastForward {
  private final Sequences sequences;
  private final KvBlockPool pool;
  private final Publisher publisher;
  private final Draft draft;
  private final PolicyGuard policy;

  FastForward(Sequences sequences, Publisher publisher, Draft draft, PolicyGuard policy) {
    this.sequences = sequences;
    this.pool = sequences.pool;
    this.publisher = publisher;
    this.draft = draft;
    this.policy = policy;
  }

  /** Returns how often the plan of the last draft may be repeated, at most {@code limit} times. */
  int repeatable(BatchPlan plan, int limit) {
    if (plan.paddingTokens() > 0 || plan.moves() > 0) {
      return 0;
    }
    int repetitions = limit;
    for (int i = 0; i < plan.rows() && repetitions > 0; i++) {
      int s = plan.sequences[i];
      BlockKeyChain chain = sequences.keys[s];
      if (plan.kind(i) != WorkKind.DECODE
          || sequences.hold(s) != Sequences.FREE
          // Its output decides what becomes matchable.
          || (chain != null && chain.hasTokens())) {
        return 0;
      }
      // The token of the plan itself is known already; the last one ends the sequence.
      repetitions = Math.min(repetitions, sequences.limit(s) - sequences.known(s));
    }
    if (repetitions <= 0) {
      return 0;
    }
    repetitions = Math.min(repetitions, policy.repeatableIterations());
    while (repetitions > 0 && blocksFor(plan, repetitions) > pool.availableBlocks()) {
      repetitions /= 2;
    }
    return Math.max(0, repetitions);
  }

  private long blocksFor(BatchPlan plan, int repetitions) {
    long blocks = 0;
    for (int i = 0; i < plan.rows(); i++) {
      int s = plan.sequences[i];
      int length = sequences.computed(s) + repetitions;
      if (length > sequences.writable(s)) {
        blocks += Math.max(0, sequences.blocksFor(length) - sequences.heldBlocks(s));
      }
    }
    return blocks;
  }

  /**
   * Has the pool do what it would have been asked for by deciding anew, in the same order: rows
   * grow in the order of the draft, and give blocks back in the order of the plan.
   */
  void repeat(BatchPlan plan, int repetitions) {
    int before = pool.savepoint();
    try {
      for (int k = 1; k <= repetitions; k++) {
        if (publisher.windowed()) {
          for (int i = 0; i < plan.rows(); i++) {
            int s = plan.sequences[i];
            publisher.computed(s, sequences.computed(s) + k - 1);
          }
        }
        grow(k);
      }
    } catch (Throwable e) {
      pool.rollbackTo(before);
      for (int i = 0; i < plan.rows(); i++) {
        int s = plan.sequences[i];
        sequences.setWritable(s, pool.writableTokens(sequences.owners[s]));
        sequences.setPublished(s, pool.publishedTokens(sequences.owners[s]));
      }
      throw e;
    } finally {
      pool.commit();
    }
    for (int i = 0; i < plan.rows(); i++) {
      sequences.addComputed(plan.sequences[i], repetitions);
    }
  }

  private void grow(int repetition) {
    for (int i = 0; i < draft.draftedCount(); i++) {
      int s = draft.drafted(i);
      int length = sequences.computed(s) + repetition;
      // Whoever was preempted after it had been drafted is in no plan.
      if (length <= sequences.writable(s) || sequences.plansInFlight(s) == 0) {
        continue;
      }
      KvOutcome outcome = pool.growTo(sequences.owners[s], length);
      if (!outcome.ok()) {
        throw new IllegalStateException(
            "the pool had room for all repetitions, but now " + outcome);
      }
      sequences.setWritable(s, pool.writableTokens(sequences.owners[s]));
    }
  }
}
