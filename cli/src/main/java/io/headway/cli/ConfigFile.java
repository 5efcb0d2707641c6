package io.headway.cli;

import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.TreeSet;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * Options from a properties file: the keys are the long options without their dashes, and the
 * command line comes first.
 */
final class ConfigFile {
  private static final int MAX_BYTES = 64 * 1024;

  private ConfigFile() {}

  /** Parses the file's options and then those of the command line into a fresh command. */
  static CommandLine apply(Path file, CommandSpec spec, Object command) throws IOException {
    List<String> arguments = new ArrayList<>();
    Properties properties = read(file);
    for (String key : new TreeSet<>(properties.stringPropertyNames())) {
      OptionSpec option = spec.findOption("--" + key);
      if (option == null || key.equals("config") || key.equals("help") || key.equals("version")) {
        throw new BadInputException(
            file
                + ": '"
                + key
                + "' is no option; write the options of '"
                + spec.qualifiedName()
                + " --help' without dashes, such as rate-scale=2");
      }
      arguments.add("--" + key + "=" + properties.getProperty(key).strip());
    }
    CommandLine.ParseResult given = spec.commandLine().getParseResult();
    List<String> explicit = given.originalArgs();
    for (int i = 0; i < explicit.size(); i++) {
      if (explicit.get(i).equals("--config")) {
        i++;
      } else if (!explicit.get(i).startsWith("--config=") && !explicit.get(i).equals(spec.name())) {
        arguments.add(explicit.get(i));
      }
    }
    CommandLine again = new CommandLine(command).setOverwrittenOptionsAllowed(true);
    try {
      again.parseArgs(arguments.toArray(String[]::new));
    } catch (CommandLine.ParameterException e) {
      throw new BadInputException(file + ": " + Failure.messageOf(e), e);
    }
    return again;
  }

  private static Properties read(Path file) {
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new BadInputException(
            "--config "
                + file
                + ": must have at most "
                + MAX_BYTES
                + " bytes, but has "
                + Files.size(file));
      }
      Properties properties = new Properties();
      properties.load(new StringReader(Files.readString(file, StandardCharsets.UTF_8)));
      return properties;
    } catch (IOException | IllegalArgumentException e) {
      throw new BadInputException(
          "--config "
              + file
              + ": cannot be read as a properties file ("
              + Failure.messageOf(e)
              + ")",
          e);
    }
  }
}
