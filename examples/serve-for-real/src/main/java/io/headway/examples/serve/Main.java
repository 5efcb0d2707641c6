package io.headway.examples.serve;

import io.headway.api.model.DecoderShape;
import io.headway.executor.weights.SeededWeights;
import io.headway.executor.weights.WeightFiles;
import io.headway.executor.weights.WeightFormatException;
import io.headway.executor.weights.Weights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Serves four prompts and prints their tokens: {@code [POLICY [DEVICE [WEIGHTS]]]}, by default
 * Sarathi-Serve on the CPU with random weights of a tiny shape. The tokens are the same under every
 * policy; only when they come differs.
 */
public final class Main {
  private Main() {}

  /**
   * Runs the example.
   *
   * @param args see {@link Main}
   * @throws IOException if the weights cannot be read
   */
  public static void main(String[] args) throws IOException {
    String policy = args.length > 0 ? args[0] : "sarathi-serve:tokenBudget=32";
    String device = args.length > 1 ? args[1] : "cpu";
    try (Weights weights =
            args.length > 2
                ? WeightFiles.open(Path.of(args[2]))
                : new SeededWeights(DecoderShape.TINY, 1);
        Server server = new Server(policy, device, weights)) {
      for (int i = 1; i <= 4; i++) {
        server.submit("prompt " + i, prompt(i, weights.shape().vocabularySize()), 4 * i);
      }
      server.run();
      server.outputs.forEach(
          (name, tokens) -> System.out.println(name + ": " + tokens + " " + server.ends.get(name)));
      System.out.printf(Locale.ROOT, "%d steps%n", server.steps);
    } catch (IllegalArgumentException | IllegalStateException | WeightFormatException e) {
      System.err.println("serve-for-real: " + e.getMessage());
      System.exit(2);
    }
  }

  static int[] prompt(int number, int vocabulary) {
    int[] tokens = new int[20 * number];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = (31 * number + 7 * i * i) % vocabulary;
    }
    return tokens;
  }
}
