/** Where KV bytes should live, and whether moving them beats computing them again. */
@NullMarked
package io.headway.memory.tiering;

import org.jspecify.annotations.NullMarked;
