package io.headway.examples.certify;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Somebody else's scheduler: first come first served, chunked prefill, so many requests at once and
 * so many tokens a step. It has no blocks and no dependency on this library.
 */
public final class SmallScheduler {
  /** A request and how far it is. */
  private static final class Job {
    final String id;
    final int maxNew;
    int known;
    int computed;
    int generated;

    Job(String id, int promptTokens, int maxNew) {
      this.id = id;
      this.maxNew = maxNew;
      known = promptTokens;
    }
  }

  /**
   * What one request computes in a step.
   *
   * @param id the request
   * @param start first position
   * @param count tokens
   */
  public record Work(String id, int start, int count) {}

  private final int slots;
  private final int tokenBudget;
  private final Deque<Job> waiting = new ArrayDeque<>();
  private final List<Job> running = new ArrayList<>();

  /**
   * Makes a scheduler without requests.
   *
   * @param slots requests at once
   * @param tokenBudget tokens a step
   */
  public SmallScheduler(int slots, int tokenBudget) {
    this.slots = slots;
    this.tokenBudget = tokenBudget;
  }

  /**
   * Queues a request.
   *
   * @param id its name
   * @param promptTokens its prompt
   * @param maxNew most output tokens
   * @return true: everybody is taken
   */
  public boolean add(String id, int promptTokens, int maxNew) {
    return waiting.add(new Job(id, promptTokens, maxNew));
  }

  /**
   * Drops a request, wherever it is.
   *
   * @param id its name
   */
  public void drop(String id) {
    waiting.removeIf(job -> job.id.equals(id));
    running.removeIf(job -> job.id.equals(id));
  }

  /**
   * Decides the next step.
   *
   * @return what runs
   */
  public List<Work> step() {
    while (running.size() < slots && !waiting.isEmpty()) {
      running.add(waiting.remove());
    }
    List<Work> batch = new ArrayList<>();
    int left = tokenBudget;
    for (Job job : running) {
      int count = Math.min(left, job.known - job.computed);
      if (count > 0) {
        batch.add(new Work(job.id, job.computed, count));
        job.computed += count;
        left -= count;
      }
    }
    return batch;
  }

  /**
   * Takes a token that a step has yielded.
   *
   * @param id the request
   * @param last whether the model ended it
   * @return false if the request is over already
   */
  public boolean token(String id, boolean last) {
    for (int i = 0; i < running.size(); i++) {
      Job job = running.get(i);
      if (job.id.equals(id)) {
        job.known++;
        job.generated++;
        if (last || job.generated == job.maxNew) {
          running.remove(i);
        }
        return true;
      }
    }
    return false;
  }
}
