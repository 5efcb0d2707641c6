package io.headway.batching.fairness;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import io.headway.api.batching.FairnessLedger;
import io.headway.api.batching.QueueOrder;
import io.headway.api.batching.ServedSequences;

/**
 * Orders the queue by what tenants have received: the tenant with the least key of a {@link
 * FairnessLedger} is next, with its earliest sequence. Ties between tenants end in their names,
 * within a tenant in (arrival, id).
 *
 * <p>O(log tenants + log waiting) per event; with keys that move together, O(waiting) per
 * admission. Thread-safe; its state is the ledger's.
 *
 * @param <S> the ledger's state
 */
public final class FairShareOrder<S> implements QueueOrder<S> {
  private final FairnessLedger<S> ledger;

  private FairShareOrder(FairnessLedger<S> ledger) {
    this.ledger = requireNonNull(ledger, "ledger");
  }

  /**
   * Makes the order of a ledger.
   *
   * @param ledger what tenants have received
   * @param <S> the ledger's state
   * @return the order
   */
  public static <S> FairShareOrder<S> of(FairnessLedger<S> ledger) {
    return new FairShareOrder<>(ledger);
  }

  @Override
  public String id() {
    return ledger.id();
  }

  @Override
  public S newState() {
    return ledger.newState();
  }

  @Override
  public Claims claims() {
    return ledger.claims();
  }

  @Override
  public KeyChange keyChange() {
    return ledger.movesTogether() ? KeyChange.ANY_TIME : KeyChange.PER_TENANT;
  }

  @Override
  public int compare(S state, BatchView view, int a, int b) {
    int tenantA = view.tenant(a);
    int tenantB = view.tenant(b);
    return tenantA == tenantB
        ? view.compareArrival(a, b)
        : compareTenants(state, view, tenantA, tenantB);
  }

  @Override
  public int compareTenants(S state, BatchView view, int a, int b) {
    int byKey = Double.compare(ledger.key(state, a), ledger.key(state, b));
    if (byKey != 0 || a == b) {
      return byKey;
    }
    int byName = view.tenantName(a).compareTo(view.tenantName(b));
    return byName != 0 ? byName : Integer.compare(a, b);
  }

  @Override
  public void onQueued(S state, BatchView view, int sequence) {
    ledger.onQueued(state, view, sequence);
  }

  @Override
  public void onAdmitted(S state, BatchView view, int sequence, int cachedTokens) {
    ledger.onAdmitted(state, view, sequence, cachedTokens);
  }

  @Override
  public void onPreempted(S state, BatchView view, int sequence) {
    ledger.onPreempted(state, view, sequence);
  }

  @Override
  public void onServed(S state, BatchView view, ServedSequences served) {
    ledger.onServed(state, view, served);
  }

  @Override
  public int bulkIterations(S state, BatchView view) {
    return ledger.bulkIterations(state, view);
  }

  @Override
  public void onEnded(S state, BatchView view, int sequence, End end) {
    ledger.onEnded(state, view, sequence, end);
  }

  @Override
  public void onTenantForgotten(S state, int tenant) {
    ledger.onTenantForgotten(state, tenant);
  }
}
