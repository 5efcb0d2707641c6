package io.headway.examples.toyengine;

import io.headway.api.Request;
import java.util.List;

/**
 * Runs five requests through the toy engine and prints one line per plan, then how each request
 * ended: {@code [--policy NAME] [--depth 1|2|3]}.
 */
public final class Main {
  private static final String USAGE =
      "usage: toy-engine [--policy NAME[:key=value,…]] [--depth 1|2|3]";

  private Main() {}

  /**
   * Runs the example.
   *
   * @param args see {@link Main}
   */
  public static void main(String[] args) {
    String policy = "sarathi-serve:tokenBudget=16";
    int depth = 1;
    for (int i = 0; i < args.length; i += 2) {
      String value = i + 1 < args.length ? args[i + 1] : "";
      if (args[i].equals("--policy") && !value.isEmpty()) {
        policy = value;
      } else if (args[i].equals("--depth") && value.matches("[123]")) {
        depth = Integer.parseInt(value);
      } else {
        System.err.println("toy-engine: cannot read '" + args[i] + " " + value + "'; " + USAGE);
        System.exit(2);
      }
    }
    try {
      ToyEngine engine = run(policy, depth);
      engine.plans.forEach(System.out::println);
      engine.ends.forEach((id, end) -> System.out.println(id + ": " + end));
    } catch (IllegalArgumentException e) {
      System.err.println("toy-engine: " + e.getMessage());
      System.exit(2);
    }
  }

  static ToyEngine run(String policy, int depth) {
    ToyEngine engine = new ToyEngine(policy, depth);
    scenario().forEach(engine::submit);
    engine.run("cancelled", 4);
    return engine;
  }

  /**
   * Five requests: two run to their end, one is cancelled, one has a deadline, one can never fit
   * into 64 tokens.
   */
  static List<Request> scenario() {
    return List.of(
        request("short", 6, 8).build(),
        request("long", 21, 10).build(),
        request("cancelled", 9, 40).build(),
        request("late", 7, 40).deadlineNanos(2_500_000).build(),
        request("huge", 60, 10).build());
  }

  static Request.Builder request(String id, int promptTokens, int maxNewTokens) {
    int[] prompt = new int[promptTokens];
    for (int i = 0; i < promptTokens; i++) {
      prompt[i] = Math.floorMod(id.hashCode() * 31 + i * i, 1_000);
    }
    return Request.builder(id, promptTokens, maxNewTokens).tokenIds(prompt);
  }
}
