package io.headway.simulator.workload;

/**
 * Makes a synthetic workload. The seed alone decides every row: equal seeds give equal workloads on
 * every platform, since only arithmetic with specified results is used. Implementations are
 * immutable and thread-safe.
 *
 * <p>Lengths and arrivals are drawn from separate streams, so that workloads of one seed that
 * differ in their arrival process alone have the same requests.
 */
public interface WorkloadGenerator {
  /**
   * Makes the workload of a seed.
   *
   * @param seed any value
   * @return a workload whose first request arrives at 0
   */
  Workload generate(long seed);
}
