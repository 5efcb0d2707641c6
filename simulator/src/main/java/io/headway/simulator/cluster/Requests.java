package io.headway.simulator.cluster;

import io.headway.api.Lane;
import io.headway.api.Request;
import io.headway.simulator.metrics.Slo;
import io.headway.simulator.workload.BlockKeys;
import io.headway.simulator.workload.Workload;

/**
 * Turns rows of a workload into requests as a client would send them: without their true output
 * length.
 */
final class Requests {
  private static final int ID_DIGITS = 10;

  /** Requests of this type in a trace belong to the batch lane. */
  private static final String BATCH_TYPE = "batch";

  private final Workload workload;
  private final ClusterConfig config;
  private final Slo slo;

  Requests(Workload workload, ClusterConfig config, Slo slo) {
    this.workload = workload;
    this.config = config;
    this.slo = slo;
  }

  Request of(int row) {
    Request.Builder request =
        Request.builder(id(row), workload.promptTokens(row), maxNewTokens(row))
            .arrivalNanos(workload.arrivalNanos(row));
    if (workload.tenants().isPresent()) {
      request.tenant(workload.tenants().name(workload.tenants().code(row)));
    }
    if (workload.types().isPresent()) {
      String type = workload.types().name(workload.types().code(row));
      request.workload(type);
      request.lane(type.equals(BATCH_TYPE) ? Lane.BATCH : Lane.INTERACTIVE);
    }
    if (workload.adapters().isPresent()) {
      request.adapter(workload.adapters().name(workload.adapters().code(row)));
    }
    if (workload.session(row) != Workload.NO_SESSION) {
      request.session(Integer.toString(workload.session(row)));
    }
    if (workload.hasPriorities()) {
      request.priority(workload.priority(row));
    }
    if (slo.ttftNanos() != Slo.UNLIMITED_NANOS) {
      request.ttftTargetNanos(slo.ttftNanos());
    }
    if (slo.tpotNanos() != Slo.UNLIMITED_NANOS) {
      request.tpotTargetNanos(slo.tpotNanos());
    }
    if (config.prefixCaching() && workload.hasBlocks()) {
      request.blockKeys(keys(workload.blocks(), row));
    }
    return request.build();
  }

  int maxNewTokens(int row) {
    return Math.max(config.maxNewTokens(), workload.outputTokens(row));
  }

  /** Fixed width, so that the order of ids is the order of rows. */
  private static String id(int row) {
    String digits = Integer.toString(row);
    return "r" + "0".repeat(ID_DIGITS - digits.length()) + digits;
  }

  /**
   * Cuts the trace's blocks into the pool's: a trace block's id names all content up to its end, so
   * (id, part) names the same for a part.
   */
  private long[] keys(BlockKeys blocks, int row) {
    int traceBlock = blocks.blockTokens();
    int poolBlock = config.blockTokens();
    int count = traceBlock % poolBlock == 0 ? workload.promptTokens(row) / poolBlock : 0;
    int parts = Math.max(1, traceBlock / poolBlock);
    long[] keys = new long[Math.min(count, blocks.count(row) * parts)];
    for (int i = 0; i < keys.length; i++) {
      keys[i] = mix(blocks.id(row, i / parts) * parts + i % parts);
    }
    return keys;
  }

  /** The finalizer of SplitMix64: one-to-one, so distinct parts keep distinct keys. */
  private static long mix(long value) {
    long z = value + 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
