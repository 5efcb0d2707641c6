package io.headway.testkit.check;

/**
 * Bounds of the liveness rules, counted in decisions (records STEP and IDLE).
 *
 * @param inversionDecisions within which a more urgent request replaces less urgent ones (INV-20)
 * @param serviceDecisions within which a running request is served after the budget was used up,
 *     per {@code running / served} of budget (INV-21)
 * @param wakeUpDecisions that may be empty in a row while a request fits (INV-23)
 * @param refusalDecisions within which an unservable request is refused (INV-25)
 * @param headOfLineDecisions that an independent request may wait behind a blocked one (INV-26)
 * @param leaseDecisions within which a transfer whose lease has expired is ended (INV-31)
 * @param preemptionsPerRequest bound of preemptions of a request without new progress (INV-22)
 * @param drainFactor factor of the bound on decisions after the last arrival (INV-24)
 * @param drainSlack decisions added to that bound
 * @param balanceRoutes routes over which balance is counted (INV-36)
 */
public record CheckOptions(
    int inversionDecisions,
    int serviceDecisions,
    int wakeUpDecisions,
    int refusalDecisions,
    int headOfLineDecisions,
    int leaseDecisions,
    int preemptionsPerRequest,
    int drainFactor,
    int drainSlack,
    int balanceRoutes) {
  /**
   * The catalogue's bounds: 2, 1, 2, 1, 4, 1 decisions; 3 preemptions; factor 4 and slack 50; 10.
   */
  public static final CheckOptions DEFAULT = new CheckOptions(2, 1, 2, 1, 4, 1, 3, 4, 50, 10);

  /** Checks the bounds. */
  public CheckOptions {
    atLeastOne("inversionDecisions", inversionDecisions);
    atLeastOne("serviceDecisions", serviceDecisions);
    atLeastOne("wakeUpDecisions", wakeUpDecisions);
    atLeastOne("refusalDecisions", refusalDecisions);
    atLeastOne("headOfLineDecisions", headOfLineDecisions);
    atLeastOne("leaseDecisions", leaseDecisions);
    atLeastOne("preemptionsPerRequest", preemptionsPerRequest);
    atLeastOne("drainFactor", drainFactor);
    atLeastOne("drainSlack", drainSlack);
    atLeastOne("balanceRoutes", balanceRoutes);
  }

  private static void atLeastOne(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " must be at least 1, but was " + value);
    }
  }
}
