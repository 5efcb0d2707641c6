package smoke;

import io.headway.api.Decision;
import io.headway.api.RandomSource;
import io.headway.api.config.PolicyProvider;
import io.headway.api.config.PolicyRegistry;

/** Finds the policies of the artifacts it was given and prints one line for each. */
public final class Engine {
  private Engine() {}

  /** Prints the policies. */
  public static void main(String[] args) {
    PolicyRegistry registry = PolicyRegistry.discover(Engine.class.getClassLoader());
    registry.problems().forEach(problem -> System.out.println("problem: " + problem));
    for (Decision decision : Decision.values()) {
      for (PolicyProvider provider : registry.providers(decision)) {
        System.out.println(decision + " " + provider.id());
      }
    }
    System.out.println("random " + RandomSource.seeded(42).nextLong());
  }
}
