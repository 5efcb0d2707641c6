package io.headway.testkit.subject;

import java.util.Arrays;
import java.util.List;

/**
 * A KV block pool under test, with its prefix cache and host tier. What can be refused is
 * all-or-nothing: a refusal changes nothing. Called from one thread. Methods with a default are for
 * what the subject {@linkplain PoolFactory#features claims}.
 */
public interface PoolSubject {
  /** An entry of a block table that stands for positions nobody reads. */
  int HOLE = -1;

  /**
   * What an allocation answers: nothing was there, or a table of which the first blocks are hits.
   */
  final class Allocation {
    /** A refusal. */
    public static final Allocation REFUSED = new Allocation(false, 0);

    private final boolean granted;
    private final int[] hitTokens;

    private Allocation(boolean granted, int... hitTokens) {
      this.granted = granted;
      this.hitTokens = hitTokens;
    }

    /**
     * Makes a grant.
     *
     * @param hitTokens leading tokens that came from the cache, by group; of all groups if one
     *     number is given
     * @return the answer
     */
    public static Allocation granted(int... hitTokens) {
      return new Allocation(true, hitTokens.clone());
    }

    /**
     * Returns whether blocks were given.
     *
     * @return false for a refusal
     */
    public boolean isGranted() {
      return granted;
    }

    /**
     * Returns how many leading tokens came from the cache of a group.
     *
     * @param group 0 or 1
     * @return tokens
     */
    public int hitTokens(int group) {
      return hitTokens[Math.min(group, hitTokens.length - 1)];
    }

    @Override
    public String toString() {
      return granted ? "hit " + Arrays.toString(hitTokens) : "refused";
    }
  }

  /**
   * Returns whether {@link #allocate} would be granted. Changes nothing.
   *
   * @param content what would be held
   * @return the answer of an allocation made now
   */
  boolean fits(Content content);

  /**
   * Gives a new holder blocks for a content, the longest cached prefix that leaves at least one
   * token to compute included.
   *
   * @param holder number of the holder, which holds nothing: it is new, or was refused before
   * @param content what it will hold
   * @return a grant or a refusal
   */
  Allocation allocate(int holder, Content content);

  /**
   * Gives a holder room for more tokens behind those it has.
   *
   * @param holder a holder on the device
   * @param tokens what is added
   * @return false if there is none
   */
  boolean grow(int holder, int[] tokens);

  /**
   * Makes the full blocks of a holder's leading tokens matchable: they were computed. After a
   * return from the host they are matchable again with the next call. A window may let go of blocks
   * that no later token reads.
   *
   * @param holder a holder on the device
   * @param upToTokens leading tokens that were computed
   */
  void publish(int holder, int upToTokens);

  /**
   * Ends a holder. A pinned one keeps its blocks until it is unpinned.
   *
   * @param holder a holder
   */
  void release(int holder);

  /**
   * Keeps a holder's blocks in place through its release.
   *
   * @param holder a holder that was not released
   */
  void pin(int holder);

  /**
   * Takes a {@link #pin} back.
   *
   * @param holder a pinned holder
   */
  void unpin(int holder);

  /**
   * Moves a holder to the host.
   *
   * @param holder a holder on the device, not pinned, none of whose blocks is being loaded
   * @return false if there is no room
   */
  boolean swapOut(int holder);

  /**
   * Moves a holder back to the device.
   *
   * @param holder a holder on the host
   * @return false if there is no room
   */
  boolean swapIn(int holder);

  /**
   * Forgets everything cached in every tier, or refuses to while anything is held or copied.
   *
   * @return false if it refuses
   */
  boolean clear();

  /**
   * Returns a holder's block table.
   *
   * @param holder a holder
   * @param group cache group, 0 or 1
   * @return block ids in the tier it is in, {@link #HOLE} where nobody reads
   */
  int[] table(int holder, int group);

  /**
   * Returns how many device blocks an allocation could take, cached ones included.
   *
   * @return blocks
   */
  int freeBlocks();

  /** Starts an attempt that may be undone. */
  void begin();

  /** Undoes everything since {@link #begin}, completely. */
  void rollBack();

  /** Makes everything since {@link #begin} final. */
  void commit();

  /**
   * Returns how many host blocks could be taken, cached ones included.
   *
   * @return blocks, or -1 if the subject cannot tell
   */
  default int freeHostBlocks() {
    return -1;
  }

  /**
   * Starts to copy the cached leading blocks of a content to the host, those that are not there.
   * Each becomes matchable on the host when its copy has succeeded. For {@link Feature#TIERS}.
   *
   * @param content what to copy
   * @return false if the host has no room for all of them
   */
  default boolean store(Content content) {
    throw new UnsupportedOperationException("store is for subjects that claim TIERS");
  }

  /**
   * Starts to copy the leading blocks of a content from the host to the device, those that are not
   * there. They are cached on the device when their copies have succeeded; a subject may grant them
   * before. For {@link Feature#TIERS}.
   *
   * @param content what to copy
   * @return false if the device has no room for all of them
   */
  default boolean load(Content content) {
    throw new UnsupportedOperationException("load is for subjects that claim TIERS");
  }

  /**
   * Returns the copies that must be made, those decided since the last call, in order. For {@link
   * Feature#REPORTS_COPIES}.
   *
   * @return the copies
   */
  default List<Copy> copies() {
    return List.of();
  }

  /**
   * Says how a store or a load has ended. For {@link Feature#TIERS}.
   *
   * @param copy one of {@link #copies()}
   * @param succeeded whether all bytes arrived
   */
  default void copied(Copy copy, boolean succeeded) {
    throw new UnsupportedOperationException("copied is for subjects that claim TIERS");
  }

  /**
   * Returns up to where a holder's cached tokens are really there: not behind a block that is still
   * being loaded, or whose load has failed.
   *
   * @param holder a holder on the device
   * @return tokens; {@link Integer#MAX_VALUE} if hits are always there
   */
  default int validTokens(int holder) {
    return Integer.MAX_VALUE;
  }

  /**
   * Names the whole blocks of a content, as another process would ask for them. For {@link
   * Feature#STABLE_KEYS}.
   *
   * @param content any content
   * @return a key per whole block
   */
  default List<String> keys(Content content) {
    return List.of();
  }

  /**
   * Prints everything that could make a difference later: counts, order of eviction, keys.
   *
   * @return equal for equal states; empty if the subject cannot tell
   */
  default String picture() {
    return "";
  }
}
