package io.headway.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.FileNotFoundException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;

class MainTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private CommandLine command;

  @BeforeEach
  void createCommand() {
    command =
        Main.commandLine()
            .setOut(new PrintWriter(out, true))
            .setErr(new PrintWriter(err, true))
            .setColorScheme(CommandLine.Help.defaultColorScheme(Ansi.OFF));
  }

  @Test
  void helpNamesTheExitCodes() {
    assertThat(Main.run(command, "--help")).isEqualTo(Main.OK);
    assertThat(out.toString()).startsWith("Usage: headway").contains("Exit codes: 0 success");
    assertThat(err.toString()).isEmpty();
  }

  @Test
  void noSubcommandShowsTheHelp() {
    assertThat(Main.run(command)).isEqualTo(Main.OK);
    assertThat(out.toString()).startsWith("Usage: headway");
  }

  @Test
  void versionIsTheOneOfTheBuild() {
    assertThat(Main.run(command, "--version")).isEqualTo(Main.OK);
    assertThat(out.toString()).matches("headway \\d+\\.\\d+\\.\\d+(-SNAPSHOT)?\\R");
  }

  @Test
  void unknownOptionIsOneLineAndAHint() {
    assertThat(Main.run(command, "--nonsense=1")).isEqualTo(Main.BAD_INPUT);
    assertThat(err.toString().lines())
        .containsExactly(
            "headway: Unknown option: '--nonsense=1'", "Try 'headway --help' for what it accepts.");
    assertThat(out.toString()).isEmpty();
  }

  @Test
  void misspeltCommandIsAnsweredWithTheNearest() {
    add(() -> 0);
    assertThat(Main.run(command, "tas")).isEqualTo(Main.BAD_INPUT);
    assertThat(err.toString())
        .startsWith("headway: Unmatched argument at index 0: 'tas'")
        .contains("headway task");
  }

  @Test
  void badInputIsOneLineAndExitsWithTwo() {
    add(
        () -> {
          throw new BadInputException(
              "trace.csv:3: outputTokens must be\n  at least 0, but was -1");
        });
    assertThat(Main.run(command, "task")).isEqualTo(Main.BAD_INPUT);
    assertThat(err)
        .hasToString(
            "headway task: trace.csv:3: outputTokens must be at least 0, but was -1"
                + System.lineSeparator());
  }

  @Test
  void missingFileIsNamed() {
    add(
        () -> {
          throw new NoSuchFileException("trace.csv");
        });
    assertThat(Main.run(command, "task")).isEqualTo(Main.BAD_INPUT);
    assertThat(err.toString())
        .isEqualToIgnoringNewLines("headway task: no such file or directory: trace.csv");
  }

  @Test
  void uncheckedInputErrorIsBadInput() {
    add(
        () -> {
          throw new UncheckedIOException(new FileNotFoundException("trace.csv (Is a directory)"));
        });
    assertThat(Main.run(command, "task")).isEqualTo(Main.BAD_INPUT);
    assertThat(err.toString())
        .isEqualToIgnoringNewLines(
            "headway task: input or output failed: trace.csv (Is a directory)");
  }

  @Test
  void defectIsOneLineThatNamesTheTrace() throws Exception {
    add(
        () -> {
          throw new IllegalStateException("broken");
        });
    assertThat(Main.run(command, "task")).isEqualTo(Main.DEFECT);
    Matcher line =
        Pattern.compile(
                "headway task: defect: IllegalStateException: broken \\(stack trace in (.+)\\)")
            .matcher(err.toString().trim());
    assertThat(line.matches()).as(err.toString()).isTrue();
    Path trace = Path.of(line.group(1));
    assertThat(Files.readString(trace)).contains("MainTest");
    Files.delete(trace);
  }

  @Test
  void debugPrintsTheTrace() {
    add(
        () -> {
          throw new BadInputException("bad");
        });
    assertThat(Main.run(command, "task", "--debug")).isEqualTo(Main.BAD_INPUT);
    assertThat(err.toString()).contains("BadInputException: bad").contains("at io.headway.cli");
  }

  @Test
  void stackOverflowIsADefectNotATrace() {
    add(
        () -> {
          throw new StackOverflowError();
        });
    assertThat(Main.run(command, "task")).isEqualTo(Main.DEFECT);
    assertThat(err.toString()).contains("defect: StackOverflowError").doesNotContain("\tat ");
  }

  @Test
  void exitCodeOfASubcommandPassesThrough() {
    add(() -> Main.FAILED);
    assertThat(Main.run(command, "task")).isEqualTo(Main.FAILED);
  }

  private void add(Callable<Integer> body) {
    command.addSubcommand(new Task(body));
    command
        .setExecutionExceptionHandler(command.getExecutionExceptionHandler())
        .setParameterExceptionHandler(command.getParameterExceptionHandler())
        .setOut(command.getOut())
        .setErr(command.getErr());
  }

  @Command(name = "task")
  private record Task(Callable<Integer> body) implements Callable<Integer> {
    @Override
    public Integer call() throws Exception {
      return body.call();
    }
  }
}
