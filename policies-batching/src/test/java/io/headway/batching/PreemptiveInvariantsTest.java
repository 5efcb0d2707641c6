package io.headway.batching;

import net.jqwik.api.domains.Domain;
import net.jqwik.api.domains.DomainContext;

/** What must hold for every policy of those that reorder. */
@Domain(PreemptivePolicies.class)
@Domain(Workloads.class)
@Domain(DomainContext.Global.class)
class PreemptiveInvariantsTest extends PolicyProperties {}
