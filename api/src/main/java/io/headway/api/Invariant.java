package io.headway.api;

/**
 * The forty rules no scheduler, pool or router may break, numbered as in the documentation, the
 * decision log and the testkit. Errors name them by {@link #code()}.
 */
public enum Invariant {
  /**
   * After every record, each arrived request is in exactly one of: waiting, deferred, running,
   * preempted, transferring, terminal.
   */
  INV_01(1, "Request conservation"),
  /** Transitions follow the declared state machine. */
  INV_02(2, "Legal lifecycle, terminal finality and isolation of control actions"),
  /**
   * For each STEP: scheduled requests are all running; no request appears twice; preempted and
   * scheduled sets are disjoint; declared totals equal sums; everything a victim had been given in
   * this step (tokens, blocks, encoder slots, adapter slots) is given back before it is handed on.
   */
  INV_03(3, "Decision closure"),
  /**
   * An admission, allocation, load-back or route attempt that does not succeed leaves every
   * observable (free counts, ref counts, pins, ledgers, latches, memos, LRU order, transfers
   * started) as it was before.
   */
  INV_04(4, "Atomic attempt"),
  /**
   * sum n &lt;= T per step, drafts included; each chunk at most the smallest of the configured caps
   * that the executor must obey; other per-step budgets (encoder, prefill-only) likewise.
   */
  INV_05(5, "Token and auxiliary budgets"),
  /**
   * Running requests at most S; distinct adapters in the step (requests staged earlier in the same
   * decision included, "no adapter" counted if it takes a slot) at most the cap; per-instance
   * concurrency at most its cap.
   */
  INV_06(6, "Slot, adapter and concurrency caps"),
  /**
   * Every scheduled n &gt;= 1 and starts at the request's current computed position; it never
   * passes the end of known tokens (drafts excepted).
   */
  INV_07(7, "Positive, contiguous, complete work"),
  /**
   * In every pool, tier and cache group: free + held + evictable + reserved = N with the four sets
   * disjoint; the free list has no duplicates.
   */
  INV_08(8, "Block conservation"),
  /**
   * A block's count equals its number of distinct live holders (requests, counted once each; pins;
   * transfers); it is never negative; it is zero exactly when the block is free or evictable.
   */
  INV_09(9, "Reference truth"),
  /** A writable block has one holder. */
  INV_10(10, "No aliasing, no use after release"),
  /**
   * When scheduled, a request holds exactly the blocks needed for computed + n tokens plus declared
   * look-ahead, by the one formula both scheduler and executor use.
   */
  INV_11(11, "Sufficiency"),
  /** If the check says "fits", the allocation in the same decision succeeds. */
  INV_12(12, "Sound capacity check"),
  /**
   * With no live request and no running transfer: held = 0, free + evictable = N, pins = 0, every
   * per-request map is empty, every ledger, reservation and gauge is zero, every latch is clear.
   */
  INV_13(13, "Quiescence"),
  /**
   * A hit of h tokens is granted only if tokens 0..h-1 and every isolation attribute (tenant or
   * salt, adapter, media content, model, block size, group) equal those under which the blocks were
   * computed.
   */
  INV_14(14, "Key soundness and isolation"),
  /**
   * A block becomes matchable only after its tokens were computed by a completed step (or verified
   * by a completed load) and accepted; never from a dropped, failed, aborted or same-step
   * computation when the consumer needs the result in that step.
   */
  INV_15(15, "Computed before shared"),
  /** A content key resolves to block b if and only if b currently holds that content. */
  INV_16(16, "Index agrees with pool"),
  /**
   * A usable hit is contiguous from token 0 in every cache group; the granted length is what all
   * groups can serve.
   */
  INV_17(17, "Contiguity and tail-first eviction"),
  /**
   * If nothing was evicted since, an identical request with the same isolation key gets at least
   * floor((P-1)/B)*B tokens (or the group-wise equivalent), in whichever slot or worker of the same
   * cache it lands, cold paths included.
   */
  INV_18(18, "Hit completeness"),
  /**
   * Among requests eligible at the same decision, admission follows the declared total order; a
   * request overtakes another only through a bypass rule the policy declares.
   */
  INV_19(19, "Policy order"),
  /** A victim ranks strictly below its beneficiary and no eligible request ranks lower. */
  INV_20(20, "Legal victims, no priority inversion"),
  /**
   * After a decision, every running request that is neither preempted nor blocked by a declared
   * reason has n &gt;= 1, unless the budget is used up; in that case it is served within k further
   * steps per running * n of budget.
   */
  INV_21(21, "Running-set service"),
  /** Every preemption frees capacity that its beneficiary uses in the same decision. */
  INV_22(22, "Effective, non-thrashing preemption"),
  /**
   * If some waiting or preempted request fits into free plus evictable capacity, slots and budget,
   * the next k decisions are not all empty.
   */
  INV_23(23, "Work conservation and wake-up"),
  /** With finitely many arrivals every accepted request terminates. */
  INV_24(24, "Bounded waiting"),
  /**
   * A request that cannot be completed on an otherwise empty system (capacity, rounding, budget,
   * window, alignment) is rejected at arrival or at most k decisions later and never blocks or
   * kills others; a configuration that makes acceptable requests unservable is refused at start.
   */
  INV_25(25, "Unservable is refused"),
  /**
   * A request waiting for an external event, adapter, encoder slot or capacity does not keep others
   * waiting whose progress does not depend on it, least of all those holding what it needs.
   */
  INV_26(26, "No circular or head-of-line wait"),
  /**
   * Every flag, memo, cached count or snapshot used by a decision equals its recomputation from
   * primary state at that moment (or is within its declared lag).
   */
  INV_27(27, "Freshness of derived state"),
  /** Reserved placeholders equal results outstanding, and are never negative. */
  INV_28(28, "In-flight epoch consistency"),
  /**
   * With d drafts verified and a accepted (zero, empty output included) the computed position ends
   * at position + 1 + a or rolls back fully when nothing was sampled.
   */
  INV_29(29, "Speculation accounting"),
  /**
   * Output positions of a request are 0,1,2,... without gap or repeat across preemption, retry and
   * migration; at most M in total; remaining minimum, maximum and similar limits are re-based when
   * work moves; a request whose state cannot be moved is not moved.
   */
  INV_30(30, "Exactly-once output"),
  /** Each transfer ends exactly once. */
  INV_31(31, "Transfer pairing and pinning"),
  /** An entry's recorded tier holds its bytes. */
  INV_32(32, "Tier truth"),
  /**
   * The chosen instance is, at decision time, live, ready, role-compatible and not draining in the
   * router's own authoritative view; affinity never overrides that.
   */
  INV_33(33, "Routable target"),
  /**
   * For each instance incarnation the tracked load equals the sum over outstanding requests routed
   * to it, is never negative, and is charged in the same action as the choice.
   */
  INV_34(34, "Load ledger"),
  /**
   * The prefix score of an instance is at most the contiguous hit it would really serve, up to the
   * declared lag.
   */
  INV_35(35, "Router index truth"),
  /**
   * With identical instances and requests, counts differ by at most Delta [2 for one router]; ties
   * are not always broken the same way; a refresh does not erase what the router did after the
   * snapshot; an older snapshot never replaces a newer one; affinity is bounded by a declared load
   * gap, and a cold miss looks at load.
   */
  INV_36(36, "Balance"),
  /**
   * For any interval in which flows f and g are both backlogged, |W_f/w_f - W_g/w_g| &lt;= bound; a
   * flow that returns from idleness gets no credit for it; order keys depending on service are
   * current when used; ageing does not saturate.
   */
  INV_37(37, "Fair-share bound"),
  /**
   * A flow or band with a queued or running request is never collected or invisible to dispatch;
   * its limits (count, bytes) are enforced with correct accounting, and refusals are propagated to
   * the caller.
   */
  INV_38(38, "Flow and band containment"),
  /**
   * Same configuration, seed and event sequence give a byte-identical trace, independent of map
   * order, wall clock, process or memory addresses.
   */
  INV_39(39, "Determinism"),
  /**
   * Gauges equal the state after every change, also without a step in between; counters are
   * monotone and equal to the number of trace records; parts sum to the total.
   */
  INV_40(40, "Truthful metrics");

  private final String code;
  private final String title;

  Invariant(int number, String title) {
    this.code = (number < 10 ? "INV-0" : "INV-") + number;
    this.title = title;
  }

  /**
   * Returns the stable code.
   *
   * @return for example {@code INV-07}
   */
  public String code() {
    return code;
  }

  /**
   * Returns the rule in a few words.
   *
   * @return for example {@code Positive, contiguous, complete work}
   */
  public String title() {
    return title;
  }
}
