/**
 * Policies by name: parameters with defaults and units, policy strings such as {@code
 * vtc:outputPrice=2}, and the registry that turns them into objects, with {@link
 * java.util.ServiceLoader} as the only discovery.
 */
@NullMarked
package io.headway.api.config;

import org.jspecify.annotations.NullMarked;
