package io.headway.routing.moe;

import io.headway.api.moe.MoeInputException;
import io.headway.api.moe.Workspace;
import java.util.Arrays;

/**
 * Finds the assignment of tokens to experts with the largest total score, exactly: every expert
 * gets {@code supply} tokens, every token at most {@code cap} experts, every pair at most once. A
 * minimum-cost flow by successive shortest paths with potentials; O(experts x supply x (experts +
 * tokens)^2). Ties go to the lower index at every step.
 */
final class Transport {
  private Transport() {}

  /**
   * Writes the optimum.
   *
   * @param score row-major {@code experts x tokens}; minus infinity forbids a pair
   * @param chosen receives {@code experts x tokens} flags
   * @param index first of six workspace indices to use
   */
  static void maximise(
      double[] score,
      int experts,
      int tokens,
      int supply,
      int cap,
      boolean[] chosen,
      Workspace work,
      int index) {
    int nodes = experts + tokens;
    double[] potential = work.doubles(index, nodes);
    double[] distance = work.doubles(index + 1, nodes);
    boolean[] settled = work.booleans(index, nodes);
    int[] previous = work.ints(index, nodes);
    int[] left = work.ints(index + 1, experts);
    int[] room = work.ints(index + 2, tokens);
    Arrays.fill(chosen, 0, experts * tokens, false);
    Arrays.fill(left, 0, experts, supply);
    Arrays.fill(room, 0, tokens, cap);
    Arrays.fill(potential, 0, experts, 0);
    double sinkPotential = Double.POSITIVE_INFINITY;
    for (int t = 0; t < tokens; t++) {
      double least = Double.POSITIVE_INFINITY;
      for (int e = 0; e < experts; e++) {
        least = Math.min(least, -score[e * tokens + t]);
      }
      // A token that masks every expert is never reached; any finite potential will do.
      potential[experts + t] = least == Double.POSITIVE_INFINITY ? 0 : least;
      sinkPotential = Math.min(sinkPotential, potential[experts + t]);
    }
    double sourcePotential = 0;
    for (long flow = (long) experts * supply; flow > 0; flow--) {
      Arrays.fill(distance, 0, nodes, Double.POSITIVE_INFINITY);
      Arrays.fill(settled, 0, nodes, false);
      Arrays.fill(previous, 0, nodes, -1);
      for (int e = 0; e < experts; e++) {
        if (left[e] > 0) {
          distance[e] = Math.max(0, sourcePotential - potential[e]);
        }
      }
      int end = -1;
      double toSink = Double.POSITIVE_INFINITY;
      while (true) {
        int node = -1;
        for (int v = 0; v < nodes; v++) {
          if (!settled[v] && (node < 0 ? distance[v] < toSink : distance[v] < distance[node])) {
            node = v;
          }
        }
        if (node < 0) {
          break;
        }
        settled[node] = true;
        if (node < experts) {
          relaxFromExpert(
              node, score, experts, tokens, chosen, potential, distance, settled, previous);
        } else {
          int t = node - experts;
          if (room[t] > 0) {
            double d = distance[node] + Math.max(0, potential[node] - sinkPotential);
            if (d < toSink) {
              toSink = d;
              end = node;
            }
          }
          relaxFromToken(t, score, experts, tokens, chosen, potential, distance, settled, previous);
        }
      }
      if (end < 0) {
        throw new MoeInputException(
            MoeInputException.Rule.INFEASIBLE,
            "masks must leave every expert "
                + supply
                + " tokens with at most "
                + cap
                + " experts each, but "
                + flow
                + " pairs could not be placed");
      }
      // Nodes farther than the sink keep their reduced costs non-negative with its distance.
      for (int v = 0; v < nodes; v++) {
        potential[v] += Math.min(distance[v], toSink);
      }
      sinkPotential += toSink;
      room[end - experts]--;
      int node = end;
      while (previous[node] >= 0) {
        int before = previous[node];
        if (before < experts) {
          chosen[before * tokens + node - experts] = true;
        } else {
          chosen[node * tokens + before - experts] = false;
        }
        node = before;
      }
      left[node]--;
    }
  }

  private static void relaxFromExpert(
      int e,
      double[] score,
      int experts,
      int tokens,
      boolean[] chosen,
      double[] potential,
      double[] distance,
      boolean[] settled,
      int[] previous) {
    for (int t = 0; t < tokens; t++) {
      int pair = e * tokens + t;
      int node = experts + t;
      if (!settled[node] && !chosen[pair] && score[pair] > Double.NEGATIVE_INFINITY) {
        double reduced = Math.max(0, -score[pair] + potential[e] - potential[node]);
        if (distance[e] + reduced < distance[node]) {
          distance[node] = distance[e] + reduced;
          previous[node] = e;
        }
      }
    }
  }

  private static void relaxFromToken(
      int t,
      double[] score,
      int experts,
      int tokens,
      boolean[] chosen,
      double[] potential,
      double[] distance,
      boolean[] settled,
      int[] previous) {
    int node = experts + t;
    for (int e = 0; e < experts; e++) {
      int pair = e * tokens + t;
      if (!settled[e] && chosen[pair]) {
        double reduced = Math.max(0, score[pair] + potential[node] - potential[e]);
        if (distance[node] + reduced < distance[e]) {
          distance[e] = distance[node] + reduced;
          previous[e] = node;
        }
      }
    }
  }
}
