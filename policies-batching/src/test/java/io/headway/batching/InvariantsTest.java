package io.headway.batching;

import net.jqwik.api.domains.Domain;
import net.jqwik.api.domains.DomainContext;

/** What must hold for every policy and every product of parts. */
@Domain(Policies.class)
@Domain(Workloads.class)
@Domain(DomainContext.Global.class)
class InvariantsTest extends PolicyProperties {}
