package io.headway.testkit.mutant;

import static io.headway.api.Invariant.INV_02;
import static io.headway.api.Invariant.INV_04;
import static io.headway.api.Invariant.INV_06;
import static io.headway.api.Invariant.INV_13;
import static io.headway.api.Invariant.INV_16;
import static io.headway.api.Invariant.INV_17;
import static io.headway.api.Invariant.INV_19;
import static io.headway.api.Invariant.INV_23;
import static io.headway.api.Invariant.INV_27;
import static io.headway.api.Invariant.INV_30;
import static io.headway.api.Invariant.INV_33;
import static io.headway.api.Invariant.INV_34;
import static io.headway.api.Invariant.INV_35;
import static io.headway.api.Invariant.INV_36;
import static io.headway.api.Invariant.INV_39;
import static io.headway.api.Invariant.INV_40;

import io.headway.api.Invariant;
import java.util.List;

/** Bugs of routers. */
enum RouterFault implements Fault {
  /** Keys do not depend on what comes before. */
  B_45A(
      ReferenceRouter.Kind.AFFINE,
      "The index names a block by its own words only",
      "https://github.com/vllm-project/aibrix/issues/917",
      INV_17,
      INV_35),
  /** Matches behind a gap count. */
  B_45B(
      ReferenceRouter.Kind.AFFINE,
      "The index counts matches behind a missing block",
      "https://github.com/llm-d/llm-d-kv-cache/pull/688",
      INV_17,
      INV_35),
  /** A key goes with its first copy. */
  B_57(
      ReferenceRouter.Kind.AFFINE,
      "A key is struck off the index although another copy exists",
      "https://github.com/vllm-project/vllm/pull/55092",
      INV_35,
      INV_16),
  /** A cleared cache stays in the index. */
  B_58(
      ReferenceRouter.Kind.AFFINE,
      "The message that everything was cleared is ignored",
      "https://github.com/llm-d/llm-d-kv-cache/pull/563",
      INV_35),
  /** The index learns too early. */
  B_59(
      ReferenceRouter.Kind.AFFINE,
      "The index learns from a request when it is routed, served or not",
      "https://github.com/kubernetes-sigs/gateway-api-inference-extension/pull/2125",
      INV_35,
      INV_04),
  /** Live requests are reaped. */
  B_60A(
      ReferenceRouter.Kind.BALANCED,
      "Requests that are older than a time limit are struck off the load",
      "https://github.com/llm-d/llm-d-router/issues/2295",
      INV_34),
  /** The charge comes after further decisions. */
  B_60B(
      ReferenceRouter.Kind.BALANCED,
      "A charge is booked only after five further decisions",
      "https://github.com/llm-d/llm-d-router/issues/2295",
      INV_34),
  /** The ledger knows names, not lives. */
  B_61(
      ReferenceRouter.Kind.BALANCED,
      "The end of an old request lowers the count of the next life of its instance",
      "https://github.com/llm-d/llm-d-router/pull/1739",
      INV_34),
  /** Failures are not booked. */
  B_62A(
      ReferenceRouter.Kind.BALANCED,
      "Only requests that succeed are taken off the load",
      "https://github.com/vllm-project/production-stack/pull/1072",
      INV_34,
      INV_13,
      INV_40),
  /** The wrong phase is booked. */
  B_62B(
      ReferenceRouter.Kind.BALANCED,
      "A request that ends before its first token is taken off the decode count",
      "https://github.com/vllm-project/production-stack/pull/1072",
      INV_34,
      INV_13,
      INV_40),
  /** The charge comes with the response. */
  B_63A(
      ReferenceRouter.Kind.BALANCED,
      "Load is charged when the response starts",
      "https://github.com/smg-project/smg/pull/1714",
      INV_34,
      INV_36),
  /** Choosing and charging are two steps. */
  B_63B(
      ReferenceRouter.Kind.BALANCED,
      "Load is charged when the request is sent, not when its instance is chosen",
      "https://github.com/vllm-project/aibrix/issues/2422",
      INV_34,
      INV_36),
  /** Ties go to the first. */
  B_64A(
      ReferenceRouter.Kind.BALANCED,
      "Of equally loaded instances the first always wins",
      "https://github.com/vllm-project/vllm/pull/47420",
      INV_36),
  /** A report erases what came after it. */
  B_64B(
      ReferenceRouter.Kind.BALANCED,
      "A report erases what the router did since it was taken",
      "https://github.com/vllm-project/vllm/pull/41626",
      INV_36),
  /** A cached queue length only grows. */
  B_65(
      ReferenceRouter.Kind.BALANCED,
      "A completion does not lower the cached queue length",
      "https://github.com/ray-project/ray/pull/61755",
      INV_34,
      INV_27),
  /** An instance is chosen that the load table does not know. */
  B_66(
      ReferenceRouter.Kind.BALANCED,
      "Charges for an instance that has not reported yet are dropped",
      "https://github.com/ai-dynamo/dynamo/pull/7795",
      INV_34,
      INV_33),
  /** Candidates come from the index. */
  B_67(
      ReferenceRouter.Kind.AFFINE,
      "An instance that is gone is chosen for the prefix it had",
      "https://github.com/ai-dynamo/dynamo/pull/11646",
      INV_33),
  /** A miss does not look at the load. */
  B_68(
      ReferenceRouter.Kind.AFFINE,
      "A prompt cached nowhere goes to the instance with the fewest cached blocks",
      "https://github.com/sgl-project/sglang/pull/14532",
      INV_36),
  /** Limits are copied. */
  B_72A(
      ReferenceRouter.Kind.BALANCED,
      "A retry lowers the most tokens by what was delivered, but not the fewest",
      "https://github.com/ai-dynamo/dynamo/pull/13600",
      INV_30),
  /** One attempt and the largest number of retries overflow. */
  B_72B(
      ReferenceRouter.Kind.BALANCED,
      "The number of attempts overflows if retries are not limited",
      "https://github.com/ai-dynamo/dynamo/pull/13600",
      INV_30),
  /** One of the ways out is forgotten. */
  H_40(
      ReferenceRouter.Kind.BALANCED,
      "Requests that time out stay charged",
      "asymmetric ledger",
      INV_34,
      INV_13),
  /** The wrong instance is discharged. */
  H_41(
      ReferenceRouter.Kind.BALANCED,
      "A retry takes the charge back from where the request goes",
      "asymmetric ledger",
      INV_34),
  /** An end counts as often as it is told. */
  H_42(
      ReferenceRouter.Kind.BALANCED,
      "A request that ends twice is taken off twice",
      "double release",
      INV_34),
  /** Reports are taken in the order of arrival. */
  H_43(
      ReferenceRouter.Kind.BALANCED,
      "A report that was taken earlier replaces a later one",
      "stale snapshot",
      INV_36),
  /** Both attempts count. */
  H_44(
      ReferenceRouter.Kind.BALANCED,
      "A retry charges the new instance and leaves the charge at the old one",
      "asymmetric ledger",
      INV_34),
  /** Affinity outweighs draining. */
  H_45(
      ReferenceRouter.Kind.AFFINE,
      "A draining instance is chosen for the prefix it has",
      "affinity overrides the state",
      INV_33),
  /** The index outlives the life of an instance. */
  H_46(
      ReferenceRouter.Kind.AFFINE,
      "An instance that comes back is credited with what its earlier life cached",
      "stale derived state",
      INV_35),
  /** A retry leaves its mark in the wrong place. */
  H_47(
      ReferenceRouter.Kind.AFFINE,
      "After a retry the index learns for the instance that was tried first",
      "stale derived state",
      INV_35),
  /** A cancelled request is not taken out of the queue. */
  H_48(
      ReferenceRouter.Kind.BALANCED,
      "A request that is cancelled while it waits at the router is sent later",
      "cancel while queued",
      INV_02),
  /** An event that makes room wakes nobody. */
  H_49(
      ReferenceRouter.Kind.BALANCED,
      "An instance that comes up does not wake those who wait at the router",
      "lost wake-up",
      INV_23),
  /** Only one of two paths is charged. */
  H_50(
      ReferenceRouter.Kind.BALANCED,
      "Requests that waited at the router are not charged",
      "asymmetric ledger",
      INV_34,
      INV_06),
  /** State is shared by all routers. */
  H_51(
      ReferenceRouter.Kind.BALANCED,
      "Ties are broken by a counter that all routers of the process share",
      "shared state",
      INV_39),
  /** The cap is tested against what others say. */
  H_52(
      ReferenceRouter.Kind.BALANCED,
      "The cap of an instance is tested against its last report",
      "supply and demand counted differently",
      INV_06,
      INV_23),
  /** The queue is a stack. */
  H_53(
      ReferenceRouter.Kind.BALANCED,
      "Of those who wait at the router the latest leaves first",
      "queue order",
      INV_19),
  /** A message about an earlier life is obeyed. */
  H_54(
      ReferenceRouter.Kind.BALANCED,
      "A late message that an earlier life is gone takes the present one down",
      "stale control message",
      INV_34,
      INV_23),
  /** Equal hashes are taken for equal content. */
  H_55(
      ReferenceRouter.Kind.AFFINE,
      "The index takes equal hashes for equal content",
      "hash taken for equality",
      INV_35),
  /** Giving up between two steps leaves the charge. */
  H_56(
      ReferenceRouter.Kind.BALANCED,
      "A request that was chosen an instance for and is not sent stays charged",
      "failed attempt with side effects",
      INV_34,
      INV_04),
  /** A cache message about an earlier life is obeyed. */
  H_57(
      ReferenceRouter.Kind.AFFINE,
      "The index takes late messages of an earlier life",
      "stale control message",
      INV_35),
  /** Without anybody to choose the router falls back to who is gone. */
  H_99B(
      ReferenceRouter.Kind.BALANCED,
      "Where nobody can be chosen the router falls back to an instance that is gone",
      "last resort",
      INV_33),
  /** A report takes a draining instance for ready. */
  H_99C(
      ReferenceRouter.Kind.BALANCED,
      "A late report of a draining instance takes it for ready",
      "stale control message",
      INV_33),
  /** A report of who is gone brings it back. */
  H_99D(
      ReferenceRouter.Kind.BALANCED,
      "A late report of an instance that is gone brings it back",
      "stale control message",
      INV_33);

  private final ReferenceRouter.Kind kind;
  private final String title;
  private final String source;

  @SuppressWarnings("ImmutableEnumChecker") // a list made by List.of
  private final List<Invariant> expected;

  RouterFault(ReferenceRouter.Kind kind, String title, String source, Invariant... expected) {
    this.kind = kind;
    this.title = title;
    this.source = source;
    this.expected = List.of(expected);
  }

  /** Returns the kind of router that has it. */
  ReferenceRouter.Kind kind() {
    return kind;
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
