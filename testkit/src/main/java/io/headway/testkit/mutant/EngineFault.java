package io.headway.testkit.mutant;

import static io.headway.api.Invariant.INV_02;
import static io.headway.api.Invariant.INV_03;
import static io.headway.api.Invariant.INV_04;
import static io.headway.api.Invariant.INV_05;
import static io.headway.api.Invariant.INV_06;
import static io.headway.api.Invariant.INV_07;
import static io.headway.api.Invariant.INV_08;
import static io.headway.api.Invariant.INV_09;
import static io.headway.api.Invariant.INV_10;
import static io.headway.api.Invariant.INV_11;
import static io.headway.api.Invariant.INV_12;
import static io.headway.api.Invariant.INV_13;
import static io.headway.api.Invariant.INV_14;
import static io.headway.api.Invariant.INV_15;
import static io.headway.api.Invariant.INV_16;
import static io.headway.api.Invariant.INV_17;
import static io.headway.api.Invariant.INV_18;
import static io.headway.api.Invariant.INV_19;
import static io.headway.api.Invariant.INV_20;
import static io.headway.api.Invariant.INV_21;
import static io.headway.api.Invariant.INV_22;
import static io.headway.api.Invariant.INV_23;
import static io.headway.api.Invariant.INV_24;
import static io.headway.api.Invariant.INV_25;
import static io.headway.api.Invariant.INV_26;
import static io.headway.api.Invariant.INV_27;
import static io.headway.api.Invariant.INV_28;
import static io.headway.api.Invariant.INV_29;
import static io.headway.api.Invariant.INV_30;
import static io.headway.api.Invariant.INV_31;
import static io.headway.api.Invariant.INV_32;
import static io.headway.api.Invariant.INV_39;
import static io.headway.api.Invariant.INV_40;

import io.headway.api.Invariant;
import java.util.List;

/** What can be wrong with a {@link ReferenceEngine}. */
enum EngineFault implements Fault {
  /** Nothing. */
  NONE("nothing is wrong", ""),
  /** A preempted victim stays in the batch under construction. */
  B_01(
      "a preempted victim stays in the batch under construction",
      "https://github.com/vllm-project/vllm/issues/23347",
      INV_03,
      INV_05,
      INV_10),
  /**
   * The cursor is not moved back when a victim in front of it leaves, so that the next is skipped.
   */
  B_02(
      "the cursor is not moved back when a victim in front of it leaves, so that the next is"
          + " skipped",
      "https://github.com/vllm-project/vllm/issues/49097",
      INV_21),
  /** Requests that were skipped come back in reverse order. */
  B_03(
      "requests that were skipped come back in reverse order",
      "https://github.com/vllm-project/vllm/issues/27441",
      INV_19,
      INV_24),
  /** The pass through the queue ends at the first request that cannot be placed. */
  B_04B(
      "the pass through the queue ends at the first request that cannot be placed",
      "https://github.com/kubernetes/kubernetes/issues/71486",
      INV_26,
      INV_19,
      INV_24),
  /** A preemption throws generated tokens away and stops admission for a while. */
  B_05(
      "a preemption throws generated tokens away and stops admission for a while",
      "https://github.com/inference-sim/inference-sim/issues/529",
      INV_22,
      INV_24,
      INV_30),
  /** Only the first block of a request is checked against the pool. */
  B_07(
      "only the first block of a request is checked against the pool",
      "https://github.com/vllm-project/vllm/issues/39734",
      INV_25,
      INV_26),
  /** Prompts beyond the token budget are accepted although they are not divided. */
  B_08(
      "prompts beyond the token budget are accepted although they are not divided",
      "https://github.com/vllm-project/vllm/pull/55130",
      INV_25),
  /** Requests whose KV has arrived wait in the queue, behind whoever does not fit. */
  B_09(
      "requests whose KV has arrived wait in the queue, behind whoever does not fit",
      "https://github.com/vllm-project/vllm/issues/45388",
      INV_26,
      INV_23,
      INV_12),
  /** Deferred requests are counted against the slots. */
  B_10(
      "deferred requests are counted against the slots",
      "https://github.com/vllm-project/vllm/issues/53130",
      INV_06,
      INV_23,
      INV_26),
  /** The mark that no slot is free survives the end of a request in its prefill. */
  B_11(
      "the mark that no slot is free survives the end of a request in its prefill",
      "https://github.com/sgl-project/sglang/issues/22518",
      INV_27,
      INV_23),
  /** Cached blocks are not counted as free. */
  B_12(
      "cached blocks are not counted as free",
      "https://github.com/InternLM/lmdeploy/pull/4100",
      INV_23,
      INV_12),
  /** A member without a batch keeps the whole group from running. */
  B_13(
      "a member without a batch keeps the whole group from running",
      "https://github.com/NVIDIA/TensorRT-LLM/pull/17379",
      INV_23,
      INV_26),
  /** A failed admission keeps the encoder units it took. */
  B_14(
      "a failed admission keeps the encoder units it took",
      "https://github.com/vllm-project/vllm/pull/31857",
      INV_04,
      INV_26,
      INV_08),
  /** Alignment rounds a chunk in front of a media item down to nothing. */
  B_15(
      "alignment rounds a chunk in front of a media item down to nothing",
      "https://github.com/vllm-project/vllm/issues/40707",
      INV_07,
      INV_23),
  /** The decision ends after the prompts, so that whoever decodes starves. */
  B_16(
      "the decision ends after the prompts, so that whoever decodes starves",
      "https://github.com/ROCm/ATOM/pull/1835",
      INV_24,
      INV_21),
  /** New requests go before swapped ones. */
  B_17(
      "new requests go before swapped ones",
      "https://github.com/vllm-project/vllm/issues/5578",
      INV_19,
      INV_24,
      INV_32),
  /** Requests of the loaded adapter pass the others without bound. */
  B_18(
      "requests of the loaded adapter pass the others without bound",
      "https://github.com/sgl-project/sglang/pull/15129",
      INV_24),
  /** Requests without adapter are left out of the cap's test although they take a place. */
  B_19(
      "requests without adapter are left out of the cap's test although they take a place",
      "https://github.com/sgl-project/sglang/issues/23141",
      INV_06,
      INV_02),
  /** A request cancelled in the queue is marked, and started all the same. */
  B_20(
      "a request cancelled in the queue is marked, and started all the same",
      "https://github.com/sgl-project/sglang/issues/35891",
      INV_02),
  /** Decodes are added whatever the budget. */
  B_21(
      "decodes are added whatever the budget",
      "https://github.com/vllm-project/vllm/pull/7391",
      INV_05),
  /** A chunk is not shortened to the blocks that are left. */
  B_22(
      "a chunk is not shortened to the blocks that are left",
      "https://github.com/sgl-project/sglang/pull/30743",
      INV_12,
      INV_02),
  /** Cached tokens are credited before the first allocation takes them away. */
  B_23(
      "cached tokens are credited before the first allocation takes them away",
      "https://github.com/NVIDIA/TensorRT-LLM/pull/12665",
      INV_05,
      INV_27),
  /** The number of tokens is fixed before the cached ones are known. */
  B_24(
      "the number of tokens is fixed before the cached ones are known",
      "https://github.com/GeeeekExplorer/nano-vllm/pull/210",
      INV_07),
  /** A prompt that is cached as a whole leaves nothing to compute. */
  B_25(
      "a prompt that is cached as a whole leaves nothing to compute",
      "https://github.com/LMCache/LMCache/pull/3322",
      INV_07),
  /** The estimate counts the prompt's whole blocks, the allocation more. */
  B_34(
      "the estimate counts the prompt's whole blocks, the allocation more",
      "https://github.com/huggingface/text-generation-inference/issues/1356",
      INV_11,
      INV_12),
  /** A request alone that exhausts the pool ends everything. */
  B_35(
      "a request alone that exhausts the pool ends everything",
      "https://github.com/sgl-project/sglang/pull/19881",
      INV_25,
      INV_02),
  /** A preempted request loses the handle that its resumption needs. */
  B_36(
      "a preempted request loses the handle that its resumption needs",
      "https://github.com/sgl-project/sglang/pull/29471",
      INV_22,
      INV_09,
      INV_02),
  /** What a failed attempt found in the cache is used at the next one. */
  B_40B(
      "what a failed attempt found in the cache is used at the next one",
      "https://github.com/vllm-project/vllm/pull/18957",
      INV_27,
      INV_16,
      INV_04),
  /** Blocks are findable as soon as they are planned. */
  B_41(
      "blocks are findable as soon as they are planned",
      "https://github.com/huggingface/text-generation-inference/pull/2489",
      INV_15,
      INV_04),
  /** Nothing found to restore is taken for restored: the last occupant's blocks stay. */
  B_43(
      "nothing found to restore is taken for restored: the last occupant's blocks stay",
      "https://github.com/ggml-org/llama.cpp/pull/27624",
      INV_14,
      INV_02),
  /** A result for a preempted request is applied to what it has become. */
  B_46A(
      "a result for a preempted request is applied to what it has become",
      "https://github.com/vllm-project/vllm/pull/48245",
      INV_28,
      INV_30),
  /** Of the results in flight at a preemption one is ignored, not all. */
  B_46B(
      "of the results in flight at a preemption one is ignored, not all",
      "https://github.com/vllm-project/vllm/pull/48245",
      INV_28,
      INV_30),
  /** Drafts that were never made are verified. */
  B_47(
      "drafts that were never made are verified",
      "https://github.com/vllm-project/vllm/pull/46899",
      INV_29),
  /** An empty verification is not taken back. */
  B_48(
      "an empty verification is not taken back",
      "https://github.com/vllm-project/vllm/pull/42722",
      INV_29,
      INV_23),
  /** A transfer that is never heard of holds its blocks for ever. */
  B_50(
      "a transfer that is never heard of holds its blocks for ever",
      "https://github.com/vllm-project/vllm/issues/46283",
      INV_31,
      INV_13),
  /** A cancelled request gives blocks back that a transfer still writes. */
  B_51A(
      "a cancelled request gives blocks back that a transfer still writes",
      "https://github.com/vllm-project/vllm/pull/32255",
      INV_31,
      INV_10,
      INV_13),
  /** A cancelled request waits for the end of a transfer that has ended. */
  B_51B(
      "a cancelled request waits for the end of a transfer that has ended",
      "https://github.com/vllm-project/vllm/pull/32255",
      INV_31,
      INV_10,
      INV_13),
  /** A cancel after the end gives blocks back that the receiver still reads. */
  B_52(
      "a cancel after the end gives blocks back that the receiver still reads",
      "https://github.com/vllm-project/vllm/pull/25067",
      INV_02,
      INV_31),
  /** A preempted request whose transfer is over is taken by no queue. */
  B_53(
      "a preempted request whose transfer is over is taken by no queue",
      "https://github.com/sgl-project/sglang/issues/6857",
      INV_26,
      INV_27,
      INV_22),
  /** A transfer that failed counts as complete. */
  B_54(
      "a transfer that failed counts as complete",
      "https://github.com/sgl-project/sglang/issues/30233",
      INV_31,
      INV_02),
  /** Figures are refreshed by decisions only, not by a cancel. */
  B_69(
      "figures are refreshed by decisions only, not by a cancel",
      "https://github.com/vllm-project/vllm/issues/29928",
      INV_40,
      INV_23),
  /** What was freed for one request is given to another of lower rank. */
  B_73(
      "what was freed for one request is given to another of lower rank",
      "https://github.com/kubernetes/kubernetes/pull/55933",
      INV_20,
      INV_22),
  /** Cached blocks that match are counted as found and as free. */
  H_01("cached blocks that match are counted as found and as free", "supply and demand", INV_12),
  /** A failed admission keeps its hold on the cached blocks it found. */
  H_02(
      "a failed admission keeps its hold on the cached blocks it found",
      "failed attempts",
      INV_04,
      INV_13),
  /** A request cancelled on the host keeps its place there. */
  H_03(
      "a request cancelled on the host keeps its place there",
      "error paths",
      INV_40,
      INV_13,
      INV_32),
  /** An expired request keeps its blocks. */
  H_04("an expired request keeps its blocks", "error paths", INV_13),
  /** A failed admission leaves its adapter staged. */
  H_05("a failed admission leaves its adapter staged", "failed attempts", INV_06, INV_27, INV_23),
  /** Tokens expected from lost rows stay expected. */
  H_06("tokens expected from lost rows stay expected", "in flight", INV_28),
  /** The highest in rank is preempted first. */
  H_07("the highest in rank is preempted first", "preemption", INV_20),
  /** A prompt under way waits as long as anybody decodes. */
  H_08("a prompt under way waits as long as anybody decodes", "service", INV_21, INV_24),
  /** Preempted requests queue up behind everybody. */
  H_09("preempted requests queue up behind everybody", "order", INV_19),
  /** The last block is left behind on the way to the host if it is not full. */
  H_10(
      "the last block is left behind on the way to the host if it is not full",
      "tiers",
      INV_15,
      INV_14,
      INV_32,
      INV_30),
  /** The declared total still counts a victim that was taken out of the batch. */
  H_11(
      "the declared total still counts a victim that was taken out of the batch",
      "preemption",
      INV_03),
  /** Blocks are given back first to last, so that beginnings are evicted before their ends. */
  H_12(
      "blocks are given back first to last, so that beginnings are evicted before their ends",
      "cache",
      INV_17),
  /** A transfer writes blocks that steps in flight still use. */
  H_13(
      "a transfer writes blocks that steps in flight still use",
      "in flight",
      INV_10,
      INV_30,
      INV_15,
      INV_14),
  /** Tenant, adapter and salt are one string. */
  H_14("tenant, adapter and salt are one string", "keys", INV_14),
  /** One output token too many is planned while others are in flight. */
  H_15("one output token too many is planned while others are in flight", "in flight", INV_30),
  /** Blocks are findable one token before they are computed. */
  H_16("blocks are findable one token before they are computed", "cache", INV_15),
  /** Clearing the cache frees blocks in use. */
  H_17("clearing the cache frees blocks in use", "cache", INV_10, INV_08, INV_09),
  /** Ties are broken by a hash of the name. */
  H_18("ties are broken by a hash of the name", "determinism", INV_39, INV_19),
  /** A deferred request that becomes ready while others run is not woken. */
  H_19(
      "a deferred request that becomes ready while others run is not woken",
      "wake-up",
      INV_23,
      INV_24,
      INV_26,
      INV_40),
  /** Blocks for drafts are taken on top of those that a request still has. */
  H_81(
      "blocks for drafts are taken on top of those that a request still has",
      "supply and demand",
      INV_11),
  /** A decode is given its block one step late. */
  H_82("a decode is given its block one step late", "off by one", INV_11, INV_10),
  /** Others are preempted one by one for a request that still does not fit at the end. */
  H_83(
      "others are preempted one by one for a request that does not fit at the end either",
      "preemption",
      INV_22),
  /** The last admitted is preempted first, not the lowest in rank. */
  H_84("the last admitted is preempted first, not the lowest in rank", "preemption", INV_20),
  /** Leases of transfers are looked at only while nobody runs. */
  H_85("leases of transfers are looked at only while nobody runs", "in flight", INV_31),
  /** A lookup in the cache stops one block early. */
  H_86("a lookup in the cache stops one block early", "cache", INV_18),
  /** A budget of its own that it claims is not kept. */
  H_87("a budget of its own that it claims is not kept", "own caps", INV_05),
  /** With caps of its own the pass ends at the first request that lacks an adapter. */
  H_88(
      "with caps of its own the pass through the queue ends at the first request that lacks an"
          + " adapter",
      "own caps",
      INV_26,
      INV_19,
      INV_24),
  /** The cache salt is left out of the key. */
  B_75(
      "the cache salt is left out of the key",
      "https://github.com/llm-d/llm-d-router/pull/1494",
      INV_14),
  /** The cancel of a request that is in flight is told, and forgotten. */
  B_76(
      "the cancel of a request that is in flight is told, and the request runs on",
      "https://github.com/sgl-project/sglang/issues/36876",
      INV_02),
  /** Units of the encoder cache are given back when the step that reads them is planned. */
  B_77(
      "units of the encoder cache are given back when the step that reads them is planned",
      "https://github.com/vllm-project/vllm/pull/45347",
      INV_10),
  /** Units of the encoder cache are given back anew after every step. */
  B_78(
      "units of the encoder cache are given back anew after every step",
      "https://github.com/vllm-project/vllm/pull/55734",
      INV_08,
      INV_09),
  /** The end of a transfer gives the blocks of a cancelled request back twice. */
  H_90(
      "the end of a transfer gives the blocks of a cancelled request back twice",
      "double release",
      INV_08,
      INV_09),
  /** Rejected drafts count as computed. */
  H_91(
      "rejected drafts count as computed when blocks become findable",
      "speculation",
      INV_15,
      INV_29),
  /** Whatever is in flight becomes findable when its request is cancelled. */
  H_92("what is in flight becomes findable when its request is cancelled", "cancel", INV_15),
  /** The result of a request that was cancelled meanwhile is shown. */
  H_93("the result of a request that was cancelled meanwhile is shown", "cancel", INV_02, INV_30),
  /** A preempted request keeps its adapter's place. */
  H_94("a preempted request keeps its adapter's place", "preemption", INV_06, INV_26, INV_23),
  /** Rows of requests that have ended meanwhile use up the budget. */
  H_95(
      "rows in flight of requests that have ended use up the budget",
      "stale derived figure",
      INV_27,
      INV_21,
      INV_23),
  /** A preempted request comes back without its priority. */
  H_96("a preempted request comes back without its priority", "order", INV_19, INV_20),
  /** The place held for a token in flight is kept if another one is in flight. */
  H_97(
      "the place held for a token in flight is kept when that arrives while another is in flight",
      "in flight",
      INV_28),
  /** The last but one token of a prompt yields a token. */
  H_98A(
      "a chunk that ends one token before the end of what is known is taken for the last",
      "off by one",
      INV_07,
      INV_28,
      INV_30),
  /** Drafts go beyond the last token that a request may yield. */
  H_98B("drafts go beyond the last token that a request may yield", "off by one", INV_30),
  /** A row that failed counts as computed. */
  H_99A("a row that failed counts as computed", "error paths", INV_15, INV_28, INV_30);

  private final String title;
  private final String source;

  @SuppressWarnings("ImmutableEnumChecker") // Made by List.of.
  private final List<Invariant> expected;

  EngineFault(String title, String source, Invariant... expected) {
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
