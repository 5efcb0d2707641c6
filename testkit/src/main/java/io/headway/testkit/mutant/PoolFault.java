package io.headway.testkit.mutant;

import io.headway.api.Invariant;
import java.util.List;

/** Bugs of a block pool, its prefix cache and its host tier. */
enum PoolFault implements Fault {
  /** None: the pool is correct. */
  NONE("nothing is wrong", ""),

  /** One release call frees the same block twice. */
  B_26(
      "one release call frees the same block twice",
      "https://github.com/vllm-project/vllm/issues/42571",
      Invariant.INV_08,
      Invariant.INV_09),

  /** Matched blocks are referred to before the capacity is tested, and stay so. */
  B_27A(
      "matched blocks are referred to before the capacity is tested, and stay so",
      "https://github.com/vllm-project/vllm/pull/11565",
      Invariant.INV_04,
      Invariant.INV_12),

  /** Capacity is tested with matched blocks counted as free. */
  B_27B(
      "capacity is tested with matched blocks counted as free",
      "https://github.com/vllm-project/vllm/pull/11565",
      Invariant.INV_12,
      Invariant.INV_04),

  /** Two release paths free the last block. */
  B_28A(
      "two release paths free the last block",
      "https://github.com/sgl-project/sglang-jax/pull/994",
      Invariant.INV_08,
      Invariant.INV_09),

  /** The transfer and its caller both free the host blocks. */
  B_28B(
      "the transfer and its caller both free the host blocks",
      "https://github.com/sgl-project/sglang/issues/13483",
      Invariant.INV_08,
      Invariant.INV_09),

  /** Every matched block is subtracted from the demand although it is part of the supply. */
  B_29(
      "every matched block is subtracted from the demand although it is part of the supply",
      "https://github.com/NVIDIA/TensorRT-LLM/pull/11731",
      Invariant.INV_12),

  /** A block that fills up gets a new key and keeps the old one. */
  B_30(
      "a block that fills up gets a new key and keeps the old one",
      "https://github.com/NVIDIA/TensorRT-LLM/pull/10922",
      Invariant.INV_16,
      Invariant.INV_17),

  /** Eviction takes a block that a live holder has. */
  B_31A(
      "eviction takes a block that a live holder has",
      "https://github.com/Avarok-Cybersecurity/atlas/pull/373",
      Invariant.INV_10,
      Invariant.INV_09,
      Invariant.INV_04),

  /** An allocation that fails leaves what it matched locked. */
  B_31B(
      "an allocation that fails leaves what it matched locked",
      "https://github.com/Avarok-Cybersecurity/atlas/pull/373",
      Invariant.INV_04,
      Invariant.INV_09,
      Invariant.INV_10),

  /** The late path of a release gives the groups back in another order. */
  B_32(
      "the late path of a release gives the groups back in another order",
      "https://github.com/vllm-project/vllm/pull/48532",
      Invariant.INV_27,
      Invariant.INV_17,
      Invariant.INV_39),

  /** An end does not give back the blocks of one cache group. */
  B_33(
      "an end does not give back the blocks of one cache group",
      "https://github.com/ggml-org/llama.cpp/issues/25566",
      Invariant.INV_13,
      Invariant.INV_09),

  /** Equal hashes are taken for equal content. */
  B_37(
      "equal hashes are taken for equal content",
      "https://github.com/openvinotoolkit/openvino.genai/issues/3722",
      Invariant.INV_14),

  /** What a picture shows is not part of the key. */
  B_38(
      "what a picture shows is not part of the key",
      "https://github.com/NVIDIA/TensorRT-LLM/pull/12306",
      Invariant.INV_14),

  /** Eviction leaves the block in the index. */
  B_39(
      "eviction leaves the block in the index",
      "https://github.com/vllm-project/vllm/pull/4764",
      Invariant.INV_16,
      Invariant.INV_10),

  /** What a failed attempt found is used by the next one. */
  B_40(
      "what a failed attempt found is used by the next one",
      "https://github.com/vllm-project/vllm/pull/18957",
      Invariant.INV_27,
      Invariant.INV_16,
      Invariant.INV_04),

  /** Each cache group takes its own longest hit. */
  B_42(
      "each cache group takes its own longest hit",
      "https://github.com/vllm-project/vllm/issues/46453",
      Invariant.INV_17),

  /** The first key of a chain is random in each process. */
  B_44(
      "the first key of a chain is random in each process",
      "https://github.com/LMCache/LMCache/issues/1139",
      Invariant.INV_39,
      Invariant.INV_18),

  /** A failed load is told to the first holder only. */
  B_49(
      "a failed load is told to the first holder only",
      "https://github.com/vllm-project/vllm/issues/49250",
      Invariant.INV_15,
      Invariant.INV_31),

  /** A copy to the host that failed counts as a backup. */
  B_55(
      "a copy to the host that failed counts as a backup",
      "https://github.com/sgl-project/sglang/pull/27108",
      Invariant.INV_32),

  /** Host blocks that a lookup pins and nobody loads stay pinned. */
  B_56(
      "host blocks that a lookup pins and nobody loads stay pinned",
      "https://github.com/LMCache/LMCache/issues/1034",
      Invariant.INV_09,
      Invariant.INV_13),

  /** After a full hit publishing begins behind the block that was computed again. */
  B_74(
      "after a full hit publishing begins behind the block that was computed again",
      "https://github.com/vllm-project/vllm/pull/11186",
      Invariant.INV_18,
      Invariant.INV_17),

  /** Blocks become matchable when they are allocated. */
  H_20("blocks become matchable when they are allocated", "published too early", Invariant.INV_15),

  /** A block that was computed in part becomes matchable as a whole. */
  H_21(
      "a block that was computed in part becomes matchable as a whole",
      "published too early",
      Invariant.INV_15),

  /** A pinned holder that ends gives its blocks back at once. */
  H_22(
      "a pinned holder that ends gives its blocks back at once",
      "taken away while in use",
      Invariant.INV_08,
      Invariant.INV_09,
      Invariant.INV_10),

  /** Clearing the cache keeps an entry. */
  H_23("clearing the cache keeps an entry", "stale entry", Invariant.INV_16, Invariant.INV_15),

  /** A table comes back from the host in the reverse order. */
  H_24("a table comes back from the host in the reverse order", "tier that lies", Invariant.INV_32),

  /** Coming back from the host leaves the host blocks taken. */
  H_25(
      "coming back from the host leaves the host blocks taken",
      "asymmetric ledger",
      Invariant.INV_09,
      Invariant.INV_13),

  /** Moving to the host frees blocks that others share. */
  H_26(
      "moving to the host frees blocks that others share",
      "taken away while in use",
      Invariant.INV_08,
      Invariant.INV_09,
      Invariant.INV_10),

  /** Tenant, adapter and salt are joined to one string. */
  H_27("tenant, adapter and salt are joined to one string", "isolation", Invariant.INV_14),

  /** The adapter is not part of the key. */
  H_28("the adapter is not part of the key", "isolation", Invariant.INV_14),

  /** Asking whether something fits counts as a use. */
  H_29(
      "asking whether something fits counts as a use",
      "question with a side effect",
      Invariant.INV_04,
      Invariant.INV_27),

  /** Rolling back leaves the order of eviction changed. */
  H_30A(
      "rolling back leaves the order of eviction changed",
      "incomplete rollback",
      Invariant.INV_04,
      Invariant.INV_27),

  /** Rolling back leaves the index changed. */
  H_30B(
      "rolling back leaves the index changed",
      "incomplete rollback",
      Invariant.INV_04,
      Invariant.INV_16,
      Invariant.INV_18),

  /** Rolling back leaves the host tier changed. */
  H_30C(
      "rolling back leaves the host tier changed",
      "incomplete rollback",
      Invariant.INV_04,
      Invariant.INV_09),

  /** The published count of free blocks is refreshed by some changes only. */
  H_31A(
      "the published count of free blocks is refreshed by some changes only",
      "stale derived figure",
      Invariant.INV_08,
      Invariant.INV_09,
      Invariant.INV_40),

  /** Rolling back leaves how far a holder was published. */
  H_31B(
      "rolling back leaves how far a holder was published",
      "incomplete rollback",
      Invariant.INV_04,
      Invariant.INV_18),

  /** A commit does not end the attempt, and the next one is rolled back too far. */
  H_31C(
      "a commit does not end the attempt, and the next one is rolled back too far",
      "incomplete rollback",
      Invariant.INV_04,
      Invariant.INV_08,
      Invariant.INV_09),

  /** Blocks are given back from the beginning of the prompt. */
  H_32A(
      "blocks are given back from the beginning of the prompt",
      "order of eviction",
      Invariant.INV_17),

  /** A block is keyed by its own tokens only. */
  H_32B(
      "a block is keyed by its own tokens only",
      "key without what comes before",
      Invariant.INV_17,
      Invariant.INV_14,
      Invariant.INV_35),

  /** Blocks behind a missing one still count as a hit. */
  H_32C(
      "blocks behind a missing one still count as a hit",
      "hit across a gap",
      Invariant.INV_17,
      Invariant.INV_35),

  /** A hit may cover the whole prompt. */
  H_33("a hit may cover the whole prompt", "boundary", Invariant.INV_17, Invariant.INV_07),

  /** One unpin takes all pins back. */
  H_34(
      "one unpin takes all pins back",
      "asymmetric ledger",
      Invariant.INV_09,
      Invariant.INV_08,
      Invariant.INV_10),

  /** Growth that is refused keeps what it had taken. */
  H_35(
      "growth that is refused keeps what it had taken",
      "failed attempt with side effects",
      Invariant.INV_04),

  /** The check rounds down, the allocation up. */
  H_36(
      "the check rounds down, the allocation up",
      "supply and demand counted differently",
      Invariant.INV_12),

  /** What comes back from the host is never published again. */
  H_37(
      "what comes back from the host is never published again",
      "forgotten state",
      Invariant.INV_18,
      Invariant.INV_17),

  /** The host block that a load reads is not kept in place. */
  H_38(
      "the host block that a load reads is not kept in place",
      "taken away while in use",
      Invariant.INV_31,
      Invariant.INV_10,
      Invariant.INV_08),

  /** A block that is written again for a window keeps its old key. */
  H_39(
      "a block that is written again for a window keeps its old key",
      "stale entry",
      Invariant.INV_16);

  private final String title;
  private final String source;

  @SuppressWarnings("ImmutableEnumChecker") // Made by List.of.
  private final List<Invariant> expected;

  PoolFault(String title, String source, Invariant... expected) {
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
