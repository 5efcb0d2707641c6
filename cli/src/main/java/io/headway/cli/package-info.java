/** The {@code headway} command: one class per subcommand, one-line errors, stable exit codes. */
@NullMarked
package io.headway.cli;

import org.jspecify.annotations.NullMarked;
