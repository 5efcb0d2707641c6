package io.headway.routing.internal;

/**
 * Best-k selection and sorting over primitive arrays; all orders are total, so nothing is random.
 */
public final class Selection {
  private static final int INSERTION_RUN = 16;

  private Selection() {}

  /**
   * Adds the scores of a range to the best k found so far and returns how many there are now. The
   * best are kept in descending order; of equal scores the one added first comes first.
   *
   * @param score the scores
   * @param from first index to add
   * @param to index after the last one to add
   * @param k how many to keep, at least 0
   * @param size how many are kept so far
   * @param index receives the indices of the best, from {@code at} on
   * @param value receives the scores of the best, from {@code at} on
   * @param at where the best begin in {@code index} and {@code value}
   * @return how many are kept now, at most {@code k}
   */
  public static int addBest(
      double[] score, int from, int to, int k, int size, int[] index, double[] value, int at) {
    int i = from;
    while (size < k && i < to) {
      insert(score[i], i, size, index, value, at);
      size++;
      i++;
    }
    if (k == 0 || i == to) {
      return size;
    }
    int last = at + k - 1;
    double floor = value[last];
    for (; i < to; i++) {
      if (score[i] > floor) {
        insert(score[i], i, k - 1, index, value, at);
        floor = value[last];
      }
    }
    return size;
  }

  private static void insert(double v, int i, int position, int[] index, double[] value, int at) {
    int j = at + position;
    while (j > at && value[j - 1] < v) {
      value[j] = value[j - 1];
      index[j] = index[j - 1];
      j--;
    }
    value[j] = v;
    index[j] = i;
  }

  /**
   * Reorders (score, id) pairs, so that the first {@code keep} are the best by descending score,
   * then ascending id, in no particular order. Expected linear time.
   *
   * @param score the scores
   * @param id their ids, distinct
   * @param base index of the first pair
   * @param count number of pairs
   * @param keep how many are wanted, from 1 to {@code count}
   * @return the score of the worst of the wanted ones
   */
  public static double partition(double[] score, int[] id, int base, int count, int keep) {
    int low = base;
    int high = base + count - 1;
    int target = base + keep - 1;
    while (low < high) {
      int middle = (low + high) >>> 1;
      order3(score, id, low, middle, high);
      double pivot = score[middle];
      int pivotId = id[middle];
      int i = low;
      int j = high;
      while (i <= j) {
        while (score[i] > pivot || (score[i] == pivot && id[i] < pivotId)) {
          i++;
        }
        while (score[j] < pivot || (score[j] == pivot && id[j] > pivotId)) {
          j--;
        }
        if (i <= j) {
          swap(score, id, i, j);
          i++;
          j--;
        }
      }
      if (target <= j) {
        high = j;
      } else if (target >= i) {
        low = i;
      } else {
        break;
      }
    }
    double worst = score[base];
    for (int i = base + 1; i <= target; i++) {
      worst = Math.min(worst, score[i]);
    }
    return worst;
  }

  private static void order3(double[] score, int[] id, int low, int middle, int high) {
    if (before(score, id, middle, low)) {
      swap(score, id, middle, low);
    }
    if (before(score, id, high, low)) {
      swap(score, id, high, low);
    }
    if (before(score, id, high, middle)) {
      swap(score, id, high, middle);
    }
  }

  private static boolean before(double[] score, int[] id, int i, int j) {
    return score[i] > score[j] || (score[i] == score[j] && id[i] < id[j]);
  }

  private static void swap(double[] score, int[] id, int i, int j) {
    double s = score[i];
    score[i] = score[j];
    score[j] = s;
    int t = id[i];
    id[i] = id[j];
    id[j] = t;
  }

  /**
   * Sorts indices by descending key; equal keys keep their order. A bottom-up merge sort, because
   * sorting indices by a primitive key without boxing is not in the library.
   *
   * @param index the indices
   * @param from position of the first one to sort
   * @param count how many to sort
   * @param key key of every index
   * @param scratch room for {@code count} ints
   */
  public static void sortDescending(int[] index, int from, int count, double[] key, int[] scratch) {
    int run = 8;
    for (int start = from; start < from + count; start += run) {
      int end = Math.min(start + run, from + count);
      for (int i = start + 1; i < end; i++) {
        int moved = index[i];
        double k = key[moved];
        int j = i - 1;
        while (j >= start && key[index[j]] < k) {
          index[j + 1] = index[j];
          j--;
        }
        index[j + 1] = moved;
      }
    }
    for (long width = run; width < count; width *= 2) {
      for (long start = 0; start + width < count; start += 2 * width) {
        int left = (int) start;
        int middle = (int) (start + width);
        int right = (int) Math.min(start + 2 * width, count);
        System.arraycopy(index, from + left, scratch, 0, middle - left);
        int a = 0;
        int b = from + middle;
        int write = from + left;
        int aEnd = middle - left;
        int bEnd = from + right;
        while (a < aEnd && b < bEnd) {
          index[write++] = key[scratch[a]] >= key[index[b]] ? scratch[a++] : index[b++];
        }
        while (a < aEnd) {
          index[write++] = scratch[a++];
        }
      }
    }
  }

  /**
   * Sorts (score, id) pairs by descending score, then ascending id. Ids are distinct, so the order
   * is total and an unstable sort gives one answer.
   *
   * @param score the scores
   * @param id their ids, distinct
   * @param base index of the first pair
   * @param count number of pairs
   */
  public static void sort(double[] score, int[] id, int base, int count) {
    int low = base;
    int high = base + count - 1;
    while (high - low >= INSERTION_RUN) {
      int middle = (low + high) >>> 1;
      order3(score, id, low, middle, high);
      double pivot = score[middle];
      int pivotId = id[middle];
      int i = low;
      int j = high;
      while (i <= j) {
        while (score[i] > pivot || (score[i] == pivot && id[i] < pivotId)) {
          i++;
        }
        while (score[j] < pivot || (score[j] == pivot && id[j] > pivotId)) {
          j--;
        }
        if (i <= j) {
          swap(score, id, i, j);
          i++;
          j--;
        }
      }
      // Recursing into the smaller side bounds the depth by the logarithm of the length.
      if (j - low < high - i) {
        sort(score, id, low, j - low + 1);
        low = i;
      } else {
        sort(score, id, i, high - i + 1);
        high = j;
      }
    }
    sortByInsertion(score, id, low, high - low + 1);
  }

  /**
   * The same for pairs that are few or nearly in order; quadratic in the worst case.
   *
   * @param score the scores
   * @param id their ids, distinct
   * @param base index of the first pair
   * @param count number of pairs
   */
  public static void sortByInsertion(double[] score, int[] id, int base, int count) {
    for (int i = base + 1; i < base + count; i++) {
      double s = score[i];
      int t = id[i];
      int j = i - 1;
      while (j >= base && (score[j] < s || (score[j] == s && id[j] > t))) {
        score[j + 1] = score[j];
        id[j + 1] = id[j];
        j--;
      }
      score[j + 1] = s;
      id[j + 1] = t;
    }
  }
}
