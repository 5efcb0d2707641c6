package io.headway.testkit.mutant;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Every mutant and every correct subject. */
public final class Mutants {
  private Mutants() {}

  /**
   * Returns the mutants of every kind of subject.
   *
   * @return unmodifiable list; ids are unique
   */
  public static List<Mutant> all() {
    List<Mutant> all = new ArrayList<>();
    all.addAll(EngineMutants.all());
    all.addAll(PoolMutants.all());
    all.addAll(RouterMutants.all());
    all.addAll(FlowMutants.all());
    all.addAll(PolicyMutants.all());
    return Collections.unmodifiableList(all);
  }

  /**
   * Returns the correct subjects that mutants are made of.
   *
   * @return unmodifiable list; names are unique
   */
  public static List<Reference> references() {
    List<Reference> all = new ArrayList<>();
    all.addAll(EngineMutants.references());
    all.addAll(PoolMutants.references());
    all.addAll(RouterMutants.references());
    all.addAll(FlowMutants.references());
    all.addAll(PolicyMutants.references());
    return Collections.unmodifiableList(all);
  }
}
