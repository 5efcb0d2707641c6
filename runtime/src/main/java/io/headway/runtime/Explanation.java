package io.headway.runtime;

import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.SequenceState;

/**
 * Where one request stands and why.
 *
 * @param requestId which request
 * @param state where it stands
 * @param ahead how many stand before it in the arrival-ordered queue; 0 unless queued
 * @param lastAnswer what its last admission attempt was answered; DONE if none was made or it runs
 * @param needTokens tokens it could compute now, prefix hits not deducted
 * @param neededBlocks blocks for everything it knows
 * @param heldBlocks blocks it holds
 * @param freeBlocks blocks that could be allocated now
 * @param freeSlots slots that could be granted now
 * @param preemptions how often it was preempted
 * @param policyId who decides at present
 * @param policyReason what that policy says about it; empty if nothing
 */
public record Explanation(
    String requestId,
    SequenceState state,
    int ahead,
    DraftOutcome lastAnswer,
    int needTokens,
    int neededBlocks,
    int heldBlocks,
    int freeBlocks,
    int freeSlots,
    int preemptions,
    String policyId,
    String policyReason) {}
