package io.headway.testkit.subject;

/** An order in which waiting requests start. */
public enum ServiceOrder {
  /** None that could be checked from outside. */
  UNDECLARED,
  /** First come, first served: by (arrival, id). */
  ARRIVAL,
  /** By (priority, arrival, id); a smaller priority is more urgent. */
  PRIORITY_THEN_ARRIVAL
}
