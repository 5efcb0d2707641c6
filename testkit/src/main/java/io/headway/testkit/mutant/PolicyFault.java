package io.headway.testkit.mutant;

import static io.headway.api.Invariant.INV_01;
import static io.headway.api.Invariant.INV_02;
import static io.headway.api.Invariant.INV_03;
import static io.headway.api.Invariant.INV_05;
import static io.headway.api.Invariant.INV_06;
import static io.headway.api.Invariant.INV_27;
import static io.headway.api.Invariant.INV_29;
import static io.headway.api.Invariant.INV_36;
import static io.headway.api.Invariant.INV_39;
import static io.headway.api.Invariant.INV_40;

import io.headway.api.Invariant;
import java.util.List;

/** Bugs of expert routers, length predictors and speculation policies. */
enum PolicyFault implements Fault {
  /** A choice is lost without a word. */
  H_66(
      Kind.EXPERTS,
      "A choice that finds its expert full is lost, and not told as a drop",
      "asymmetric ledger",
      INV_01),
  /** A router remembers what its state should. */
  H_67(
      Kind.EXPERTS,
      "An expert router keeps loads of earlier batches in itself",
      "shared state",
      INV_39),
  /** Later tokens push earlier ones out. */
  H_68(
      Kind.EXPERTS,
      "Slots are given out from the last token to the first, although prefixes are to be stable",
      "queue order",
      INV_39),
  /** Gates are not normalised. */
  H_69(Kind.EXPERTS, "Gates are exponentials that are not divided by their sum", "formula", INV_40),
  /** The best expert is chosen twice. */
  H_70(
      Kind.EXPERTS,
      "A token's second choice is its first expert again",
      "stale derived state",
      INV_03),
  /** One slot too many. */
  H_71(
      Kind.EXPERTS,
      "An expert takes one token more than it has slots",
      "off by one",
      INV_02,
      INV_06),
  /** A law that is claimed does not hold. */
  H_72(
      Kind.EXPERTS,
      "A router with capacity claims that tokens do not depend on each other",
      "unsound promise",
      INV_39),
  /** A load that nobody carries. */
  H_73(
      Kind.EXPERTS,
      "A router that claims exact balance sends tokens to their best experts",
      "unsound promise",
      INV_36),
  /** Asking is learning. */
  H_74(
      Kind.LENGTHS,
      "A predictor counts a request when it is asked about it",
      "failed attempt with side effects",
      INV_27),
  /** One history for all. */
  H_75(
      Kind.LENGTHS,
      "A predictor keeps its history in itself, for all schedulers",
      "shared state",
      INV_39,
      INV_27),
  /** More was generated than predicted. */
  H_76(
      Kind.LENGTHS,
      "A request that outlives its prediction has a negative rest",
      "off by one",
      INV_02,
      INV_40),
  /** Cut off is taken for finished. */
  H_77(
      Kind.LENGTHS,
      "A request that was cancelled is learnt from as if it had ended by itself",
      "cancel while running",
      INV_27),
  /** Trimming lengthens. */
  H_78(
      Kind.DRAFTS,
      "Trimming gives unlikely drafts back as many tokens as were planned at most",
      "stale derived state",
      INV_29),
  /** The budget is spent twice. */
  H_79(
      Kind.DRAFTS,
      "Each request may use the whole budget for drafts",
      "supply and demand counted differently",
      INV_05),
  /** One rate for all. */
  H_80(
      Kind.DRAFTS,
      "A speculation policy keeps what was accepted in itself, for all schedulers",
      "shared state",
      INV_39);

  /** Kinds of policies. */
  enum Kind {
    /** Expert routers. */
    EXPERTS,
    /** Length predictors. */
    LENGTHS,
    /** Speculation policies. */
    DRAFTS
  }

  private final Kind kind;
  private final String title;
  private final String source;

  @SuppressWarnings("ImmutableEnumChecker") // a list made by List.of
  private final List<Invariant> expected;

  PolicyFault(Kind kind, String title, String source, Invariant... expected) {
    this.kind = kind;
    this.title = title;
    this.source = source;
    this.expected = List.of(expected);
  }

  /** Returns the kind of policy that has it. */
  Kind kind() {
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
