package io.headway.batching.systems;

import io.headway.api.config.PolicyCatalog;
import io.headway.api.config.PolicyProvider;
import java.util.ArrayList;
import java.util.List;

/** Offers the batching policies of this module, and the parts they are made of, by name. */
public final class BatchingPolicies implements PolicyCatalog {
  /** Makes the catalogue; {@link java.util.ServiceLoader} calls this. */
  public BatchingPolicies() {}

  @Override
  public List<PolicyProvider> providers() {
    List<PolicyProvider> all = new ArrayList<>();
    all.add(StaticFcfs.provider());
    all.add(Orca.provider());
    all.add(VllmV1.provider());
    all.add(Sarathi.provider());
    all.add(SarathiServe.provider());
    all.add(Vtc.provider());
    all.add(Isrtf.provider());
    all.add(Scls.provider());
    all.add(BucketServe.provider());
    all.add(SloAware.provider());
    all.add(Qlm.provider());
    all.add(FineInfer.provider());
    all.add(Uellm.provider());
    all.add(SortedFServing.provider());
    all.add(McSf.provider());
    all.add(AlphaProtection.provider());
    all.add(BatchLane.provider());
    all.add(FastServe.provider());
    all.add(Dlpm.provider());
    all.add(Ssjf.provider());
    all.add(LearnedRank.provider());
    all.add(Alise.provider());
    all.add(PastFuture.provider());
    all.add(Autellix.provider());
    all.add(Lamps.provider());
    all.add(Andes.provider());
    all.add(TokenFlow.provider());
    all.add(FairBatching.provider());
    all.add(SlosServe.provider());
    all.add(Equinox.provider());
    all.add(Shepherd.provider());
    all.add(BatchLlm.provider());
    all.add(BlendServe.provider());
    all.add(ConServe.provider());
    all.add(Parts.compose());
    all.addAll(Parts.orders());
    all.addAll(Parts.ledgers());
    all.addAll(Parts.admissions());
    all.addAll(Parts.compositions());
    all.addAll(Parts.victims());
    all.addAll(PlanningParts.all());
    all.addAll(PreemptiveParts.orders());
    all.addAll(PreemptiveParts.admissions());
    all.addAll(PreemptiveParts.compositions());
    all.addAll(PreemptiveParts.victims());
    all.addAll(SloParts.providers());
    return List.copyOf(all);
  }
}
