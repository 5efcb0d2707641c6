package io.headway.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headway.api.PolicyViolationException;
import io.headway.api.Request;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** R2, R9: the inbox is safe from any thread, bounded and first in, first out. */
@Timeout(60)
class EngineInboxTest {
  private static final int THREADS = 4;
  private static final long JOIN_MILLIS = 30_000;

  private final Scripted policy = Scripted.greedy();
  private final EngineScheduler scheduler =
      EngineScheduler.builder()
          .policy(policy)
          .pool(PagedKvBlockPool.of(PagedKvConfig.of(4, 64)))
          .limits(Limits.of(4, 64))
          .strict()
          .build();

  private static EngineInbox inbox(int capacity) {
    return new EngineInbox(capacity, () -> 0, Runnable::run);
  }

  private static Request request(String id) {
    return Request.of(id, 4, 4);
  }

  private static CompletableFuture<SubmitResult> submit(EngineInbox inbox, String id) {
    return inbox.submit(request(id)).toCompletableFuture();
  }

  private static void join(List<Thread> threads) throws InterruptedException {
    for (Thread thread : threads) {
      thread.join(JOIN_MILLIS);
      assertThat(thread.isAlive()).as(thread.getName()).isFalse();
    }
  }

  /** Starts threads that all begin at the same moment; what they throw is kept. */
  private static List<Thread> race(Queue<Throwable> failures, IntConsumer body) {
    CountDownLatch start = new CountDownLatch(1);
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < THREADS; t++) {
      int number = t;
      Thread thread =
          new Thread(
              () -> {
                try {
                  start.await();
                  body.accept(number);
                } catch (Throwable e) {
                  failures.add(e);
                }
              },
              "client-" + t);
      thread.setDaemon(true);
      thread.start();
      threads.add(thread);
    }
    start.countDown();
    return threads;
  }

  @Nested
  class Bounded {
    @Test
    void aFullInboxRefusesAtOnceAndTakesAgainOnceDrained() {
      EngineInbox inbox = inbox(2);
      CompletableFuture<SubmitResult> first = submit(inbox, "a");
      CompletableFuture<SubmitResult> second = submit(inbox, "b");
      CompletableFuture<SubmitResult> third = submit(inbox, "c");
      assertThat(first).isNotDone();
      assertThat(second).isNotDone();
      assertThat(third).isCompletedWithValue(new SubmitResult(SubmitResult.Kind.QUEUE_FULL, -1, 0));
      assertThat(inbox.drainTo(scheduler, 1)).isEqualTo(2);
      assertThat(first.join().accepted()).isTrue();
      assertThat(second.join().accepted()).isTrue();
      assertThat(submit(inbox, "c")).isNotDone();
      assertThat(inbox.drainTo(scheduler, 2)).isEqualTo(1);
      assertThat(scheduler.stats().waiting()).isEqualTo(3);
    }

    @Test
    void cancelsAndPostsShareABoundOfTheirOwn() {
      EngineInbox inbox = inbox(2);
      submit(inbox, "a");
      submit(inbox, "b");
      assertThat(inbox.cancel("a")).isTrue();
      assertThat(inbox.post((s, now) -> {})).isTrue();
      assertThat(inbox.cancel("b")).isFalse();
      assertThat(inbox.post((s, now) -> {})).isFalse();
      assertThat(inbox.drainTo(scheduler, 1)).isEqualTo(4);
      assertThat(inbox.cancel("b")).isTrue();
    }

    @Test
    void withCapacityNNeverNPlusOneWaitHoweverManySubmitAtOnce() throws InterruptedException {
      int capacity = 10;
      int each = 50;
      EngineInbox inbox = inbox(capacity);
      Queue<CompletableFuture<SubmitResult>> answers = new ConcurrentLinkedQueue<>();
      Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
      join(
          race(
              failures,
              t -> {
                for (int i = 0; i < each; i++) {
                  answers.add(submit(inbox, t + "/" + i));
                }
              }));
      assertThat(failures).isEmpty();
      assertThat(answers).hasSize(THREADS * each);
      assertThat(answers.stream().filter(answer -> !answer.isDone())).hasSize(capacity);
      assertThat(inbox.drainTo(scheduler, 1)).isEqualTo(capacity);
      assertThat(answers).allMatch(CompletableFuture::isDone);
      assertThat(answers.stream().filter(answer -> answer.join().accepted())).hasSize(capacity);
      assertThat(
              answers.stream()
                  .filter(answer -> answer.join().kind() == SubmitResult.Kind.QUEUE_FULL))
          .hasSize(THREADS * each - capacity);
      assertThat(scheduler.stats().accepted()).isEqualTo(capacity);
    }
  }

  @Nested
  class Order {
    @Test
    void whatOneThreadSendsArrivesInItsOrder() throws InterruptedException {
      int each = 500;
      EngineInbox inbox = inbox(THREADS * each);
      List<List<Integer>> seen = new ArrayList<>();
      for (int t = 0; t < THREADS; t++) {
        seen.add(new ArrayList<>());
      }
      Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
      List<Thread> clients =
          race(
              failures,
              t -> {
                for (int i = 0; i < each; i++) {
                  int number = i;
                  assertThat(inbox.post((s, now) -> seen.get(t).add(number))).isTrue();
                }
              });
      int drained = 0;
      while (drained < THREADS * each) {
        inbox.awaitUntil(Long.MAX_VALUE);
        drained += inbox.drainTo(scheduler, 1);
      }
      join(clients);
      assertThat(failures).isEmpty();
      assertThat(drained).isEqualTo(THREADS * each);
      for (List<Integer> numbers : seen) {
        assertThat(numbers).hasSize(each).isSorted().doesNotHaveDuplicates();
      }
    }

    @Test
    void aCancelNeverOvertakesItsSubmit() throws InterruptedException {
      int each = 200;
      EngineInbox inbox = inbox(THREADS * each);
      Queue<CompletableFuture<SubmitResult>> answers = new ConcurrentLinkedQueue<>();
      Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
      List<Thread> clients =
          race(
              failures,
              t -> {
                for (int i = 0; i < each; i++) {
                  String id = t + "/" + i;
                  answers.add(submit(inbox, id));
                  assertThat(inbox.cancel(id)).isTrue();
                }
              });
      int drained = 0;
      while (drained < 2 * THREADS * each) {
        inbox.awaitUntil(Long.MAX_VALUE);
        drained += inbox.drainTo(scheduler, drained);
      }
      join(clients);
      assertThat(failures).isEmpty();
      assertThat(answers).hasSize(THREADS * each).allMatch(answer -> answer.join().accepted());
      EngineStats stats = scheduler.stats();
      assertThat(stats.accepted()).isEqualTo(THREADS * each);
      assertThat(stats.ended()).isEqualTo(THREADS * each);
      assertThat(stats.waiting()).isZero();
    }

    @Test
    void submitsPostsAndCancelsKeepOneOrder() {
      EngineInbox inbox = inbox(8);
      List<Integer> waiting = new ArrayList<>();
      EngineInbox.Action look = (s, now) -> waiting.add(s.stats().waiting());
      inbox.post(look);
      submit(inbox, "a");
      inbox.post(look);
      submit(inbox, "b");
      inbox.cancel("a");
      inbox.post(look);
      inbox.cancel("b");
      inbox.post(look);
      assertThat(inbox.drainTo(scheduler, 1)).isEqualTo(8);
      assertThat(waiting).containsExactly(0, 1, 1, 0);
    }
  }

  @Nested
  class Cancel {
    @Test
    void endsARequestThatIsAlreadyScheduled() {
      EngineInbox inbox = inbox(4);
      CompletableFuture<SubmitResult> answer = submit(inbox, "a");
      inbox.drainTo(scheduler, 1);
      assertThat(scheduler.handleOf("a")).isEqualTo(answer.join().handle());
      assertThat(inbox.cancel("a")).isTrue();
      assertThat(scheduler.stats().waiting()).isEqualTo(1);
      inbox.drainTo(scheduler, 2);
      assertThat(scheduler.stats().waiting()).isZero();
      assertThat(scheduler.stats().ended()).isEqualTo(1);
    }

    @Test
    void ofAnUnknownOrEndedRequestChangesNothing() {
      EngineInbox inbox = inbox(4);
      submit(inbox, "a");
      inbox.cancel("a");
      inbox.cancel("a");
      inbox.cancel("never-heard-of");
      assertThat(inbox.drainTo(scheduler, 1)).isEqualTo(4);
      assertThat(scheduler.stats().ended()).isEqualTo(1);
    }
  }

  @Nested
  class Post {
    @Test
    void runsOnTheDrainingThreadWithItsSchedulerAndTime() {
      EngineInbox inbox = inbox(1);
      List<Object> seen = new ArrayList<>();
      inbox.post(
          (s, now) -> {
            seen.add(s);
            seen.add(now);
            seen.add(Thread.currentThread());
          });
      assertThat(seen).isEmpty();
      inbox.drainTo(scheduler, 42);
      assertThat(seen).containsExactly(scheduler, 42L, Thread.currentThread());
    }

    @Test
    void oneThatThrowsIsCountedAndHarmsNobodyElse() {
      EngineInbox inbox = inbox(4);
      inbox.post(
          (s, now) -> {
            throw new IllegalStateException("boom");
          });
      CompletableFuture<SubmitResult> answer = submit(inbox, "a");
      assertThat(inbox.drainTo(scheduler, 1)).isEqualTo(2);
      assertThat(inbox.failedActions()).isEqualTo(1);
      assertThat(answer.join().accepted()).isTrue();
    }

    @Test
    void fromWithinAnActionWaitsForTheNextDrain() {
      EngineInbox inbox = inbox(1);
      List<String> seen = new ArrayList<>();
      inbox.post(
          (s, now) -> {
            seen.add("outer");
            assertThat(inbox.post((s2, now2) -> seen.add("inner"))).isTrue();
          });
      assertThat(inbox.drainTo(scheduler, 1)).isEqualTo(1);
      assertThat(inbox.failedActions()).isZero();
      assertThat(seen).containsExactly("outer");
      assertThat(inbox.drainTo(scheduler, 2)).isEqualTo(1);
      assertThat(seen).containsExactly("outer", "inner");
    }
  }

  @Nested
  class Drain {
    @Test
    void ofAnEmptyInboxDoesNothing() {
      assertThat(inbox(1).drainTo(scheduler, 1)).isZero();
    }

    @Test
    void answersWhatTheSchedulerAnswers() {
      EngineInbox inbox = inbox(4);
      CompletableFuture<SubmitResult> first = submit(inbox, "a");
      CompletableFuture<SubmitResult> again = submit(inbox, "a");
      CompletableFuture<SubmitResult> huge =
          inbox.submit(Request.of("huge", 100_000, 4)).toCompletableFuture();
      inbox.drainTo(scheduler, 1);
      assertThat(first.join().kind()).isEqualTo(SubmitResult.Kind.ACCEPTED);
      assertThat(again.join().kind()).isEqualTo(SubmitResult.Kind.DUPLICATE_ID);
      assertThat(huge.join().kind()).isEqualTo(SubmitResult.Kind.NEVER_FITS);
    }

    @Test
    void throwsWhatTheSchedulerThrewAfterHandingOverTheRest() {
      policy.canServe =
          request -> {
            if (request.id().equals("bad")) {
              throw new IllegalStateException("boom");
            }
            return true;
          };
      EngineInbox inbox = inbox(4);
      CompletableFuture<SubmitResult> bad = submit(inbox, "bad");
      CompletableFuture<SubmitResult> good = submit(inbox, "good");
      assertThatThrownBy(() -> inbox.drainTo(scheduler, 1))
          .isInstanceOf(PolicyViolationException.class);
      assertThat(bad).isCompletedExceptionally();
      assertThatThrownBy(bad::join).hasCauseInstanceOf(PolicyViolationException.class);
      assertThat(good.join().accepted()).isTrue();
      assertThat(inbox.drainTo(scheduler, 2)).isZero();
    }

    @Test
    void leavesStagesToTheExecutor() {
      Deque<Runnable> tasks = new ArrayDeque<>();
      EngineInbox inbox = new EngineInbox(4, () -> 0, tasks::add);
      CompletableFuture<SubmitResult> answer = submit(inbox, "a");
      inbox.drainTo(scheduler, 1);
      assertThat(answer).isNotDone();
      assertThat(tasks).hasSize(1);
      tasks.remove().run();
      assertThat(answer.join().accepted()).isTrue();
    }

    @Test
    void losesNoAnswerToARefusingExecutor() {
      EngineInbox inbox =
          new EngineInbox(
              4,
              () -> 0,
              task -> {
                throw new RejectedExecutionException("shut down");
              });
      CompletableFuture<SubmitResult> answer = submit(inbox, "a");
      inbox.drainTo(scheduler, 1);
      assertThat(answer.join().accepted()).isTrue();
    }
  }

  @Nested
  class Await {
    /** Waits in another thread, wakes it once it really waits, and returns what it threw. */
    private List<Throwable> wake(EngineInbox inbox, Runnable waker) throws InterruptedException {
      Queue<Throwable> thrown = new ConcurrentLinkedQueue<>();
      Thread loop =
          new Thread(
              () -> {
                try {
                  inbox.awaitUntil(Long.MAX_VALUE);
                } catch (Throwable e) {
                  thrown.add(e);
                }
              },
              "loop");
      loop.setDaemon(true);
      loop.start();
      while (loop.getState() != Thread.State.WAITING) {
        assertThat(loop.isAlive()).isTrue();
        Thread.onSpinWait();
      }
      waker.run();
      join(List.of(loop));
      return List.copyOf(thrown);
    }

    @Test
    void aSubmitWakes() throws InterruptedException {
      EngineInbox inbox = inbox(1);
      assertThat(wake(inbox, () -> submit(inbox, "a"))).isEmpty();
      assertThat(inbox.drainTo(scheduler, 1)).isEqualTo(1);
    }

    @Test
    void aCancelWakes() throws InterruptedException {
      EngineInbox inbox = inbox(1);
      assertThat(wake(inbox, () -> inbox.cancel("a"))).isEmpty();
      assertThat(inbox.drainTo(scheduler, 1)).isEqualTo(1);
    }

    @Test
    void aPostWakes() throws InterruptedException {
      EngineInbox inbox = inbox(1);
      assertThat(wake(inbox, () -> inbox.post((s, now) -> {}))).isEmpty();
      assertThat(inbox.drainTo(scheduler, 1)).isEqualTo(1);
    }

    @Test
    void closeWakes() throws InterruptedException {
      EngineInbox inbox = inbox(1);
      assertThat(wake(inbox, inbox::close)).isEmpty();
      assertThat(inbox.closed()).isTrue();
    }

    @Test
    void anInterruptedThreadIsToldSo() {
      EngineInbox inbox = inbox(1);
      Thread.currentThread().interrupt();
      assertThatThrownBy(() -> inbox.awaitUntil(Long.MAX_VALUE))
          .isInstanceOf(InterruptedException.class);
      assertThat(Thread.interrupted()).isFalse();
    }

    @Test
    void returnsAtOnceIfSomethingWaitsOrTheTimeHasCome() throws InterruptedException {
      EngineInbox inbox = new EngineInbox(1, () -> 100, Runnable::run);
      inbox.awaitUntil(100);
      inbox.awaitUntil(-5);
      submit(inbox, "a");
      inbox.awaitUntil(Long.MAX_VALUE);
      inbox.drainTo(scheduler, 1);
      inbox.close();
      inbox.awaitUntil(Long.MAX_VALUE);
    }

    @Test
    void returnsWhenTheTimeComes() throws InterruptedException {
      EngineInbox inbox = new EngineInbox(1, () -> 0, Runnable::run);
      inbox.awaitUntil(1_000);
      assertThat(inbox.drainTo(scheduler, 1)).isZero();
      assertThat(inbox.closed()).isFalse();
    }
  }

  @Nested
  class Close {
    @Test
    void refusesSubmitsButStillTakesCancelsAndPosts() {
      EngineInbox inbox = inbox(4);
      CompletableFuture<SubmitResult> before = submit(inbox, "a");
      inbox.close();
      inbox.close();
      assertThat(submit(inbox, "b"))
          .isCompletedWithValue(new SubmitResult(SubmitResult.Kind.DRAINING, -1, 0));
      assertThat(inbox.closed()).isFalse();
      assertThat(inbox.cancel("a")).isTrue();
      assertThat(inbox.post((s, now) -> {})).isTrue();
      assertThat(inbox.drainTo(scheduler, 1)).isEqualTo(3);
      assertThat(before.join().accepted()).isTrue();
      assertThat(scheduler.stats().ended()).isEqualTo(1);
      assertThat(inbox.closed()).isTrue();
    }
  }

  @Nested
  class Messages {
    @Test
    void argumentsAreNamed() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> inbox(0))
          .withMessage("capacity must be at least 1 request, but was 0");
    }

    @Test
    @SuppressWarnings("NullAway")
    void nullsAreNamed() {
      EngineInbox inbox = inbox(1);
      assertThatNullPointerException().isThrownBy(() -> inbox.submit(null)).withMessage("request");
      assertThatNullPointerException()
          .isThrownBy(() -> inbox.cancel(null))
          .withMessage("requestId");
      assertThatNullPointerException().isThrownBy(() -> inbox.post(null)).withMessage("action");
      assertThatNullPointerException()
          .isThrownBy(() -> inbox.drainTo(null, 1))
          .withMessage("scheduler");
    }
  }
}
