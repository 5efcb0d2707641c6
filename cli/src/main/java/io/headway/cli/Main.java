package io.headway.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** Starts the {@code headway} command. */
@Command(
    name = "headway",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    description = "Compare, check and measure scheduling policies for LLM serving.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {})
public final class Main {
  private Main() {}

  /**
   * Runs the command and ends the process with its exit code.
   *
   * @param args the command line
   */
  public static void main(String[] args) {
    System.exit(new CommandLine(new Main()).execute(args));
  }

  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = Main.class.getPackage().getImplementationVersion();
      return new String[] {"headway " + (version == null ? "(unpackaged)" : version)};
    }
  }
}
