package io.headway.api.config;

import io.headway.api.ImplementedByUsers;
import java.util.List;

/**
 * The service through which a module offers its policies: one catalogue per module, one {@link
 * PolicyProvider} per policy.
 *
 * <p>Register the implementation both in {@code
 * META-INF/services/io.headway.api.config.PolicyCatalog} and, in a named module, by {@code
 * provides}. It needs a public no-argument constructor.
 */
@ImplementedByUsers
public interface PolicyCatalog {
  /**
   * Returns the policies offered.
   *
   * @return providers in the order they should be listed; ids unique within each decision
   */
  List<PolicyProvider> providers();
}
