/**
 * What runs next inside one instance: the batch of each iteration, the order of the queue, who may
 * start and who yields.
 *
 * <p>A {@link io.headway.api.batching.BatchingPolicy} reads a {@link
 * io.headway.api.batching.BatchView} and writes into a {@link io.headway.api.batching.BatchDraft},
 * which accepts or refuses each step and keeps every invariant whatever the policy does. The four
 * parts of a composed policy are {@link io.headway.api.batching.QueueOrder}, {@link
 * io.headway.api.batching.AdmissionTest}, {@link io.headway.api.batching.BatchComposer} and {@link
 * io.headway.api.batching.VictimSelector}.
 *
 * <p>The reference model: a sequence has {@code computed} tokens whose KV is stored and {@code
 * known = prompt + generated} tokens; scheduling {@code n <= need = known - computed} of them
 * stores n more entries, and an iteration in which {@code n == need} emits exactly one output
 * token. A decode is {@code n = 1}. The last emitted token is never written, so a request ends
 * holding {@code prompt + output - 1} entries.
 *
 * <p>Sequences are dense ints, valid from queueing to end; {@link
 * io.headway.api.batching.BatchView#NONE} stands for none.
 */
@NullMarked
package io.headway.api.batching;

import org.jspecify.annotations.NullMarked;
