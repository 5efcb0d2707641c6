package io.headway.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.util.Properties;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/**
 * Starts the {@code headway} command and maps every outcome to an exit code: {@value #OK} success,
 * {@value #FAILED} a check failed, {@value #BAD_INPUT} the command line or an input file is wrong,
 * {@value #DEFECT} a defect of the command itself. Errors are one line on standard error; the stack
 * trace of a defect goes to a file whose name the line gives, or to standard error with {@code
 * --debug}.
 */
@Command(
    name = "headway",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    description = "Compares, checks, runs and measures scheduling policies for LLM serving.",
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "",
      "Exit codes: 0 success, 1 a check failed, 2 wrong command line or input, 70 a defect."
    },
    subcommands = {
      CalibrateCommand.class,
      CheckCommand.class,
      CompareCommand.class,
      DevicesCommand.class,
      MoeCommand.class,
      PoliciesCommand.class,
      RunCommand.class,
      VectorsCommand.class
    })
public final class Main implements Runnable {
  /** Exit code of a command that did what it was asked. */
  public static final int OK = 0;

  /** Exit code of a command that ran and found a failing check. */
  public static final int FAILED = 1;

  /** Exit code for a wrong command line or an unreadable or malformed input. */
  public static final int BAD_INPUT = 2;

  /** Exit code for a defect of the command itself. */
  public static final int DEFECT = 70;

  @Option(
      names = "--debug",
      scope = ScopeType.INHERIT,
      description = "Print the stack trace of an error.")
  private boolean debug;

  @Spec private CommandSpec spec;

  private Main() {}

  /**
   * Runs the command line and ends the process with its exit code.
   *
   * @param args the command line, without the program's name
   */
  public static void main(String[] args) {
    System.exit(run(commandLine(), args));
  }

  /** Returns the command with all its subcommands and error handling. */
  static CommandLine commandLine() {
    return new CommandLine(new Main())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setParameterExceptionHandler(Main::wrongUsage)
        .setExecutionExceptionHandler(
            (exception, command, parsed) -> failure(command, exception).exitCode());
  }

  /** Runs {@code command}; the exit code also covers errors that picocli lets pass. */
  static int run(CommandLine command, String... args) {
    try {
      return command.execute(args);
    } catch (StackOverflowError | OutOfMemoryError e) {
      return failure(command, e).exitCode();
    }
  }

  @Override
  public void run() {
    spec.commandLine().usage(spec.commandLine().getOut());
  }

  private static int wrongUsage(CommandLine.ParameterException exception, String[] args) {
    CommandLine command = exception.getCommandLine();
    PrintWriter err = command.getErr();
    err.println(oneLine(command, Failure.messageOf(exception)));
    if (!CommandLine.UnmatchedArgumentException.printSuggestions(exception, err)) {
      err.println(
          "Try '" + command.getCommandSpec().qualifiedName() + " --help' for what it accepts.");
    }
    return BAD_INPUT;
  }

  private static Failure failure(CommandLine command, Throwable exception) {
    Failure failure = Failure.of(exception);
    command.getErr().println(oneLine(command, failure.message()));
    Object main = command.getCommandSpec().root().userObject();
    if (main instanceof Main options && options.debug) {
      exception.printStackTrace(command.getErr());
    }
    return failure;
  }

  private static String oneLine(CommandLine command, String message) {
    return command.getCommandSpec().qualifiedName() + ": " + message.replaceAll("\\s*\\R\\s*", " ");
  }

  /** Reads the version that the build wrote beside this class. */
  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      try (InputStream in = Main.class.getResourceAsStream("version.properties")) {
        Properties properties = new Properties();
        properties.load(in);
        return new String[] {"headway " + properties.getProperty("version")};
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
