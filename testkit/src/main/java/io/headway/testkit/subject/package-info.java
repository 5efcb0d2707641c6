/**
 * What is tested: small interfaces that an engine author adapts a scheduler, pool, router or queue
 * to, what subjects claim, and adapters that host this library's own policies.
 */
@NullMarked
package io.headway.testkit.subject;

import org.jspecify.annotations.NullMarked;
