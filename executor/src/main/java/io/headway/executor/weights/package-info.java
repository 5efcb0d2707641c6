/**
 * Model parameters: their names and layout, seeded random ones, and those of safetensors and GGUF
 * files.
 */
@NullMarked
package io.headway.executor.weights;

import org.jspecify.annotations.NullMarked;
