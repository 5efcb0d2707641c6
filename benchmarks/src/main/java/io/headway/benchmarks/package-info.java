/** JMH benchmarks of Headway's budgets, unpublished. */
@NullMarked
package io.headway.benchmarks;

import org.jspecify.annotations.NullMarked;
