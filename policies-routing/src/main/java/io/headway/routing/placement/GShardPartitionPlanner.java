package io.headway.routing.placement;

import static java.util.Objects.requireNonNull;

import io.headway.api.moe.MoeInputException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Decides how every tensor of a graph of einsums is split over devices, from a few annotations, and
 * which collectives that takes.
 *
 * <p>A tensor is replicated or split on one dimension over all devices. Einsums are planned in the
 * order they were added, from the splits of their operands; tensors that are neither annotated nor
 * produced are replicated.
 *
 * <ol>
 *   <li>Neither operand split: computed replicated.
 *   <li>Both split on one dimension, or one operand split: computed on that dimension; a replicated
 *       operand that has it is sliced locally, which is free.
 *   <li>Split on different dimensions: the operand with fewer bytes, the second if equal, is
 *       gathered (ALL_GATHER); computed on the other's dimension.
 *   <li>If the output lacks that dimension, partial sums are added up (ALL_REDUCE of the output),
 *       which is then replicated; otherwise the output is split on it.
 *   <li>An output without annotation stays so. An annotated one is converted: split to another
 *       split ALL_TO_ALL, split to replicated ALL_GATHER, replicated to split free.
 * </ol>
 *
 * <p>Sizes are those of the tensors without padding; see {@link DimensionSplit} for uneven ones.
 * With one device there are no collectives. Cost: O(einsums x dimensions). Builders are not
 * thread-safe, plans are immutable.
 *
 * <p>Lepikhin et al.: GShard, ICLR 2021 (arXiv 2006.16668), Sections 3.1 to 3.3. The byte formulas
 * are the standard ring and all-to-all volumes; the paper reports measured costs instead.
 * Departure: operands are followed in one pass, which suffices for graphs in topological order.
 */
public final class GShardPartitionPlanner {
  private final int devices;
  private final int bytesPerElement;
  private final Map<String, Long> dimensions = new LinkedHashMap<>();
  private final Map<String, List<String>> tensors = new LinkedHashMap<>();
  private final Map<String, Optional<String>> annotations = new LinkedHashMap<>();
  private final List<Einsum> einsums = new ArrayList<>();
  private final Set<String> produced = new LinkedHashSet<>();

  private record Einsum(String first, String second, String output) {}

  /**
   * One collective on one tensor.
   *
   * @param kind the operation
   * @param tensor the tensor it moves
   * @param bytesSentPerDevice bytes that each device sends
   */
  public record Transfer(Collective kind, String tensor, double bytesSentPerDevice) {}

  /**
   * The plan of one einsum.
   *
   * @param output the tensor it produces
   * @param computeSplit dimension that the computation is split on; empty if replicated
   * @param transfers the collectives it takes, in order
   */
  public record Operation(String output, Optional<String> computeSplit, List<Transfer> transfers) {
    /** Copies the list. */
    public Operation {
      requireNonNull(output, "output");
      requireNonNull(computeSplit, "computeSplit");
      transfers = List.copyOf(transfers);
    }
  }

  /**
   * A plan of the whole graph.
   *
   * @param splits dimension that every tensor is split on, empty if replicated, in order of the
   *     tensors
   * @param operations plans of the einsums, in order
   */
  public record Plan(Map<String, Optional<String>> splits, List<Operation> operations) {
    /** Copies both, keeping their order. */
    public Plan {
      splits = Collections.unmodifiableMap(new LinkedHashMap<>(splits));
      operations = List.copyOf(operations);
    }

    /**
     * Returns how many collectives of each kind the plan takes.
     *
     * @return one count per kind, 0 included
     */
    public Map<Collective, Integer> collectiveCounts() {
      Map<Collective, Integer> counts = new EnumMap<>(Collective.class);
      for (Collective kind : Collective.values()) {
        counts.put(kind, 0);
      }
      for (Operation operation : operations) {
        for (Transfer transfer : operation.transfers()) {
          counts.merge(transfer.kind(), 1, Integer::sum);
        }
      }
      return counts;
    }

    /**
     * Returns how much each device sends in all.
     *
     * @return bytes
     */
    public double bytesSentPerDevice() {
      double sum = 0;
      for (Operation operation : operations) {
        for (Transfer transfer : operation.transfers()) {
          sum += transfer.bytesSentPerDevice();
        }
      }
      return sum;
    }
  }

  /**
   * Starts a graph.
   *
   * @param devices devices that every split goes over, at least 1
   * @param bytesPerElement bytes of one element, at least 1
   */
  public GShardPartitionPlanner(int devices, int bytesPerElement) {
    if (devices < 1) {
      throw new IllegalArgumentException("devices must be at least 1 device, but was " + devices);
    }
    if (bytesPerElement < 1) {
      throw new IllegalArgumentException(
          "bytesPerElement must be at least 1 byte, but was " + bytesPerElement);
    }
    this.devices = devices;
    this.bytesPerElement = bytesPerElement;
  }

  /**
   * Adds a dimension.
   *
   * @param name its name, new
   * @param size its length, at least 1
   * @return this planner
   */
  public GShardPartitionPlanner dimension(String name, long size) {
    if (size < 1) {
      throw new IllegalArgumentException(
          "size of dimension '" + name + "' must be at least 1, but was " + size);
    }
    if (dimensions.putIfAbsent(requireNonNull(name, "name"), size) != null) {
      throw new IllegalArgumentException("dimension must be new, but '" + name + "' is there");
    }
    return this;
  }

  /**
   * Adds a tensor.
   *
   * @param name its name, new
   * @param dimensionNames its dimensions, all of them known
   * @return this planner
   */
  public GShardPartitionPlanner tensor(String name, List<String> dimensionNames) {
    for (String dimension : dimensionNames) {
      if (!dimensions.containsKey(dimension)) {
        throw new IllegalArgumentException(
            "dimensions of tensor '"
                + name
                + "' must be among "
                + dimensions.keySet()
                + ", but one was '"
                + dimension
                + "'");
      }
    }
    if (tensors.putIfAbsent(requireNonNull(name, "name"), List.copyOf(dimensionNames)) != null) {
      throw new IllegalArgumentException("tensor must be new, but '" + name + "' is there");
    }
    return this;
  }

  /**
   * Adds an einsum; its operands come from earlier einsums or none.
   *
   * @param first first operand, a known tensor
   * @param second second operand, a known tensor
   * @param output the tensor it produces, known and produced by no other einsum
   * @return this planner
   */
  public GShardPartitionPlanner einsum(String first, String second, String output) {
    requireTensor(first);
    requireTensor(second);
    requireTensor(output);
    if (!produced.add(output)) {
      throw new IllegalArgumentException(
          "output must be produced once, but '" + output + "' is produced already");
    }
    einsums.add(new Einsum(first, second, output));
    return this;
  }

  /**
   * Demands that a tensor be split on one dimension.
   *
   * @param tensor a known tensor
   * @param dimension one of its dimensions
   * @return this planner
   * @throws MoeInputException with {@link MoeInputException.Rule#CONFLICTING_ANNOTATIONS} if
   *     another annotation demands something else
   */
  public GShardPartitionPlanner split(String tensor, String dimension) {
    if (!requireTensor(tensor).contains(dimension)) {
      throw new IllegalArgumentException(
          "split of tensor '"
              + tensor
              + "' must be one of "
              + requireTensor(tensor)
              + ", but was '"
              + dimension
              + "'");
    }
    return annotate(tensor, Optional.of(dimension));
  }

  /**
   * Demands that a tensor be replicated.
   *
   * @param tensor a known tensor
   * @return this planner
   * @throws MoeInputException with {@link MoeInputException.Rule#CONFLICTING_ANNOTATIONS} if
   *     another annotation demands something else
   */
  public GShardPartitionPlanner replicate(String tensor) {
    requireTensor(tensor);
    return annotate(tensor, Optional.empty());
  }

  private GShardPartitionPlanner annotate(String tensor, Optional<String> split) {
    Optional<String> other = annotations.putIfAbsent(tensor, split);
    if (other != null && !other.equals(split)) {
      throw new MoeInputException(
          MoeInputException.Rule.CONFLICTING_ANNOTATIONS,
          "tensor '"
              + tensor
              + "' must have one annotation, but had "
              + show(other)
              + " and "
              + show(split));
    }
    return this;
  }

  private static String show(Optional<String> split) {
    return split.map(dimension -> "split on '" + dimension + "'").orElse("replicated");
  }

  private List<String> requireTensor(String name) {
    List<String> found = tensors.get(requireNonNull(name, "tensor"));
    if (found == null) {
      throw new IllegalArgumentException(
          "tensor must be among " + tensors.keySet() + ", but was '" + name + "'");
    }
    return found;
  }

  /**
   * Returns the number of elements of a tensor.
   *
   * @param tensor a known tensor
   * @return product of its dimensions
   */
  public long elements(String tensor) {
    long product = 1;
    for (String dimension : requireTensor(tensor)) {
      product = Math.multiplyExact(product, requireNonNull(dimensions.get(dimension)));
    }
    return product;
  }

  /**
   * Plans the graph as it is now.
   *
   * @return the plan
   */
  public Plan plan() {
    Map<String, Optional<String>> splits = new LinkedHashMap<>();
    for (String tensor : tensors.keySet()) {
      splits.put(tensor, annotations.getOrDefault(tensor, Optional.empty()));
    }
    List<Operation> operations = new ArrayList<>();
    for (Einsum einsum : einsums) {
      operations.add(plan(einsum, splits));
    }
    return new Plan(splits, operations);
  }

  private Operation plan(Einsum einsum, Map<String, Optional<String>> splits) {
    Optional<String> first = splits.getOrDefault(einsum.first(), Optional.empty());
    Optional<String> second = splits.getOrDefault(einsum.second(), Optional.empty());
    List<Transfer> transfers = new ArrayList<>();
    Optional<String> compute = first.isPresent() ? first : second;
    if (first.isPresent() && second.isPresent() && !first.equals(second)) {
      boolean gatherFirst = elements(einsum.first()) < elements(einsum.second());
      transfer(Collective.ALL_GATHER, gatherFirst ? einsum.first() : einsum.second(), transfers);
      compute = gatherFirst ? second : first;
    }
    Optional<String> result = compute;
    if (compute.isPresent() && !requireTensor(einsum.output()).contains(compute.get())) {
      transfer(Collective.ALL_REDUCE, einsum.output(), transfers);
      result = Optional.empty();
    }
    Optional<String> wanted = annotations.get(einsum.output());
    if (wanted != null) {
      if (result.isPresent() && !result.equals(wanted)) {
        transfer(
            wanted.isPresent() ? Collective.ALL_TO_ALL : Collective.ALL_GATHER,
            einsum.output(),
            transfers);
      }
      result = wanted;
    }
    splits.put(einsum.output(), result);
    return new Operation(einsum.output(), compute, transfers);
  }

  private void transfer(Collective kind, String tensor, List<Transfer> transfers) {
    if (devices > 1) {
      double bytes = (double) elements(tensor) * bytesPerElement;
      transfers.add(new Transfer(kind, tensor, kind.bytesSentPerDevice(bytes, devices)));
    }
  }
}
