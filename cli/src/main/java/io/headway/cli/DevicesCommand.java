package io.headway.cli;

import io.headway.executor.ExecutorProvider;
import io.headway.executor.Executors;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code headway devices}: says what can execute plans here, and what was tried. */
@Command(
    name = "devices",
    mixinStandardHelpOptions = true,
    description = "Lists what can execute batch plans here, and what was tried and not found.")
final class DevicesCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    PrintWriter print = spec.commandLine().getOut();
    Executors executors = Executors.discover(DevicesCommand.class.getClassLoader());
    for (ExecutorProvider provider : executors.providers()) {
      ExecutorProvider.Availability availability = provider.availability();
      line(print, provider.id(), availability.available(), availability.description());
    }
    executors.leftOut().forEach((id, why) -> line(print, id, false, why));
    executors.broken().forEach(message -> line(print, "(broken)", false, message));
    print.flush();
    return Main.OK;
  }

  private static void line(PrintWriter print, String id, boolean available, String text) {
    print.printf(Locale.ROOT, "%-8s %-11s %s%n", id, available ? "available" : "unavailable", text);
  }
}
