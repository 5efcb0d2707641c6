package io.headway.api.config;

import static java.util.Objects.requireNonNull;

import io.headway.api.Decision;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;

/**
 * All policies known by name. Immutable and thread-safe.
 *
 * <p>{@link #discover(ClassLoader)} finds every {@link PolicyCatalog} on the class or module path;
 * {@link #of} works without any discovery. A catalogue that cannot be loaded is skipped and listed
 * in {@link #problems()}; two policies with one id for the same decision are an error that names
 * both catalogues.
 */
public final class PolicyRegistry {
  private final Map<Decision, Map<String, PolicyProvider>> byDecision;
  private final List<String> problems;

  private PolicyRegistry(List<PolicyCatalog> catalogs, List<String> problems) {
    byDecision = new EnumMap<>(Decision.class);
    Map<PolicyProvider, String> origin = new LinkedHashMap<>();
    for (PolicyCatalog catalog : catalogs) {
      String name = catalog.getClass().getName();
      for (PolicyProvider provider : catalog.providers()) {
        PolicyProvider twin =
            byDecision
                .computeIfAbsent(provider.decision(), d -> new LinkedHashMap<>())
                .putIfAbsent(provider.id(), provider);
        if (twin != null) {
          throw new IllegalArgumentException(
              "policy id '"
                  + provider.id()
                  + "' for "
                  + provider.decision()
                  + " is offered twice: by "
                  + origin.get(twin)
                  + " and by "
                  + name);
        }
        origin.put(provider, name);
      }
    }
    this.problems = List.copyOf(problems);
  }

  /**
   * Makes a registry from given catalogues, without discovery.
   *
   * @param catalogs what to offer
   * @return the registry
   * @throws IllegalArgumentException if an id is offered twice for one decision
   */
  public static PolicyRegistry of(PolicyCatalog... catalogs) {
    return new PolicyRegistry(List.of(catalogs), List.of());
  }

  /**
   * Finds every catalogue visible to a class loader.
   *
   * @param loader where to look
   * @return the registry, catalogues in order of class name
   * @throws IllegalArgumentException if an id is offered twice for one decision
   */
  public static PolicyRegistry discover(ClassLoader loader) {
    List<PolicyCatalog> found = new ArrayList<>();
    List<String> problems = new ArrayList<>();
    var iterator =
        ServiceLoader.load(PolicyCatalog.class, requireNonNull(loader, "loader")).iterator();
    while (true) {
      try {
        if (!iterator.hasNext()) {
          break;
        }
        found.add(iterator.next());
      } catch (ServiceConfigurationError e) {
        problems.add(String.valueOf(e.getMessage()));
      }
    }
    found.sort((a, b) -> a.getClass().getName().compareTo(b.getClass().getName()));
    return new PolicyRegistry(found, problems);
  }

  /**
   * Returns the catalogues that could not be loaded.
   *
   * @return one line each; empty if all is well
   */
  public List<String> problems() {
    return problems;
  }

  /**
   * Returns every policy for one decision.
   *
   * @param decision which decision
   * @return providers in catalogue order
   */
  public List<PolicyProvider> providers(Decision decision) {
    return List.copyOf(byDecision.getOrDefault(decision, Collections.emptyMap()).values());
  }

  /**
   * Returns every policy.
   *
   * @return by decision, then in catalogue order
   */
  public List<PolicyProvider> providers() {
    List<PolicyProvider> all = new ArrayList<>();
    byDecision.values().forEach(m -> all.addAll(m.values()));
    return Collections.unmodifiableList(all);
  }

  /**
   * Finds one policy.
   *
   * @param decision which decision
   * @param id its name
   * @return its provider
   * @throws IllegalArgumentException if unknown, with the nearest known name and all known names
   */
  public PolicyProvider provider(Decision decision, String id) {
    Map<String, PolicyProvider> known = byDecision.getOrDefault(decision, Collections.emptyMap());
    PolicyProvider provider = known.get(id);
    if (provider == null) {
      throw new IllegalArgumentException(
          "unknown "
              + decision.name().toLowerCase(java.util.Locale.ROOT).replace('_', ' ')
              + " policy '"
              + id
              + "'"
              + Spelling.hint(id, known.keySet())
              + "; known: "
              + (known.isEmpty() ? "none" : String.join(", ", known.keySet())));
    }
    return provider;
  }

  /**
   * Makes a policy from its string.
   *
   * @param decision which decision
   * @param text such as {@code sarathi-serve:tokenBudget=512}
   * @param type the decision's interface
   * @param <T> the decision's interface
   * @return a new policy
   * @throws IllegalArgumentException if the name or an argument is unknown or a value is out of
   *     range
   */
  public <T> T create(Decision decision, String text, Class<T> type) {
    return create(decision, PolicySpec.parse(text), type);
  }

  /**
   * Makes a policy from its parsed string.
   *
   * @param decision which decision
   * @param spec the parsed string
   * @param type the decision's interface
   * @param <T> the decision's interface
   * @return a new policy
   * @throws IllegalArgumentException if the name or an argument is unknown or a value is out of
   *     range
   */
  public <T> T create(Decision decision, PolicySpec spec, Class<T> type) {
    Object policy = provider(decision, spec.name()).create(spec, this);
    if (!type.isInstance(policy)) {
      throw new IllegalArgumentException(
          "policy '"
              + spec.name()
              + "' made a "
              + policy.getClass().getName()
              + ", which is no "
              + type.getName()
              + " as "
              + decision
              + " needs");
    }
    return type.cast(policy);
  }
}
