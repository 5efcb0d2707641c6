package io.headway.runtime;

import io.headway.api.batching.End;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Counts how the requests of message batches end: what a batch API reports beside its results. Feed
 * it with what a scheduler's events say; it decides nothing.
 *
 * <p>A request is processing until it succeeded ({@link End#STOPPED}, {@link End#LENGTH}, {@link
 * End#HANDED_OVER}), was canceled ({@link End#CANCELLED}), expired ({@link End#EXPIRED}) or errored
 * (any other end, or refused at submission). A batch is in progress until the last of its requests
 * is over; from {@link #cancel} on it is canceling. It is ended when nothing is processing,
 * whatever the counts.
 *
 * <p>Names and states are those of Anthropic's Message Batches. O(1) per event; O(requests) memory
 * until their end. One thread at a time, as the scheduler's events.
 */
public final class MessageBatches implements EngineEvents {
  /** Where a batch stands. */
  public enum Status {
    /** Some request is processing. */
    IN_PROGRESS,
    /** It was canceled, and some request is processing still. */
    CANCELING,
    /** No request is processing. */
    ENDED
  }

  /**
   * How the requests of a batch stand.
   *
   * @param processing not over yet
   * @param succeeded with an answer
   * @param errored without one
   * @param canceled before they had one
   * @param expired before they had one
   */
  public record Counts(int processing, int succeeded, int errored, int canceled, int expired) {
    /**
     * Returns the size of the batch.
     *
     * @return requests
     */
    public int requests() {
      return processing + succeeded + errored + canceled + expired;
    }
  }

  private static final class Tally {
    private int processing;
    private int succeeded;
    private int errored;
    private int canceled;
    private int expired;
    private boolean canceling;
  }

  private final Map<String, Tally> batches = new LinkedHashMap<>();
  private final Map<Long, Tally> processing = new LinkedHashMap<>();

  /** Makes a tally without batches. */
  public MessageBatches() {}

  /**
   * Adds a request to a batch, which begins with its first one.
   *
   * @param batch name of the batch
   * @param handle the request, as {@link EngineScheduler#submit} accepted it
   * @throws IllegalArgumentException if the handle is processing in a batch already, or the batch
   *     was canceled
   */
  public void accepted(String batch, long handle) {
    Tally tally = open(batch);
    if (processing.putIfAbsent(handle, tally) != null) {
      throw new IllegalArgumentException(
          "handle " + handle + " is processing in a message batch already");
    }
    tally.processing++;
  }

  /**
   * Adds a request that was refused at submission; it counts as errored.
   *
   * @param batch name of the batch
   * @throws IllegalArgumentException if the batch was canceled
   */
  public void refused(String batch) {
    open(batch).errored++;
  }

  private Tally open(String batch) {
    Check.notNull("batch", batch);
    Tally tally = batches.computeIfAbsent(batch, name -> new Tally());
    if (tally.canceling) {
      throw new IllegalArgumentException(
          "message batch '" + batch + "' must not be canceled to take requests, but it is");
    }
    return tally;
  }

  @Override
  public void ended(long handle, End end, String detail) {
    Tally tally = processing.remove(handle);
    if (tally == null) {
      return;
    }
    tally.processing--;
    switch (end) {
      case STOPPED, LENGTH, HANDED_OVER -> tally.succeeded++;
      case CANCELLED -> tally.canceled++;
      case EXPIRED -> tally.expired++;
      case FAILED, NEVER_FITS, DRAINED -> tally.errored++;
    }
  }

  /**
   * Begins to cancel a batch: from now on it takes no requests and is {@link Status#CANCELING}.
   *
   * @param batch name of the batch
   * @return the handles that are processing, for the caller to {@linkplain EngineScheduler#cancel
   *     cancel}; what ends otherwise meanwhile keeps its own end
   * @throws IllegalArgumentException if there is no such batch
   */
  public long[] cancel(String batch) {
    Tally tally = require(batch);
    tally.canceling = true;
    long[] handles = new long[tally.processing];
    int count = 0;
    for (Map.Entry<Long, Tally> each : processing.entrySet()) {
      if (each.getValue() == tally) {
        handles[count++] = each.getKey();
      }
    }
    return Arrays.copyOf(handles, count);
  }

  /**
   * Returns where a batch stands.
   *
   * @param batch name of the batch
   * @return its status
   * @throws IllegalArgumentException if there is no such batch
   */
  public Status status(String batch) {
    Tally tally = require(batch);
    if (tally.processing == 0) {
      return Status.ENDED;
    }
    return tally.canceling ? Status.CANCELING : Status.IN_PROGRESS;
  }

  /**
   * Returns how the requests of a batch stand.
   *
   * @param batch name of the batch
   * @return the counts
   * @throws IllegalArgumentException if there is no such batch
   */
  public Counts counts(String batch) {
    Tally tally = require(batch);
    return new Counts(
        tally.processing, tally.succeeded, tally.errored, tally.canceled, tally.expired);
  }

  /**
   * Forgets a batch that has ended, as when its results were fetched.
   *
   * @param batch name of the batch
   * @return false, and nothing changed, while it is processing or if there is none
   */
  public boolean forget(String batch) {
    Check.notNull("batch", batch);
    Tally tally = batches.get(batch);
    return tally != null && tally.processing == 0 && batches.remove(batch, tally);
  }

  private Tally require(String batch) {
    Check.notNull("batch", batch);
    @Nullable Tally tally = batches.get(batch);
    if (tally == null) {
      throw new IllegalArgumentException("message batch '" + batch + "' is unknown");
    }
    return tally;
  }
}
