/**
 * Request to instance: elementary baselines, consistent hashing, prefix affinity, GAPS, and the
 * composed form of filters, weighted scorers and a picker.
 *
 * <p>Every policy sees the candidates only, in ascending order of id; with one candidate it takes
 * that one and draws nothing. {@link io.headway.routing.instance.InstanceRoutingCatalog} lists them
 * by name.
 */
@NullMarked
package io.headway.routing.instance;

import org.jspecify.annotations.NullMarked;
