/**
 * The trusted core that an engine or a gateway embeds: life cycle, plan commit, KV accounting,
 * decision log.
 */
@NullMarked
package io.headway.runtime;

import org.jspecify.annotations.NullMarked;
