package io.headway.batching.planning;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.batching.BatchPlanner;
import io.headway.api.batching.BatchView;
import io.headway.batching.internal.Arguments;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Plans the queue as BlendServe does offline: requests bound by compute and requests bound by
 * memory alternate, so that a batch uses both, while requests that share a prefix stay near each
 * other.
 *
 * <ol>
 *   <li>All waiting prompts make a prefix tree. Compute time of a request: its prompt tokens behind
 *       the shared prefixes, and an equal share of each prefix, times {@code computeSeconds}, plus
 *       its output tokens times the same. Memory time: the KV it reads while it decodes, {@code
 *       output * (prompt + output / 2)}, times {@code memorySeconds}. Output is the prediction,
 *       else the declared cap.
 *   <li>The children of each node are sorted by density, compute over memory, the densest first;
 *       ties by (arrival, id) of their earliest request. The leaves in that order go through a
 *       {@link DualScan}.
 * </ol>
 *
 * <p>Made for work that is all there at once; for arrivals, the plan is made anew at most once per
 * window, and whoever has arrived since stands behind it. No control of starvation. Cost per plan:
 * O(n log n) comparisons of prompts. Thread-safe; the state is single-threaded.
 *
 * <p>Source: BlendServe: Optimizing Offline Inference for Auto-regressive Large Models with
 * Resource-aware Batching, arXiv 2411.16102. Departures: output lengths are predicted, not sampled;
 * the two scanners share the pool instead of dividing it by the root's density.
 */
public final class DensityPlanner implements BatchPlanner<DensityPlanner.State> {
  private static final Claims CLAIMS = Claims.builder().needs(Claims.Need.PREFIX_KEYS).build();

  private final Parameters parameters;

  /**
   * Makes the planner.
   *
   * @param parameters its configuration
   */
  public DensityPlanner(Parameters parameters) {
    this.parameters = requireNonNull(parameters, "parameters");
  }

  /**
   * Configuration of a {@link DensityPlanner}.
   *
   * @param computeSeconds compute time per token, above 0
   * @param memorySeconds memory time per KV entry read, above 0
   * @param windowNanos least time between two plans, at least 0
   */
  public record Parameters(double computeSeconds, double memorySeconds, long windowNanos) {
    /**
     * 75 us per token and 0.25 us per KV entry, as for Llama-2-7B on an A100; at most once a
     * second.
     */
    public static final Parameters DEFAULT =
        new Parameters(75e-6, 0.25e-6, PrefixGroupPlanner.DEFAULT_WINDOW_NANOS);

    public Parameters {
      Arguments.positive("computeSeconds", computeSeconds, "s per token");
      Arguments.positive("memorySeconds", memorySeconds, "s per token");
      Arguments.atLeast("windowNanos", windowNanos, 0L, "ns");
    }
  }

  /** When the last plan was made, and for which density. Single-threaded. */
  public static final class State {
    private final PlanWindow window;
    private double targetDensity;

    private State(long windowNanos) {
      window = new PlanWindow(windowNanos);
    }

    /**
     * Returns the density of all that was planned last.
     *
     * @return compute over memory time
     */
    public double targetDensity() {
      return targetDensity;
    }
  }

  /** A prefix with what its requests cost and who of them came first. */
  private static final class Costs {
    double compute;
    double memory;
    int earliest = BatchView.NONE;
  }

  /** A child of a node, or a request that ends there, in the order of the scan. */
  private record Branch(PrefixTree.Node node, int sequence, Costs costs) {}

  @Override
  public String id() {
    return "blendserve";
  }

  @Override
  public State newState() {
    return new State(parameters.windowNanos);
  }

  @Override
  public Claims claims() {
    return CLAIMS;
  }

  @Override
  public long nextPlanNanos(State state, BatchView view) {
    return state.window.nextNanos();
  }

  @Override
  public void plan(State state, BatchView view, PlannedOrder order) {
    state.window.planned(view.nowNanos());
    DualScan scan = new DualScan();
    scan(view, scan);
    state.targetDensity = scan.targetDensity();
    for (int sequence : scan.order()) {
      order.append(sequence);
    }
  }

  /** Walks the sorted tree, handing each prefix's compute down in equal shares. */
  private void scan(BatchView view, DualScan scan) {
    PrefixTree tree = PrefixTree.of(view);
    Costs[] costs = costs(view, tree);
    Deque<Branch> path = new ArrayDeque<>();
    Deque<Double> shares = new ArrayDeque<>();
    path.push(new Branch(tree.root(), BatchView.NONE, costs[tree.root().index]));
    shares.push(0.0);
    while (!path.isEmpty()) {
      Branch branch = path.pop();
      double share = shares.pop();
      PrefixTree.Node node = branch.node;
      if (branch.sequence != BatchView.NONE) {
        double own = outputCompute(view, branch.sequence);
        scan.add(branch.sequence, own + share, memory(view, branch.sequence));
        continue;
      }
      double below = share + edgeTokens(node) * parameters.computeSeconds / node.requests;
      List<Branch> branches = new ArrayList<>();
      for (int sequence : node.ending) {
        Costs leaf = new Costs();
        leaf.compute = outputCompute(view, sequence);
        leaf.memory = memory(view, sequence);
        leaf.earliest = sequence;
        branches.add(new Branch(node, sequence, leaf));
      }
      for (PrefixTree.Node child : node.children) {
        branches.add(new Branch(child, BatchView.NONE, costs[child.index]));
      }
      // The densest is scanned first, so it is pushed last.
      branches.sort((a, b) -> -compare(view, a.costs, b.costs));
      for (Branch each : branches) {
        path.push(each);
        shares.push(below);
      }
    }
  }

  private static int compare(BatchView view, Costs a, Costs b) {
    int byDensity =
        Double.compare(
            DualScan.density(b.compute, b.memory), DualScan.density(a.compute, a.memory));
    return byDensity != 0 ? byDensity : view.compareArrival(a.earliest, b.earliest);
  }

  private Costs[] costs(BatchView view, PrefixTree tree) {
    Costs[] costs = new Costs[tree.postOrder().size()];
    for (PrefixTree.Node node : tree.postOrder()) {
      Costs sum = new Costs();
      sum.compute = edgeTokens(node) * parameters.computeSeconds;
      for (int sequence : node.ending) {
        sum.compute += outputCompute(view, sequence);
        sum.memory += memory(view, sequence);
        sum.earliest = earlier(view, sum.earliest, sequence);
      }
      for (PrefixTree.Node child : node.children) {
        Costs below = costs[child.index];
        sum.compute += below.compute;
        sum.memory += below.memory;
        sum.earliest = earlier(view, sum.earliest, below.earliest);
      }
      costs[node.index] = sum;
    }
    return costs;
  }

  private static int earlier(BatchView view, int a, int b) {
    return a == BatchView.NONE || view.compareArrival(b, a) < 0 ? b : a;
  }

  private static int edgeTokens(PrefixTree.Node node) {
    return node.depthTokens - node.parentDepthTokens;
  }

  private double outputCompute(BatchView view, int sequence) {
    return PrefixGroupPlanner.expectedOutput(view, sequence) * parameters.computeSeconds;
  }

  private double memory(BatchView view, int sequence) {
    double output = PrefixGroupPlanner.expectedOutput(view, sequence);
    double read =
        output * (view.promptTokens(sequence) + view.generatedTokens(sequence) + output / 2);
    return read * parameters.memorySeconds;
  }

  @Override
  public void onQueued(State state, BatchView view, int sequence) {
    if (view.preemptions(sequence) == 0) {
      state.window.arrived();
    }
  }

  @Override
  public int bulkIterations(State state, BatchView view) {
    return Integer.MAX_VALUE;
  }
}
