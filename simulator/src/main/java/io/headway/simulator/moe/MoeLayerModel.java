package io.headway.simulator.moe;

import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertPlacement;
import java.util.Arrays;

/**
 * Time of one mixture-of-experts layer under expert parallelism: tokens are sent to the devices of
 * their experts, every device runs its experts, the results are sent back; all devices wait for the
 * last one.
 *
 * <p>Token {@code t} of {@code T} lives on device {@code t D / T}. Its hidden state is sent once to
 * every other device that runs one of its experts, however many they are. An exchange takes {@code
 * latency + max over devices of max(sent, received) * bytes / bandwidth}; the way back is the
 * mirror of the way there. An expert with {@code n > 0} pairs takes {@code max(n * secondsPerPair,
 * secondsPerExpert)}: compute, or reading its weights once, whichever is longer; a device takes the
 * sum over its slots. Layer time = exchange + slowest device + exchange. Dropped pairs cost
 * nothing.
 *
 * <p>The form is the standard one for expert parallelism; the constants are the caller's. It has no
 * overlap of exchange and compute, which systems do in different degrees. Immutable and
 * thread-safe; {@link Scratch} belongs to one thread.
 *
 * @param secondsPerPair time a device computes for one (token, expert) pair, finite and at least 0
 * @param secondsPerExpert time a device needs to read the weights of one expert, finite and at
 *     least 0; 0 for compute-bound batches
 * @param hiddenStateBytes bytes of one token's hidden state on the wire, at least 0
 * @param linkBytesPerSecond bandwidth of a device's link, each way; above 0, infinite allowed
 * @param exchangeLatencySeconds fixed time of one exchange, finite and at least 0; not paid by a
 *     single device
 */
public record MoeLayerModel(
    double secondsPerPair,
    double secondsPerExpert,
    long hiddenStateBytes,
    double linkBytesPerSecond,
    double exchangeLatencySeconds) {
  private static final int MATRICES_PER_EXPERT = 3;
  private static final int FLOPS_PER_PARAMETER = 2;

  /** Checks the constants. */
  public MoeLayerModel {
    requireTime("secondsPerPair", secondsPerPair);
    requireTime("secondsPerExpert", secondsPerExpert);
    requireTime("exchangeLatencySeconds", exchangeLatencySeconds);
    if (hiddenStateBytes < 0) {
      throw new IllegalArgumentException(
          "hiddenStateBytes must be at least 0 bytes, but was " + hiddenStateBytes);
    }
    if (!(linkBytesPerSecond > 0)) {
      throw new IllegalArgumentException(
          "linkBytesPerSecond must be above 0 bytes/s, but was " + linkBytesPerSecond);
    }
  }

  /**
   * Derives the constants from a shape and a device: an expert is a gated feed-forward block of
   * {@code 3 * hidden * width} parameters, two FLOPs each per token.
   *
   * @param hidden width of the residual stream, at least 1
   * @param expertWidth inner width of an expert, at least 1
   * @param bytesPerElement of weights and hidden states, above 0
   * @param flopsPerSecond that expert kernels reach on a device, above 0
   * @param memoryBytesPerSecond that weights are read with, above 0
   * @param linkBytesPerSecond of a device, each way, above 0
   * @param exchangeLatencySeconds fixed time of one exchange, at least 0
   * @return the model
   */
  public static MoeLayerModel of(
      int hidden,
      int expertWidth,
      double bytesPerElement,
      double flopsPerSecond,
      double memoryBytesPerSecond,
      double linkBytesPerSecond,
      double exchangeLatencySeconds) {
    requireAbove("hidden", hidden, "elements");
    requireAbove("expertWidth", expertWidth, "elements");
    requireAbove("bytesPerElement", bytesPerElement, "bytes");
    requireAbove("flopsPerSecond", flopsPerSecond, "FLOPs/s");
    requireAbove("memoryBytesPerSecond", memoryBytesPerSecond, "bytes/s");
    double parameters = (double) MATRICES_PER_EXPERT * hidden * expertWidth;
    return new MoeLayerModel(
        FLOPS_PER_PARAMETER * parameters / flopsPerSecond,
        parameters * bytesPerElement / memoryBytesPerSecond,
        (long) Math.ceil(hidden * bytesPerElement),
        linkBytesPerSecond,
        exchangeLatencySeconds);
  }

  private static void requireTime(String name, double seconds) {
    if (!(seconds >= 0) || Double.isInfinite(seconds)) {
      throw new IllegalArgumentException(
          name + " must be finite and at least 0 seconds, but was " + seconds);
    }
  }

  private static void requireAbove(String name, double value, String unit) {
    if (!(value > 0)) {
      throw new IllegalArgumentException(name + " must be above 0 " + unit + ", but was " + value);
    }
  }

  /** What a layer call was measured into. Reused between calls; not thread-safe. */
  public static final class Scratch {
    private int[] pairsBySlot = {};
    private double[] devicePairs = {};
    private long[] sent = {};
    private long[] received = {};
    private int[] lastToken = {};
    private double computeSeconds;
    private double exchangeSeconds;
    private long transfers;
    private int devices;

    /** Creates empty scratch. */
    public Scratch() {}

    /**
     * Returns the time of the slowest device.
     *
     * @return seconds
     */
    public double computeSeconds() {
      return computeSeconds;
    }

    /**
     * Returns the time of one exchange, there or back.
     *
     * @return seconds
     */
    public double exchangeSeconds() {
      return exchangeSeconds;
    }

    /**
     * Returns the time of the layer.
     *
     * @return {@code exchange + compute + exchange} in seconds
     */
    public double seconds() {
      return computeSeconds + 2 * exchangeSeconds;
    }

    /**
     * Returns how many hidden states were sent to another device, one way.
     *
     * @return a count
     */
    public long transfers() {
      return transfers;
    }

    /**
     * Returns the pairs that every device carried out.
     *
     * @return live array, valid up to the number of devices
     */
    public double[] devicePairs() {
      return devicePairs;
    }

    /**
     * Returns the number of devices of the last call.
     *
     * @return at least 1 after a call
     */
    public int devices() {
      return devices;
    }

    private void prepare(int devices, int slots) {
      this.devices = devices;
      if (devicePairs.length < devices) {
        devicePairs = new double[devices];
        sent = new long[devices];
        received = new long[devices];
        lastToken = new int[devices];
      }
      if (pairsBySlot.length < slots) {
        pairsBySlot = new int[slots];
      }
      Arrays.fill(devicePairs, 0, devices, 0);
      Arrays.fill(sent, 0, devices, 0);
      Arrays.fill(received, 0, devices, 0);
      Arrays.fill(lastToken, 0, devices, -1);
      Arrays.fill(pairsBySlot, 0, slots, 0);
    }
  }

  /**
   * Returns on which device the activations of a token are.
   *
   * @param token token index
   * @param tokens tokens of the batch, at least 1
   * @param devices devices, at least 1
   * @return device index: equal consecutive shares
   */
  public static int homeDevice(int token, int tokens, int devices) {
    return (int) ((long) token * devices / tokens);
  }

  /**
   * Measures one layer of one batch.
   *
   * @param pairs the routing decision
   * @param placement where the experts are
   * @param slotByPair the replica's slot of every pair
   * @param scratch receives the times and counts
   */
  public void measure(
      ExpertAssignments pairs, ExpertPlacement placement, int[] slotByPair, Scratch scratch) {
    int devices = placement.devices();
    int tokens = pairs.tokens();
    int count = pairs.pairCount();
    scratch.prepare(devices, placement.slots());
    scratch.transfers = 0;
    for (int pair = 0; pair < count; pair++) {
      int slot = slotByPair[pair];
      int token = pairs.token(pair);
      int device = placement.device(slot);
      scratch.pairsBySlot[slot]++;
      scratch.devicePairs[device]++;
      // Pairs come token by token, so a device that saw this token already has its hidden state.
      if (scratch.lastToken[device] != token) {
        scratch.lastToken[device] = token;
        int home = homeDevice(token, tokens, devices);
        if (home != device) {
          scratch.sent[home]++;
          scratch.received[device]++;
          scratch.transfers++;
        }
      }
    }
    double slowest = 0;
    long busiest = 0;
    for (int d = 0; d < devices; d++) {
      double seconds = 0;
      for (int s = placement.deviceOffset(d); s < placement.deviceOffset(d + 1); s++) {
        if (scratch.pairsBySlot[s] > 0) {
          seconds += Math.max(scratch.pairsBySlot[s] * secondsPerPair, secondsPerExpert);
        }
      }
      slowest = Math.max(slowest, seconds);
      busiest = Math.max(busiest, Math.max(scratch.sent[d], scratch.received[d]));
    }
    scratch.computeSeconds = slowest;
    scratch.exchangeSeconds =
        devices == 1
            ? 0
            : exchangeLatencySeconds + (double) busiest * hiddenStateBytes / linkBytesPerSecond;
  }
}
