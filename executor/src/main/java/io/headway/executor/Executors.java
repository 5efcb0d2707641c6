package io.headway.executor;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.TreeMap;

/** The providers of executors that are on the class or module path, by id. Immutable. */
public final class Executors {
  /** Providers that Headway publishes in modules of their own, with the name of the module. */
  private static final Map<String, String> ELSEWHERE =
      Map.of("cuda", "headway-executor-gpu", "opencl", "headway-executor-gpu");

  private final List<ExecutorProvider> providers;
  private final List<String> broken;

  private Executors(List<ExecutorProvider> providers, List<String> broken) {
    this.providers = List.copyOf(providers);
    this.broken = List.copyOf(broken);
  }

  /**
   * Finds the providers. One that cannot be loaded, for instance since it needs a newer Java, is
   * left out and {@linkplain #broken reported}.
   *
   * @param loader where to look
   * @return what was found, in the order of the ids
   * @throws IllegalArgumentException if two providers have the same id; the message names both
   */
  public static Executors discover(ClassLoader loader) {
    Map<String, ExecutorProvider> byId = new TreeMap<>();
    List<String> broken = new ArrayList<>();
    var found = ServiceLoader.load(ExecutorProvider.class, loader).iterator();
    boolean more = true;
    while (more) {
      try {
        more = found.hasNext();
        if (more) {
          add(byId, found.next());
        }
      } catch (ServiceConfigurationError | LinkageError e) {
        broken.add(String.valueOf(e.getMessage()));
      }
    }
    return new Executors(new ArrayList<>(byId.values()), broken);
  }

  /**
   * Takes given providers.
   *
   * @param providers distinct ids
   * @return these, in the order of their ids
   * @throws IllegalArgumentException if two have the same id; the message names both
   */
  public static Executors of(List<ExecutorProvider> providers) {
    Map<String, ExecutorProvider> byId = new TreeMap<>();
    providers.forEach(provider -> add(byId, provider));
    return new Executors(new ArrayList<>(byId.values()), List.of());
  }

  private static void add(Map<String, ExecutorProvider> byId, ExecutorProvider provider) {
    ExecutorProvider other = byId.putIfAbsent(provider.id(), provider);
    if (other != null) {
      throw new IllegalArgumentException(
          "executor id '"
              + provider.id()
              + "' is provided by both "
              + other.getClass().getName()
              + " and "
              + provider.getClass().getName());
    }
  }

  /**
   * Returns the providers.
   *
   * @return in the order of their ids
   */
  public List<ExecutorProvider> providers() {
    return providers;
  }

  /**
   * Returns what could not be loaded.
   *
   * @return one message per broken provider
   */
  public List<String> broken() {
    return broken;
  }

  /**
   * Returns the published providers that are not there.
   *
   * @return why each is not, by id
   */
  public Map<String, String> leftOut() {
    Map<String, String> missing = new TreeMap<>();
    ELSEWHERE.forEach(
        (id, module) -> {
          if (providers.stream().noneMatch(provider -> provider.id().equals(id))) {
            missing.put(id, "comes with " + module + ", which needs Java 25 and was left out");
          }
        });
    return missing;
  }

  /**
   * Returns the provider of an id.
   *
   * @param id such as {@code cpu}
   * @return the provider, whose device may be missing all the same
   * @throws IllegalArgumentException if there is none; the message lists those there are, and names
   *     the module of one that was left out
   */
  public ExecutorProvider named(String id) {
    requireNonNull(id, "id");
    for (ExecutorProvider provider : providers) {
      if (provider.id().equals(id)) {
        return provider;
      }
    }
    String module = ELSEWHERE.get(id);
    throw new IllegalArgumentException(
        "executor must be one of "
            + providers.stream().map(ExecutorProvider::id).toList()
            + ", but was '"
            + id
            + "'"
            + (module == null
                ? ""
                : "; it comes with " + module + ", which needs Java 25 and was left out"));
  }
}
