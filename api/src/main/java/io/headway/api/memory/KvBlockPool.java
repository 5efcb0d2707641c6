package io.headway.api.memory;

import io.headway.api.ProvidedByRuntime;
import io.headway.api.Request;

/**
 * Hands out, shares, caches and takes back the KV blocks of one instance.
 *
 * <p><b>Contract.</b> A pool accounts and never moves bytes: what the engine must copy comes out of
 * {@link #drainMoves}, in order. Every call that can be refused is all-or-nothing and answers with
 * a {@link KvOutcome}; unless it is OK, nothing changed, recency included. Calls that break the
 * contract (an owner that is not live, a second release, a negative number) throw and change
 * nothing. Equal sequences of calls give equal block ids, victims, moves and events. A block that
 * is referenced, pinned or part of a running transfer is never evicted, never handed out and never
 * written by anyone else.
 *
 * <p><b>Life of an owner.</b> {@link #open} makes an empty owner; {@link #tryAllocate} gives it its
 * first blocks, prefix hits included; {@link #growTo} extends it; {@link #publish} makes its full
 * blocks matchable once the step that computed them has completed; {@link #release} ends it. An
 * owner that is {@linkplain #pin pinned} keeps its blocks through {@code release} until the last
 * {@link #unpin}: that is how blocks outlive their sequence while a plan in flight or a transfer
 * still uses them.
 *
 * <p><b>Planning in two phases.</b> After {@link #savepoint} every change is recorded and {@link
 * #rollbackTo} undoes it completely: tables, reference counts, order of eviction, keys, moves and
 * events are as they were. {@link #commit} makes the changes final. Without a savepoint nothing is
 * recorded and changes are final at once.
 *
 * <p><b>Steady state.</b> While a sequence decodes within its last block the pool need not be
 * called at all; {@link #writableTokens} says until when. Calls allocate no memory once internal
 * arrays have reached their working size.
 *
 * <p>Not thread-safe: one thread at a time, as the scheduler that owns it.
 */
@ProvidedByRuntime
public interface KvBlockPool extends KvPoolView {

  /**
   * Makes an empty chain of block keys with this pool's hash function and block size.
   *
   * @param attributes what separates the sequence's blocks from others'
   * @return a new chain; the caller appends tokens to it
   */
  BlockKeyChain newKeys(PrefixAttributes attributes);

  /**
   * Makes the chain of block keys of a request's prompt: from its token ids if it has them, else
   * from the block keys that came with it, else without blocks, so that it never hits the cache.
   *
   * @param request request whose prompt is to be named
   * @return a new chain; the caller appends output tokens if it {@linkplain BlockKeyChain#hasTokens
   *     has tokens}
   */
  default BlockKeyChain newKeys(Request request) {
    return newKeys(request, PrefixAttributes.of(request));
  }

  /**
   * Makes the chain of block keys of a request's prompt, as {@link #newKeys(Request)}, but
   * separated from others by given attributes. Keys beyond the prompt's whole blocks are ignored.
   *
   * @param request request whose prompt is to be named
   * @param attributes what separates its blocks from others'
   * @return a new chain
   */
  default BlockKeyChain newKeys(Request request, PrefixAttributes attributes) {
    if (request.hasTokenIds()) {
      BlockKeyChain keys = newKeys(attributes);
      for (int i = 0; i < request.promptTokens(); i++) {
        keys.append(request.tokenId(i));
      }
      return keys;
    }
    int blockTokens = geometry().groups().get(0).blockTokens();
    long[] given =
        new long[Math.min(request.blockKeyCount(), request.promptTokens() / blockTokens)];
    for (int i = 0; i < given.length; i++) {
      given[i] = request.blockKey(i);
    }
    return BlockKeyChain.precomputed(given, 1, blockTokens, attributes);
  }

  /**
   * Makes an owner without blocks and without keys: its blocks are never matchable.
   *
   * @param kind what it stands for
   * @return its handle
   */
  long open(OwnerKind kind);

  /**
   * Makes an owner without blocks whose content is named by a chain. The pool keeps the chain and
   * reads it on {@link #tryAllocate} and {@link #publish}; the caller goes on appending to it.
   *
   * @param kind what it stands for
   * @param keys content of the sequence
   * @return its handle
   * @throws IllegalArgumentException if the chain's block size is not the pool's
   */
  long open(OwnerKind kind, BlockKeyChain keys);

  /**
   * Gives an owner without blocks its first blocks: touches the prefix hits, then takes the rest
   * from the head of the eviction order.
   *
   * <p>With {@code need} blocks for the demanded length, {@code hits} of them cached and {@code
   * idle} of those unreferenced: NEVER if {@code need} exceeds the usable blocks less the pool's
   * watermark; LATER if {@code (need - hits) + idle + watermarks > available - reserved}; else OK.
   *
   * @param owner live owner without blocks
   * @param demand what is needed
   * @return the outcome; with OK read {@link #hitTokens} and {@link #block}
   * @throws IllegalArgumentException if the owner is not live
   * @throws IllegalStateException if it has blocks already or was released
   */
  KvOutcome tryAllocate(long owner, KvDemand demand);

  /**
   * Makes room for an owner to hold and write tokens up to an absolute length: takes new blocks
   * past the end of its table, and replaces a shared block that would be written by a copy (one
   * {@link KvMoveKind#COPY} move). The watermark does not apply. Lengths up to the current one are
   * OK and change nothing.
   *
   * @param owner live owner on the device
   * @param lengthTokens tokens that must have room, at least 0
   * @return the outcome
   * @throws IllegalArgumentException if the owner is not live or the length is negative
   * @throws IllegalStateException if the owner was released or is swapped out
   */
  KvOutcome growTo(long owner, int lengthTokens);

  /**
   * Lets an empty owner share every block of another one. A block that both would write is copied
   * by the first of them that does. Forks of accounted pools are charged in full.
   *
   * @param parent live owner on the device
   * @param child live owner without blocks
   * @return the outcome; a paged pool always answers OK
   * @throws IllegalArgumentException if an owner is not live
   * @throws IllegalStateException if the child has blocks, or an owner was released or is swapped
   *     out
   */
  KvOutcome fork(long parent, long child);

  /**
   * Takes back the room beyond a length, deepest block first: rejected drafts, an aborted chunk.
   *
   * @param owner live owner on the device
   * @param lengthTokens tokens that stay, at least 0
   * @throws IllegalArgumentException if the owner is not live or the length is negative
   * @throws IllegalStateException if the owner was released or is swapped out
   */
  void truncate(long owner, int lengthTokens);

  /**
   * Ends an owner: decrements each of its blocks, and those that nobody else names become
   * available. While the owner is pinned this waits for the last {@link #unpin}, with the same
   * order; until then the owner stays readable and nothing else can be done with it.
   *
   * @param owner live owner
   * @param order order in which its blocks return
   * @throws IllegalArgumentException if the owner is not live
   * @throws IllegalStateException if it was released before
   */
  void release(long owner, ReleaseOrder order);

  /**
   * Keeps an owner's blocks in place through {@link #release} until it is unpinned as often as it
   * was pinned.
   *
   * @param owner live owner, not yet released
   * @throws IllegalArgumentException if the owner is not live
   * @throws IllegalStateException if it was released before
   */
  void pin(long owner);

  /**
   * Takes back one {@link #pin}. The last one carries out a release that was asked for meanwhile.
   *
   * @param owner live owner
   * @throws IllegalArgumentException if the owner is not live
   * @throws IllegalStateException if it is not pinned
   */
  void unpin(long owner);

  /**
   * Tells the pool that the KV of an owner's leading tokens is final: makes full blocks matchable,
   * from the first unpublished one, and gives back blocks that no later token reads (sliding
   * windows). Call it only for tokens that were computed by a completed step and accepted; never
   * for drafts. Nothing becomes matchable for owners without keys and for blocks the chain has no
   * key for.
   *
   * @param owner live owner on the device
   * @param upToTokens leading tokens whose KV is final, at most the room that the owner has
   * @throws IllegalArgumentException if the owner is not live or {@code upToTokens} is out of range
   * @throws IllegalStateException if the owner is swapped out
   */
  void publish(long owner, int upToTokens);

  /**
   * Keeps some positions of an owner and drops the rest (a lossy retention policy decided). Blocks
   * that others share or that are cached are copied, never changed. Emits one {@link
   * KvMoveKind#RECODE} move per pair of source and target block. From then on the owner publishes
   * nothing.
   *
   * @param owner live owner on the device
   * @param keep positions that stay, each below {@code lengthTokens(owner)}
   * @return the outcome; LATER if blocks for the copies are short
   * @throws IllegalArgumentException if the owner is not live or a position is out of range
   * @throws IllegalStateException if the owner was released or is swapped out
   */
  KvOutcome compact(long owner, KeepSet keep);

  /**
   * Moves all blocks of some owners to the host tier and frees them on the device. A block that
   * several of these owners share is moved once and stays shared among them; owners outside the
   * list keep the device copy.
   *
   * @param owners live owners on the device; those that share blocks should go together
   * @param count how many of the array count, at least 1
   * @return OK, or LATER with {@link KvOutcome.Reason#HOST_BLOCKS}
   * @throws IllegalArgumentException if an owner is not live or appears twice
   * @throws IllegalStateException if an owner was released, is pinned or is swapped out
   */
  KvOutcome swapOut(long[] owners, int count);

  /**
   * Moves all blocks of some swapped owners back to the device and frees them on the host. The
   * pool's watermark applies, as for an admission.
   *
   * @param owners live owners on the host; those that share blocks should go together
   * @param count how many of the array count, at least 1
   * @return OK, LATER or NEVER
   * @throws IllegalArgumentException if an owner is not live or appears twice
   * @throws IllegalStateException if an owner was released or is not swapped out
   */
  KvOutcome swapIn(long[] owners, int count);

  /**
   * Copies cached content to the host tier, ahead of its eviction: starts one {@link
   * KvMoveKind#STORE} per leading block of the chain that is on the device and not on the host.
   * Each becomes matchable on the host when its transfer ended well. Unreferenced cached host
   * blocks may be evicted for it, but none of this chain.
   *
   * @param keys content to copy
   * @param upToTokens leading tokens to look at, at least 0
   * @return OK (also when nothing was to be done), or LATER if the host has no room for all of it
   */
  KvOutcome demote(BlockKeyChain keys, int upToTokens);

  /**
   * Copies content from the host tier to the device: starts one {@link KvMoveKind#LOAD} per leading
   * block of the chain that is on the host and not on the device. Each becomes matchable when its
   * transfer ended well, unreferenced and most recently used; nobody owns it before.
   *
   * @param keys content to copy
   * @param upToTokens leading tokens to look at, at least 0
   * @return OK (also when nothing was to be done), LATER, or NEVER if it exceeds the device
   */
  KvOutcome promote(BlockKeyChain keys, int upToTokens);

  /**
   * Ends a {@link KvMoveKind#STORE} or {@link KvMoveKind#LOAD}. After a success the target is
   * matchable; after a failure it is free and was never matchable. Waiting for a peer that may
   * never answer, and giving up, is the caller's part.
   *
   * @param transferId number that the move carried
   * @param succeeded whether all bytes arrived
   * @throws IllegalArgumentException if no such transfer is running
   */
  void endTransfer(int transferId, boolean succeeded);

  /**
   * Makes device blocks unmatchable without freeing them. Blocks without a key are ignored.
   *
   * @param blocks device block ids
   * @param count how many of the array count
   * @throws IllegalArgumentException if an id is not a block of this pool
   */
  void evictKeys(int[] blocks, int count);

  /**
   * Forgets every key of every tier, as after a change of model weights.
   *
   * @return false, and nothing changed, while any block is referenced or part of a transfer
   */
  boolean reset();

  /**
   * Changes the number of device blocks. New ids follow the highest id ever used and go to the tail
   * of the eviction order; removed ids are taken from its tail and never used again.
   *
   * @param deltaBlocks blocks to add, or to remove if negative
   * @return OK, or LATER if fewer blocks than that are available
   */
  KvOutcome resize(int deltaBlocks);

  /**
   * Shows the eviction policy the waiting queue from now on.
   *
   * @param queue live view, read only during calls of this pool
   */
  void observeQueue(KvQueueView queue);

  /**
   * Starts to record changes, if none are recorded yet, and names the present state.
   *
   * @return a number to pass to {@link #rollbackTo}; savepoints nest
   */
  int savepoint();

  /**
   * Undoes every change since a savepoint, completely. The savepoint stays usable; later ones are
   * void.
   *
   * @param savepoint a result of {@link #savepoint} since the last {@link #commit}
   * @throws IllegalArgumentException if it is not
   */
  void rollbackTo(int savepoint);

  /** Makes all changes final, forgets all savepoints and stops recording. */
  void commit();

  /**
   * Hands over the moves decided since the last call, in the order in which the engine must execute
   * them, and forgets them.
   *
   * @param sink receives the moves
   * @throws IllegalStateException between {@link #savepoint} and {@link #commit}
   */
  void drainMoves(KvMoveSink sink);

  /**
   * Hands over what became matchable or ceased to be since the last call, in order, and forgets it.
   * Does nothing if the pool was configured not to record events.
   *
   * @param sink receives the events
   * @throws IllegalStateException between {@link #savepoint} and {@link #commit}
   */
  void drainEvents(KvEventSink sink);
}
