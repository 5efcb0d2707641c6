/** Queue order, admission, batch composition, preemption, fairness and speculation. */
module io.headway.batching {
  requires transitive io.headway.api;
  requires static org.jspecify;
}
