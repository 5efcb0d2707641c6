package io.headway.routing.moe;

import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.RouterTrait;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/** The traits that routers share in which tokens choose experts. */
final class Traits {
  private Traits() {}

  static Set<RouterTrait> of(RouterTrait first, RouterTrait... others) {
    return Collections.unmodifiableSet(EnumSet.of(first, others));
  }

  /** Choices depend on a token alone; who is dropped depends on the others. */
  static Set<RouterTrait> ofTokenChoice(CapacityRule capacity, FillOrder order, int choices) {
    EnumSet<RouterTrait> traits = EnumSet.of(RouterTrait.ROW_SHIFT_INVARIANT);
    if (capacity instanceof CapacityRule.Unlimited) {
      traits.add(RouterTrait.BATCH_INVARIANT);
      traits.add(RouterTrait.PREFIX_STABLE);
      traits.add(RouterTrait.DROPLESS);
      traits.add(RouterTrait.PERMUTATION_EQUIVARIANT);
      traits.add(RouterTrait.CAPACITY_MONOTONE);
    } else {
      traits.add(RouterTrait.CAPACITY_MONOTONE);
      if (order != FillOrder.TOKEN) {
        traits.add(RouterTrait.PERMUTATION_EQUIVARIANT);
      } else if (choices == 1) {
        // With more choices a later token's first one comes before an earlier token's second.
        traits.add(RouterTrait.PREFIX_STABLE);
      }
    }
    return Collections.unmodifiableSet(traits);
  }

  /** Whom a token takes among equals depends on its place in the batch. */
  static Set<RouterTrait> ofRotatingTies(Set<RouterTrait> otherwise) {
    EnumSet<RouterTrait> traits = EnumSet.copyOf(otherwise);
    traits.remove(RouterTrait.BATCH_INVARIANT);
    traits.remove(RouterTrait.PERMUTATION_EQUIVARIANT);
    return Collections.unmodifiableSet(traits);
  }
}
