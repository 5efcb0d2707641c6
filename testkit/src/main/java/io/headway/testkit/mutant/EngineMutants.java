package io.headway.testkit.mutant;

import static io.headway.testkit.mutant.EngineFault.NONE;

import io.headway.testkit.check.CheckOptions;
import io.headway.testkit.drive.EngineRules;
import io.headway.testkit.scenario.Campaign;
import io.headway.testkit.subject.Feature;
import io.headway.testkit.subject.Features;
import io.headway.testkit.subject.ServiceOrder;
import java.util.ArrayList;
import java.util.List;

/** Correct schedulers of one engine and their mutants. */
final class EngineMutants {
  private static final Features PLAIN =
      Features.of(
              Feature.CANCEL,
              Feature.DEADLINES,
              Feature.CHUNKED_PREFILL,
              Feature.BLOCK_TABLES,
              Feature.PREFIX_CACHE,
              Feature.TENANTS,
              Feature.SWAP,
              Feature.SPECULATION,
              Feature.RETRIES,
              Feature.DEFERRAL,
              Feature.CLEAR_CACHE,
              Feature.REPORTS_ENDS,
              Feature.RENAMING,
              Feature.MONOTONE,
              Feature.REBUILD)
          .asyncDepth(3);

  /** Everything at once; first come, first served, and whoever does not fit may be passed. */
  private static final EngineTraits FULL =
      new EngineTraits(
          "everything",
          PLAIN.and(Feature.ADAPTERS).and(Feature.TRANSFERS).and(Feature.PRESSURE),
          ServiceOrder.ARRIVAL,
          false,
          true,
          0,
          true,
          false);

  /** Strictly by priority: nobody is passed, and the more urgent replace whoever runs. */
  private static final EngineTraits PRIORITY =
      new EngineTraits(
          "by priority",
          PLAIN.and(Feature.PRIORITY).order(ServiceOrder.PRIORITY_THEN_ARRIVAL),
          ServiceOrder.PRIORITY_THEN_ARRIVAL,
          true,
          false,
          0,
          true,
          false);

  /** By priority, but whoever runs gives way only to those who run. */
  private static final EngineTraits CALM =
      new EngineTraits(
          "by priority, calmly",
          PLAIN.and(Feature.PRIORITY).order(ServiceOrder.PRIORITY_THEN_ARRIVAL),
          ServiceOrder.PRIORITY_THEN_ARRIVAL,
          false,
          false,
          0,
          true,
          false);

  /** By priority, on a device that may finish steps in any order, so that room comes late. */
  private static final EngineTraits UNORDERED =
      new EngineTraits(
          "results in any order",
          PLAIN.without(Feature.SWAP).and(Feature.PRIORITY).and(Feature.UNORDERED_RESULTS),
          ServiceOrder.PRIORITY_THEN_ARRIVAL,
          true,
          true,
          0,
          false,
          false);

  /** Prompts are not divided. */
  private static final EngineTraits UNCHUNKED =
      new EngineTraits(
          "whole prompts",
          PLAIN.without(Feature.CHUNKED_PREFILL).without(Feature.SPECULATION),
          ServiceOrder.ARRIVAL,
          false,
          false,
          0,
          true,
          false);

  /** Adapters, of which none counts, too; nobody is passed more than three times. */
  private static final EngineTraits ADAPTERS =
      new EngineTraits(
          "adapters",
          PLAIN.and(Feature.ADAPTERS),
          ServiceOrder.ARRIVAL,
          false,
          true,
          3,
          true,
          true);

  /** Adapters, a budget and a cap of its own. */
  private static final EngineTraits CAPPED =
      new EngineTraits(
          "own caps",
          PLAIN.and(Feature.ADAPTERS),
          ServiceOrder.ARRIVAL,
          false,
          true,
          0,
          true,
          false,
          6,
          2);

  /** Media items and aligned chunks. */
  private static final EngineTraits MEDIA =
      new EngineTraits(
          "media", PLAIN.and(Feature.ENCODER), ServiceOrder.ARRIVAL, false, true, 0, true, false);

  /** Media items on a device that may finish steps in any order. */
  private static final EngineTraits MEDIA_UNORDERED =
      new EngineTraits(
          "media, results in any order",
          PLAIN.without(Feature.SWAP).and(Feature.ENCODER).and(Feature.UNORDERED_RESULTS),
          ServiceOrder.ARRIVAL,
          false,
          true,
          0,
          false,
          false);

  /** Two engines whose steps run together. */
  private static final EngineTraits GROUP =
      new EngineTraits(
          "group of two",
          Features.of(
              Feature.CANCEL,
              Feature.DEADLINES,
              Feature.CHUNKED_PREFILL,
              Feature.SPECULATION,
              Feature.DEFERRAL,
              Feature.REPORTS_ENDS,
              Feature.RENAMING),
          ServiceOrder.ARRIVAL,
          false,
          true,
          0,
          true,
          false);

  /** Under strict priority whoever is less urgent may be preempted again and again. */
  private static final CheckOptions OFTEN = new CheckOptions(2, 1, 2, 1, 4, 1, 24, 4, 50, 10);

  @SuppressWarnings("ImmutableEnumChecker") // Both kinds of fields are immutable.
  private enum Form {
    FULL_FORM(FULL, EngineRules.standard()),
    ASYNC(FULL, EngineRules.asynchronous()),
    TRANSFERS(FULL, EngineRules.transferring()),
    PRIORITY_FORM(PRIORITY, EngineRules.standard().options(OFTEN)),
    CALM_FORM(CALM, EngineRules.standard()),
    PRIORITY_ASYNC(PRIORITY, EngineRules.asynchronous().options(OFTEN)),
    UNORDERED_FORM(UNORDERED, EngineRules.asynchronous().options(OFTEN)),
    UNCHUNKED_FORM(UNCHUNKED, EngineRules.standard()),
    ADAPTERS_FORM(ADAPTERS, EngineRules.standard()),
    CAPPED_FORM(CAPPED, EngineRules.standard()),
    MEDIA_FORM(MEDIA, EngineRules.standard()),
    MEDIA_UNORDERED_FORM(MEDIA_UNORDERED, EngineRules.asynchronous()),
    GROUP_FORM(GROUP, EngineRules.standard());

    final EngineTraits traits;
    final EngineRules rules;

    Form(EngineTraits traits, EngineRules rules) {
      this.traits = traits;
      this.rules = rules;
    }

    Campaign<?> campaign(EngineFault fault) {
      return Campaign.of(
          rules,
          this == GROUP_FORM
              ? ReferenceGroup.factory(traits, fault)
              : ReferenceEngine.factory(traits, fault));
    }

    String title() {
      return switch (this) {
        case ASYNC, PRIORITY_ASYNC -> traits.name() + ", results late";
        case TRANSFERS -> traits.name() + ", mostly transfers";
        default -> traits.name();
      };
    }
  }

  private EngineMutants() {}

  static List<Reference> references() {
    List<Reference> all = new ArrayList<>();
    for (Form form : Form.values()) {
      all.add(new Reference("scheduler: " + form.title(), form.campaign(NONE)));
    }
    return all;
  }

  static List<Mutant> all() {
    List<Mutant> all = new ArrayList<>();
    for (EngineFault fault : EngineFault.values()) {
      if (fault != NONE) {
        all.add(Mutant.of(fault, form(fault).campaign(fault)));
      }
    }
    return all;
  }

  /** Returns the form that has what a bug needs. */
  private static Form form(EngineFault fault) {
    return switch (fault) {
      case B_17, H_03, H_09, H_10, H_83, H_96 -> Form.PRIORITY_FORM;
      case B_04B, B_18, B_19, H_05, H_94 -> Form.ADAPTERS_FORM;
      case H_87, H_88 -> Form.CAPPED_FORM;
      case B_08 -> Form.UNCHUNKED_FORM;
      case B_13 -> Form.GROUP_FORM;
      case B_14, B_15, B_78 -> Form.MEDIA_FORM;
      case B_77 -> Form.MEDIA_UNORDERED_FORM;
      case H_84 -> Form.CALM_FORM;
      case B_01, B_02, B_23, B_46A, B_46B, B_76, H_06, H_11, H_15, H_92, H_93, H_95, H_97, H_98A ->
          Form.ASYNC;
      case B_50, B_51A, B_51B, B_52, B_53, B_54, H_13, H_85, H_90 -> Form.TRANSFERS;
      case B_73 -> Form.UNORDERED_FORM;
      default -> Form.FULL_FORM;
    };
  }
}
