package io.headway.testkit.subject;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * A scheduler under test as four functions: the least that can be certified. What claims more, such
 * as preemption, block tables that move or results that come late and empty, implements {@link
 * SchedulerSubject} itself.
 */
public final class CallbackSubject implements SchedulerSubject {
  private final Predicate<RequestSpec> submit;
  private final Consumer<String> cancel;
  private final Supplier<List<Row>> decide;
  private final Predicate<RowReport> deliver;
  private long step;

  private CallbackSubject(
      Predicate<RequestSpec> submit,
      Consumer<String> cancel,
      Supplier<List<Row>> decide,
      Predicate<RowReport> deliver) {
    this.submit = requireNonNull(submit, "submit");
    this.cancel = requireNonNull(cancel, "cancel");
    this.decide = requireNonNull(decide, "decide");
    this.deliver = requireNonNull(deliver, "deliver");
  }

  /**
   * Makes a subject.
   *
   * @param submit takes a request; false refuses it for good
   * @param cancel drops a request, in whatever state, known or not
   * @param decide takes one decision; no rows if nothing can run
   * @param deliver takes the tokens of one row that has yielded some; false if its request is over
   *     and they count no more
   * @return the subject
   */
  public static CallbackSubject of(
      Predicate<RequestSpec> submit,
      Consumer<String> cancel,
      Supplier<List<Row>> decide,
      Predicate<RowReport> deliver) {
    return new CallbackSubject(submit, cancel, decide, deliver);
  }

  @Override
  public boolean submit(RequestSpec request, long nowNanos) {
    return submit.test(request);
  }

  @Override
  public void cancel(String id, long nowNanos) {
    cancel.accept(id);
  }

  @Override
  public BatchDecision decide(long nowNanos) {
    List<Row> rows = decide.get();
    return rows.isEmpty() ? BatchDecision.nothing(Long.MAX_VALUE) : BatchDecision.of(step++, rows);
  }

  @Override
  public boolean[] deliver(StepReport report, long nowNanos) {
    boolean[] counts = new boolean[report.rows().size()];
    for (int i = 0; i < counts.length; i++) {
      RowReport row = report.rows().get(i);
      counts[i] = !row.tokens().isEmpty() && deliver.test(row);
    }
    return counts;
  }
}
