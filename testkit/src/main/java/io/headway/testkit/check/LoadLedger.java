package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * INV-34: the load that a router counts is what it has routed. Every request is charged in the same
 * action as it is routed, once, and each charge is taken back once, from the same life of the same
 * instance; no balance is negative; a request that is not over is not struck off for its age; and
 * what a decision saw in flight is the balance.
 */
final class LoadLedger extends Checker {
  private static final Set<String> AGES = Set.of("expired", "expire", "age", "reaped", "idle");

  private record Account(String instance, long incarnation) {}

  private record Entry(Account account, String request, String phase) {}

  private final Map<Account, Long> balances = new HashMap<>();
  private final Map<Entry, Long> entries = new HashMap<>();
  private TraceEvent.@Nullable Route uncharged;

  LoadLedger() {
    super(Invariant.INV_34);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.Ledger e) {
      ledger(e, before);
    } else {
      settle();
      if (event instanceof TraceEvent.Route e) {
        routes(e);
      } else if (event instanceof TraceEvent.InstanceState e
          && "down".equals(e.state())
          && e.instance() != null) {
        entries.keySet().removeIf(entry -> entry.account().instance().equals(e.instance()));
        balances.keySet().removeIf(account -> account.instance().equals(e.instance()));
      } else if (event instanceof TraceEvent.Drained) {
        balances.forEach(
            (account, balance) -> {
              if (balance != 0) {
                violated("at rest " + balance + " is charged to " + account.instance());
              }
            });
      }
    }
  }

  private void ledger(TraceEvent.Ledger e, TraceState before) {
    String r = e.r();
    String instance = e.instance();
    Long amount = e.amount();
    if (r == null || instance == null || amount == null) {
      missing(r == null ? "LEDGER.r" : instance == null ? "LEDGER.instance" : "LEDGER.amount");
      return;
    }
    exercised();
    if (uncharged != null && uncharged.r().equals(r) && amount > 0) {
      uncharged = null;
    }
    Account account = new Account(instance, TraceState.orZero(e.incarnation()));
    Entry entry = new Entry(account, r, e.phase() == null ? "" : e.phase());
    long balance = balances.merge(account, amount, Long::sum);
    long own = entries.merge(entry, amount, Long::sum);
    if (own < 0) {
      violated(
          amount
              + " is taken back for "
              + r
              + " from life "
              + account.incarnation()
              + " of "
              + instance
              + ", where it was not charged",
          r);
      entries.remove(entry);
    } else if (amount > 0 && own > amount) {
      violated(r + " is charged to " + instance + " twice", r);
    }
    if (entries.getOrDefault(entry, 0L) == 0) {
      entries.remove(entry);
    }
    if (balance == 0) {
      balances.remove(account);
    }
    if (amount < 0 && e.cause() != null && AGES.contains(e.cause()) && before.endedAt(r) == null) {
      violated(
          r
              + " is struck off the load of "
              + instance
              + " as "
              + e.cause()
              + ", but it is not over",
          r);
    }
  }

  private void routes(TraceEvent.Route e) {
    String instance = e.instance();
    if (instance == null) {
      return;
    }
    exercised();
    Account account = new Account(instance, TraceState.orZero(e.incarnation()));
    boolean charged =
        entries.keySet().stream()
            .anyMatch(entry -> entry.request().equals(e.r()) && entry.account().equals(account));
    uncharged = charged ? null : e;
    if (e.candidates() != null) {
      for (TraceEvent.Candidate candidate : e.candidates()) {
        seen(e, candidate);
      }
    }
  }

  private void seen(TraceEvent.Route e, TraceEvent.Candidate candidate) {
    Long inFlight = candidate.inFlight();
    if (inFlight == null || candidate.incarnation() == null) {
      return;
    }
    Account account = new Account(candidate.instance(), candidate.incarnation());
    long own =
        entries.entrySet().stream()
            .filter(x -> x.getKey().request().equals(e.r()) && x.getKey().account().equals(account))
            .mapToLong(Map.Entry::getValue)
            .sum();
    long balance = balances.getOrDefault(account, 0L);
    exercised();
    if (inFlight != balance - own && inFlight != balance) {
      violated(
          "the decision on "
              + e.r()
              + " saw "
              + inFlight
              + " requests in flight on "
              + candidate.instance()
              + ", but "
              + (balance - own)
              + " were charged",
          e.r());
    }
  }

  /** A route whose charge did not come with it has none. */
  private void settle() {
    if (uncharged != null) {
      violated(
          uncharged.r() + " was routed to " + uncharged.instance() + " without a charge",
          uncharged.r());
      uncharged = null;
    }
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("LEDGER")) {
      missing("LEDGER");
    } else {
      settle();
    }
  }
}
