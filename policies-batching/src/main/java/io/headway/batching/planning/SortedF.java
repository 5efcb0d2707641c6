package io.headway.batching.planning;

import static java.util.Objects.requireNonNull;

import io.headway.batching.internal.Arguments;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Orders a backlog whose prompts and outputs both vary: repeatedly the feasible set {@code X} of
 * the remaining requests with the smallest {@code F(X) = (sum of outputs in X) / |X|^2}, its
 * members by ascending output.
 *
 * <p>A set is feasible if it fits when all start together: for every distinct output {@code o} in
 * it, {@code sum over j with o_j >= o of size(prompt_j + o) <= memory}. Ties go to the larger set,
 * then to the one with the lexicographically smaller list of indices. F is no key of a single
 * request.
 *
 * <p>Up to {@code exactRequests} requests the best set is found by enumeration, exponential in
 * their number. Beyond, greedily: requests are added by (output, prompt) and, alternatively, by
 * (prompt + output), each time skipping what does not fit, and the prefix with the smallest F is
 * taken; O(n^2) per set. {@link Method} names the variants. Run as a list schedule the exact
 * order's total completion time is at most 48 times the least possible (theorem of the paper, all
 * requests present, exact lengths). Immutable and thread-safe.
 *
 * <p>Source: arXiv 2508.06133; metric, constant and names of the variants from a summary of it, so
 * what a swap is, is this library's reading.
 *
 * @param method how sets are found
 * @param exactRequests most requests for which sets are enumerated, 0 to {@value #MAX_EXACT}
 */
public record SortedF(Method method, int exactRequests) {
  /** How sets are found. */
  public enum Method {
    /** The rule above. */
    F,
    /**
     * Beyond {@code exactRequests} the greedy set is improved while F falls: by an outsider that
     * fits beside it, by an outsider of less output in a member's place, or by leaving a member
     * out.
     */
    LOCAL_SWAP,
    /**
     * No sets: ascending mean start of the {@linkplain StartTimeRelaxation linear relaxation}, ties
     * by (output, index). Each request is a set of its own.
     */
    LP,
    /**
     * Each set is the prefix of the order of {@link #LP}, without what does not fit, whose F is
     * smallest, improved as by {@link #LOCAL_SWAP}.
     */
    LP_SWAP
  }

  /** Requests beyond which the linear relaxation would not be solved in useful time. */
  public static final int MAX_LP = 24;

  /** Periods of the linear relaxation, beside one per request for rounding. */
  static final int LP_PERIODS = 32;

  /** Enumeration beyond this would not end in useful time. */
  public static final int MAX_EXACT = 16;

  /** Requests up to which sets are enumerated by default. */
  public static final int DEFAULT_EXACT_REQUESTS = 12;

  public SortedF {
    requireNonNull(method, "method");
    Arguments.within("exactRequests", exactRequests, 0, MAX_EXACT, "requests");
  }

  /** A set of requests that may start together. Immutable. */
  public static final class Group {
    private final int[] members;
    private final long outputTokens;

    private Group(int[] members, long outputTokens) {
      this.members = members;
      this.outputTokens = outputTokens;
    }

    /**
     * Returns the members.
     *
     * @return indices by ascending (output, index); not to be changed
     */
    public int[] members() {
      return members;
    }

    /**
     * Returns the sum of their outputs.
     *
     * @return tokens
     */
    public long outputTokens() {
      return outputTokens;
    }

    /**
     * Returns F.
     *
     * @return {@code outputTokens / members^2}
     */
    public double f() {
      return (double) outputTokens / ((double) members.length * members.length);
    }

    private boolean beats(Group other) {
      long mine = outputTokens * other.members.length * other.members.length;
      long theirs = other.outputTokens * members.length * members.length;
      return mine < theirs || (mine == theirs && members.length > other.members.length);
    }
  }

  /** The requests and the memory they share. */
  private static final class Problem {
    private final int[] promptTokens;
    private final int[] outputTokens;
    private final long memory;
    private final IntUnaryOperator size;

    Problem(int[] promptTokens, int[] outputTokens, long memory, IntUnaryOperator size) {
      this.promptTokens = promptTokens;
      this.outputTokens = outputTokens;
      this.memory = memory;
      this.size = size;
    }

    Group alone(int i) {
      return new Group(new int[] {i}, outputTokens[i]);
    }

    /** A set without the member at a place and with another request, or null if it does not fit. */
    @Nullable Group with(int[] members, int without, int another) {
      Growing set = new Growing(this);
      for (int i = 0; i < members.length; i++) {
        if (i != without && !set.add(members[i])) {
          return null;
        }
      }
      return another < 0 || set.add(another) ? set.group() : null;
    }

    boolean byOutput(int a, int b) {
      int order = Integer.compare(outputTokens[a], outputTokens[b]);
      return order != 0 ? order < 0 : a < b;
    }
  }

  /**
   * Returns F of a set, feasible or not.
   *
   * @param outputTokens outputs of its members, at least one
   * @return {@code sum of outputs / members^2}
   */
  public static double f(int[] outputTokens) {
    return Arrays.stream(outputTokens).asLongStream().sum()
        / ((double) outputTokens.length * outputTokens.length);
  }

  /**
   * Returns whether requests fit when they all start together.
   *
   * @param promptTokens prompts
   * @param outputTokens outputs
   * @param memory what there is, in the unit of {@code size}
   * @param size what a sequence of so many tokens takes; the identity for tokens
   * @return true if the peak is at most {@code memory}
   */
  public static boolean feasible(
      int[] promptTokens, int[] outputTokens, long memory, IntUnaryOperator size) {
    Growing set = new Growing(new Problem(promptTokens, outputTokens, memory, size));
    for (int i = 0; i < promptTokens.length; i++) {
      if (!set.add(i)) {
        return false;
      }
    }
    return true;
  }

  /**
   * Returns the sets in the order in which they are taken.
   *
   * @param promptTokens prompts; ties of equal sets go by index
   * @param outputTokens outputs, at least 1
   * @param memory what there is, in the unit of {@code size}
   * @param size what a sequence of so many tokens takes; the identity for tokens
   * @return a partition of the requests
   * @throws IllegalArgumentException if a request alone does not fit, or there are more than
   *     {@value #MAX_LP} for a method with the linear relaxation
   */
  public List<Group> groups(
      int[] promptTokens, int[] outputTokens, long memory, IntUnaryOperator size) {
    Problem problem =
        new Problem(
            requireNonNull(promptTokens, "promptTokens"),
            requireNonNull(outputTokens, "outputTokens"),
            memory,
            requireNonNull(size, "size"));
    for (int i = 0; i < promptTokens.length; i++) {
      requireFitsAlone(promptTokens[i], outputTokens[i], memory, size);
    }
    int n = promptTokens.length;
    return switch (method) {
      case F -> n <= exactRequests ? exact(problem) : greedy(problem, false);
      case LOCAL_SWAP -> n <= exactRequests ? exact(problem) : greedy(problem, true);
      case LP -> relaxed(problem).stream().map(problem::alone).toList();
      case LP_SWAP -> swapped(problem, relaxed(problem));
    };
  }

  static void requireFitsAlone(int prompt, int output, long memory, IntUnaryOperator size) {
    if (size.applyAsInt(prompt + output) > memory) {
      throw new IllegalArgumentException(
          "every request must fit alone, but one of "
              + prompt
              + " + "
              + output
              + " tokens does not");
    }
  }

  /** The requests by their mean start in the linear relaxation. */
  private static List<Integer> relaxed(Problem problem) {
    int n = problem.promptTokens.length;
    if (n > MAX_LP) {
      throw new IllegalArgumentException(
          "requests must be at most " + MAX_LP + " for the linear relaxation, but were " + n);
    }
    StartTimeRelaxation relaxation =
        StartTimeRelaxation.solve(
            problem.promptTokens, problem.outputTokens, problem.memory, problem.size, LP_PERIODS);
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      order.add(i);
    }
    // Starts that differ by less than the solver's error are equal.
    order.sort(
        Comparator.<Integer>comparingLong(i -> Math.round(relaxation.meanStart(i) * 1e6))
            .thenComparingInt(i -> problem.outputTokens[i]));
    return order;
  }

  private static List<Group> swapped(Problem problem, List<Integer> order) {
    List<Integer> left = new ArrayList<>(order);
    List<Group> groups = new ArrayList<>();
    while (!left.isEmpty()) {
      Group best = improved(problem, bestPrefix(problem, left), left);
      groups.add(best);
      Arrays.stream(best.members()).forEach(member -> left.remove((Integer) member));
    }
    return groups;
  }

  /** Changes a set while that makes its F fall, or keeps F and makes it larger. */
  private static Group improved(Problem problem, Group from, List<Integer> left) {
    List<Integer> candidates = new ArrayList<>(left);
    candidates.sort(
        Comparator.<Integer>comparingInt(i -> problem.outputTokens[i])
            .thenComparingInt(i -> problem.promptTokens[i])
            .thenComparingInt(i -> i));
    Group set = from;
    Group better = step(problem, set, candidates);
    while (better != null) {
      set = better;
      better = step(problem, set, candidates);
    }
    return set;
  }

  /** The first of all changes that improves a set, or null. */
  private static @Nullable Group step(Problem problem, Group set, List<Integer> candidates) {
    int[] members = set.members();
    for (int candidate : candidates) {
      if (Arrays.stream(members).anyMatch(member -> member == candidate)) {
        continue;
      }
      Group larger = problem.with(members, -1, candidate);
      if (larger != null && larger.beats(set)) {
        return larger;
      }
      for (int i = members.length - 1; i >= 0; i--) {
        if (problem.outputTokens[candidate] >= problem.outputTokens[members[i]]) {
          break;
        }
        Group other = problem.with(members, i, candidate);
        if (other != null) {
          return other;
        }
      }
    }
    // The last member has the largest output.
    Group smaller = members.length == 1 ? null : problem.with(members, members.length - 1, -1);
    return smaller != null && smaller.beats(set) ? smaller : null;
  }

  /**
   * Returns the order in which requests start: set by set, by output inside a set.
   *
   * @param groups from {@link #groups}
   * @return indices
   */
  public static int[] order(List<Group> groups) {
    return groups.stream().flatMapToInt(group -> Arrays.stream(group.members())).toArray();
  }

  private static List<Group> exact(Problem problem) {
    int n = problem.promptTokens.length;
    Group[] feasible = new Group[1 << n];
    for (int mask = 1; mask < 1 << n; mask++) {
      // A set is feasible only if it is without its last member.
      int without = mask & ~Integer.highestOneBit(mask);
      if (without == 0 || feasible[without] != null) {
        Growing set = new Growing(problem);
        boolean fits = true;
        for (int i = 0; i < n && fits; i++) {
          fits = (mask >> i & 1) == 0 || set.add(i);
        }
        if (fits) {
          feasible[mask] = set.group();
        }
      }
    }
    List<Group> groups = new ArrayList<>();
    int left = (1 << n) - 1;
    while (left != 0) {
      int best = 0;
      for (int mask = left; mask > 0; mask = (mask - 1) & left) {
        Group group = feasible[mask];
        if (group == null) {
          continue;
        }
        Group than = feasible[best];
        boolean better =
            than == null
                || group.beats(than)
                || (!than.beats(group) && (Integer.lowestOneBit(mask ^ best) & mask) != 0);
        best = better ? mask : best;
      }
      groups.add(requireNonNull(feasible[best]));
      left &= ~best;
    }
    return groups;
  }

  private static List<Group> greedy(Problem problem, boolean swaps) {
    int n = problem.promptTokens.length;
    List<Integer> byOutput = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      byOutput.add(i);
    }
    List<Integer> bySize = new ArrayList<>(byOutput);
    byOutput.sort(
        (a, b) -> {
          int first = Integer.compare(problem.outputTokens[a], problem.outputTokens[b]);
          return first != 0
              ? first
              : Integer.compare(problem.promptTokens[a], problem.promptTokens[b]);
        });
    bySize.sort(
        (a, b) ->
            Long.compare(
                (long) problem.promptTokens[a] + problem.outputTokens[a],
                (long) problem.promptTokens[b] + problem.outputTokens[b]));
    List<Group> groups = new ArrayList<>();
    while (!byOutput.isEmpty()) {
      Group first = bestPrefix(problem, byOutput);
      Group second = bestPrefix(problem, bySize);
      Group best = second.beats(first) ? second : first;
      best = swaps ? improved(problem, best, byOutput) : best;
      groups.add(best);
      boolean[] taken = new boolean[n];
      for (int member : best.members()) {
        taken[member] = true;
      }
      byOutput.removeIf(i -> taken[i]);
      bySize.removeIf(i -> taken[i]);
    }
    return groups;
  }

  private static Group bestPrefix(Problem problem, List<Integer> order) {
    Growing set = new Growing(problem);
    set.add(order.get(0));
    Group best = set.group();
    for (int i = 1; i < order.size(); i++) {
      if (set.add(order.get(i))) {
        long outputs = set.outputs;
        long k = set.size;
        long than = best.members().length;
        if (outputs * than * than <= best.outputTokens() * k * k) {
          best = set.group();
        }
      }
    }
    return best;
  }

  /** A feasible set to which members are added as long as they fit. */
  private static final class Growing {
    private final Problem problem;
    private int[] members = new int[8];
    // What all hold when the i-th member ends.
    private long[] held = new long[8];
    private int size;
    private long outputs;

    Growing(Problem problem) {
      this.problem = problem;
    }

    boolean add(int request) {
      int prompt = problem.promptTokens[request];
      int output = problem.outputTokens[request];
      long own = problem.size.applyAsInt(prompt + output);
      for (int i = 0; i < size; i++) {
        int end = problem.outputTokens[members[i]];
        if (end <= output && held[i] + problem.size.applyAsInt(prompt + end) > problem.memory) {
          return false;
        }
        if (end >= output) {
          own += problem.size.applyAsInt(problem.promptTokens[members[i]] + output);
        }
      }
      if (own > problem.memory) {
        return false;
      }
      for (int i = 0; i < size; i++) {
        int end = problem.outputTokens[members[i]];
        held[i] += end <= output ? problem.size.applyAsInt(prompt + end) : 0;
      }
      if (size == members.length) {
        members = Arrays.copyOf(members, size * 2);
        held = Arrays.copyOf(held, size * 2);
      }
      members[size] = request;
      held[size++] = own;
      outputs += output;
      return true;
    }

    Group group() {
      int[] sorted = Arrays.copyOf(members, size);
      for (int i = 1; i < size; i++) {
        int member = sorted[i];
        int at = i;
        while (at > 0 && problem.byOutput(member, sorted[at - 1])) {
          sorted[at] = sorted[at - 1];
          at--;
        }
        sorted[at] = member;
      }
      return new Group(sorted, outputs);
    }
  }
}
