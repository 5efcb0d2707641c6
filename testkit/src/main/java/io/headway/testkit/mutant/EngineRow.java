package io.headway.testkit.mutant;

import io.headway.api.batching.WorkKind;
import io.headway.testkit.subject.Emission;
import io.headway.testkit.subject.Row;

/**
 * What a request does in a step.
 *
 * @param request the request
 * @param epoch its epoch when the step was planned
 * @param kind prefill, decode or verify
 * @param start position of the first token computed
 * @param count tokens computed
 * @param drafts of these, drafts
 * @param emits whether it yields a token
 * @param pending rows in flight that yield a token, this one included
 */
record EngineRow(
    EngineRequest request,
    int epoch,
    WorkKind kind,
    int start,
    int count,
    int drafts,
    boolean emits,
    int pending) {
  int end() {
    return start + count;
  }

  Row shown() {
    int[] blocks = request.table.stream().mapToInt(Integer::intValue).toArray();
    return new Row(request.id(), kind, start, count, blocks, emits ? Emission.YES : Emission.NO);
  }
}
