package io.headway.testkit.mutant;

import static io.headway.api.Invariant.INV_01;
import static io.headway.api.Invariant.INV_19;
import static io.headway.api.Invariant.INV_24;
import static io.headway.api.Invariant.INV_26;
import static io.headway.api.Invariant.INV_27;
import static io.headway.api.Invariant.INV_37;
import static io.headway.api.Invariant.INV_38;

import io.headway.api.Invariant;
import java.util.List;

/** Bugs of fair queues. */
enum FlowFault implements Fault {
  /** Who cannot go is tried first for ever. */
  B_04(
      "An event moves items that cannot go back to the front, and the first of them ends the pass",
      "https://github.com/kubernetes/kubernetes/issues/71486",
      INV_26,
      INV_19,
      INV_24),
  /** The key does not follow the service. */
  B_06(
      "The fairness key of an item is computed once, when it is queued",
      "https://github.com/volcano-sh/kthena/issues/265",
      INV_37,
      INV_27),
  /** A refusal does not reach the caller. */
  B_70A(
      "The refusal of a full flow is swallowed: the caller hears that the item was taken",
      "https://github.com/kubernetes-sigs/gateway-api-inference-extension/pull/2103",
      INV_38),
  /** Sizes are not counted. */
  B_70B(
      "The sizes of queued items are not added up, so that the limit never holds",
      "https://github.com/kubernetes-sigs/gateway-api-inference-extension/pull/2103",
      INV_38),
  /** A flow is collected with its items. */
  B_71(
      "A flow without new items for a while is collected, whatever waits in it",
      "https://github.com/kubernetes-sigs/gateway-api-inference-extension/issues/1982",
      INV_38,
      INV_01),
  /** Idleness pays. */
  H_58("A flow that was idle catches up on the service it missed", "credit for idleness", INV_37),
  /** A cancel is not booked. */
  H_59("Cancelling a queued item leaves it in the count of its flow", "asymmetric ledger", INV_38),
  /** A refusal has side effects. */
  H_60(
      "An item that is refused is added to the count of its flow",
      "failed attempt with side effects",
      INV_38),
  /** A cancelled item comes out. */
  H_61("A cancelled item stays in the queue", "cancel while queued", INV_01),
  /** Every item costs the same. */
  H_62(
      "Every item is charged alike, whatever it costs",
      "supply and demand counted differently",
      INV_37),
  /** The latest goes first. */
  H_63("Of the items of a flow the latest goes first", "queue order", INV_19),
  /** Nobody is told. */
  H_64(
      "What an item waits for comes, and the queue does not notice",
      "lost wake-up",
      INV_26,
      INV_38),
  /** A blocked head blocks its flow. */
  H_65(
      "An item that is held back keeps the items of its flow behind it waiting",
      "head-of-line wait",
      INV_26);

  private final String title;
  private final String source;

  @SuppressWarnings("ImmutableEnumChecker") // a list made by List.of
  private final List<Invariant> expected;

  FlowFault(String title, String source, Invariant... expected) {
    this.title = title;
    this.source = source;
    this.expected = List.of(expected);
  }

  @Override
  public String title() {
    return title;
  }

  @Override
  public String source() {
    return source;
  }

  @Override
  public List<Invariant> expected() {
    return expected;
  }
}
