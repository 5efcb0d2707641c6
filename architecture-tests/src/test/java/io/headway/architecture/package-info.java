/** Rules that hold across modules, each shown to fail on a class that breaks it. */
package io.headway.architecture;
