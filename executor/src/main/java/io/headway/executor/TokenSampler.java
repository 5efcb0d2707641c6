package io.headway.executor;

/**
 * Chooses a token from logits as {@link SamplingParameters} say. For implementations of {@link
 * Executor}. Deterministic: strict arithmetic, ties to the lowest id, one uniform number per {@code
 * (seed, position)}. O(vocabulary), and O(log vocabulary) per candidate with truncation; allocates
 * only on construction. Not thread-safe.
 */
public final class TokenSampler {
  /** Answer for logits that are not finite. */
  public static final int NOT_FINITE = -1;

  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

  private final int vocabularySize;
  private final int[] heap;
  private final double[] weights;

  /**
   * Makes a sampler.
   *
   * @param vocabularySize logits per token
   */
  public TokenSampler(int vocabularySize) {
    this.vocabularySize = vocabularySize;
    heap = new int[vocabularySize];
    weights = new double[vocabularySize];
  }

  /**
   * Chooses a token.
   *
   * @param logits holds the logits
   * @param from index of those of token 0
   * @param parameters how to choose
   * @param position where in its sequence the token will stand
   * @return its id, or {@link #NOT_FINITE} if a logit is NaN or infinite
   */
  public int sample(double[] logits, int from, SamplingParameters parameters, long position) {
    int best = 0;
    double zero = 0;
    for (int i = 0; i < vocabularySize; i++) {
      double logit = logits[from + i];
      // Stays 0 unless a logit is NaN or infinite.
      zero += 0 * logit;
      if (logit > logits[from + best]) {
        best = i;
      }
    }
    if (zero != 0) {
      return NOT_FINITE;
    }
    if (parameters.temperature() == 0) {
      return best;
    }
    double top = logits[from + best];
    double total = 0;
    for (int i = 0; i < vocabularySize; i++) {
      weights[i] = StrictMath.exp((logits[from + i] - top) / parameters.temperature());
      total += weights[i];
    }
    double uniform = uniform(parameters.seed(), position);
    if (parameters.topK() == 0 && parameters.topP() == 1) {
      return draw(uniform * total);
    }
    return truncated(parameters, total, uniform);
  }

  /**
   * Returns the uniform number of a position: 53 bits of SplitMix64's finaliser over {@code seed}
   * and {@code position}.
   *
   * @param seed of the request
   * @param position of the token
   * @return 0 inclusive to 1 exclusive
   */
  public static double uniform(long seed, long position) {
    long z = mix(mix(seed) + (position + 1) * GOLDEN_GAMMA);
    return (z >>> 11) * 0x1.0p-53;
  }

  private int draw(double target) {
    double reached = 0;
    int last = 0;
    for (int i = 0; i < vocabularySize; i++) {
      if (weights[i] > 0) {
        reached += weights[i];
        last = i;
        if (target < reached) {
          return i;
        }
      }
    }
    return last;
  }

  /** Takes candidates from the most probable on, as many as both limits allow. */
  private int truncated(SamplingParameters parameters, double total, double uniform) {
    int size = vocabularySize;
    for (int i = 0; i < size; i++) {
      heap[i] = i;
    }
    for (int i = size / 2 - 1; i >= 0; i--) {
      siftDown(i, size);
    }
    int most = parameters.topK() == 0 ? size : Math.min(size, parameters.topK());
    double enough = parameters.topP() * total;
    double kept = 0;
    int count = 0;
    // Taken candidates collect behind the heap, the most probable last.
    while (count < most && (count == 0 || kept < enough)) {
      int taken = heap[0];
      kept += weights[taken];
      count++;
      size--;
      heap[0] = heap[size];
      heap[size] = taken;
      siftDown(0, size);
    }
    double target = uniform * kept;
    double reached = 0;
    for (int i = 0; i < count; i++) {
      int candidate = heap[vocabularySize - 1 - i];
      reached += weights[candidate];
      if (target < reached) {
        return candidate;
      }
    }
    return heap[vocabularySize - count];
  }

  private void siftDown(int from, int size) {
    int at = from;
    int moved = heap[at];
    while (2 * at + 1 < size) {
      int child = 2 * at + 1;
      if (child + 1 < size && before(heap[child + 1], heap[child])) {
        child++;
      }
      if (!before(heap[child], moved)) {
        break;
      }
      heap[at] = heap[child];
      at = child;
    }
    if (size > 0) {
      heap[at] = moved;
    }
  }

  private boolean before(int a, int b) {
    return weights[a] > weights[b] || (weights[a] == weights[b] && a < b);
  }

  private static long mix(long value) {
    long z = value;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
