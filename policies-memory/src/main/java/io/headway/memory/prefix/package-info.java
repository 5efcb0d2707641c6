/**
 * Names for cached content: key functions over chained blocks, and the prefix length that several
 * cache groups can serve together.
 */
@NullMarked
package io.headway.memory.prefix;

import org.jspecify.annotations.NullMarked;
