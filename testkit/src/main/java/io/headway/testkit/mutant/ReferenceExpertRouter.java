package io.headway.testkit.mutant;

import io.headway.api.Stateless;
import io.headway.api.moe.DropReason;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.RouterTrait;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A small expert router that is correct unless a fault is planted: each token chooses its {@value
 * #CHOICES} experts with the largest logits, ties to the smaller index; its gates are {@code
 * exp(logit - largest)} divided by the sum over its choices. An expert has {@value #SLOTS} slots,
 * taken in the order of tokens, then choices; a choice that finds none is dropped.
 */
final class ReferenceExpertRouter implements ExpertRouter<Stateless> {
  private static final int CHOICES = 2;
  private static final int SLOTS = 3;

  private final @Nullable PolicyFault fault;
  private int batches;

  ReferenceExpertRouter(@Nullable PolicyFault fault) {
    this.fault = fault;
  }

  private boolean has(PolicyFault planted) {
    return fault == planted;
  }

  @Override
  public String id() {
    return "reference";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public Set<RouterTrait> traits() {
    Set<RouterTrait> traits =
        EnumSet.of(RouterTrait.PREFIX_STABLE, RouterTrait.ROW_SHIFT_INVARIANT);
    if (has(PolicyFault.H_72)) {
      traits.add(RouterTrait.BATCH_INVARIANT);
    }
    if (has(PolicyFault.H_73)) {
      traits.add(RouterTrait.EXACT_BALANCE);
    }
    return traits;
  }

  @Override
  public void route(RouterInput input, Stateless state, ExpertAssignments out) {
    int tokens = input.tokens();
    int experts = input.experts();
    double[][] rows = new double[tokens][experts];
    int[][] chosen = new int[tokens][];
    for (int t = 0; t < tokens; t++) {
      input.loadRow(t, rows[t]);
      chosen[t] = choose(rows[t]);
    }
    int[] used = new int[experts];
    int[][] slots = new int[tokens][CHOICES];
    for (int i = 0; i < tokens; i++) {
      int t = has(PolicyFault.H_68) ? tokens - 1 - i : i;
      for (int rank = 0; rank < CHOICES; rank++) {
        slots[t][rank] = used[chosen[t][rank]]++;
      }
    }
    out.begin(input, SLOTS, 1);
    int most = has(PolicyFault.H_71) ? SLOTS + 1 : SLOTS;
    for (int t = 0; t < tokens; t++) {
      double sum = 0;
      for (int expert : chosen[t]) {
        sum += Math.exp(rows[t][expert] - rows[t][chosen[t][0]]);
      }
      for (int rank = 0; rank < CHOICES; rank++) {
        int expert = chosen[t][rank];
        double gate =
            has(PolicyFault.H_69)
                ? Math.exp(rows[t][expert])
                : Math.exp(rows[t][expert] - rows[t][chosen[t][0]]) / sum;
        if (slots[t][rank] < most) {
          out.assign(t, rank, expert, slots[t][rank], gate);
        } else if (!has(PolicyFault.H_66)) {
          out.drop(t, rank, expert, DropReason.CAPACITY);
        }
      }
    }
    out.end();
    batches++;
  }

  private int[] choose(double[] row) {
    int[] chosen = new int[CHOICES];
    for (int rank = 0; rank < CHOICES; rank++) {
      int best = -1;
      for (int e = 0; e < row.length; e++) {
        boolean taken = rank > 0 && chosen[0] == e && !has(PolicyFault.H_70);
        if (!taken && (best < 0 || score(row, e) > score(row, best))) {
          best = e;
        }
      }
      chosen[rank] = best;
    }
    return chosen;
  }

  private double score(double[] row, int expert) {
    return row[expert] + (has(PolicyFault.H_67) && expert % 7 == batches % 7 ? 1 : 0);
  }
}
