package io.headway.runtime;

import io.headway.api.InstanceState;
import io.headway.api.Role;

/**
 * The load of one instance at one moment, as policies see it.
 *
 * @param id its name
 * @param incarnation which life
 * @param role what it does
 * @param state its life-cycle state
 * @param ageNanos age of the last observation; {@link Long#MAX_VALUE} if there is none
 * @param waiting queued requests
 * @param running running requests
 * @param inFlight requests of this router that are not over
 * @param waitingPromptTokens prompt tokens still to compute of queued requests
 * @param runningContextTokens context of running requests
 * @param usedBlocks KV blocks in use
 * @param backlogNanos calibrated remaining service time
 * @param requestsPerSecond rate of this router's requests
 * @param violationRate share of recent completions that missed their deadline
 */
public record InstanceLoad(
    String id,
    int incarnation,
    Role role,
    InstanceState state,
    long ageNanos,
    int waiting,
    int running,
    int inFlight,
    long waitingPromptTokens,
    long runningContextTokens,
    int usedBlocks,
    long backlogNanos,
    double requestsPerSecond,
    double violationRate) {
  static InstanceLoad of(Member member) {
    return new InstanceLoad(
        member.id(),
        member.incarnation(),
        member.role(),
        member.state(),
        member.ageNanos(),
        member.waiting(),
        member.running(),
        member.inFlight(),
        member.waitingPromptTokens(),
        member.runningContextTokens(),
        member.usedBlocks(),
        member.backlogNanos(),
        member.requestsPerSecond(),
        member.violationRate());
  }
}
