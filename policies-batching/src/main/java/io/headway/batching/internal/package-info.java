/** Shared by the packages of this module and not part of its interface. */
@NullMarked
package io.headway.batching.internal;

import org.jspecify.annotations.NullMarked;
