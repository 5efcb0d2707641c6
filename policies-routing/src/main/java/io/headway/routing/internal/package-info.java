/** Selection and sorting shared by the packages of this module; not exported. */
@NullMarked
package io.headway.routing.internal;

import org.jspecify.annotations.NullMarked;
