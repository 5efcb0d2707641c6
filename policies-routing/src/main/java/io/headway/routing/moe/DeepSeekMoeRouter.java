package io.headway.routing.moe;

import static java.util.Objects.requireNonNull;

import io.headway.api.Stateless;
import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.DeviceMap;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.RouterTrait;
import io.headway.api.moe.SignalLevel;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Sends each token to its {@code K'} best of many fine-grained routed experts, beside shared
 * experts that every token passes.
 *
 * <p>Affinities are the softmax over the routed experts; the gate is the affinity, undivided. No
 * capacity, no drops. Shared experts have no logits and no place in the result.
 *
 * <p>Losses per sequence of {@code T} tokens over {@code N'} experts: expert level {@code a1 sum_i
 * f_i P_i} with {@code f_i = N' / (K' T) * (tokens that chose i)} and the mean affinity {@code P};
 * device level {@code a2 sum_d f'_d P'_d} with the mean of {@code f} and the sum of {@code P} over
 * the experts of a device. With {@code topK} 0 only the shared experts run and losses are 0.
 *
 * <p>Ties go to the lower expert. Cost: O(tokens x experts). Batch-invariant. Safe for any number
 * of threads.
 *
 * <p>Dai et al.: DeepSeekMoE, ACL 2024 (arXiv 2401.06066). The 2B model has 1 shared and 63 routed
 * experts, 7 active; the 16B model 2, 64 and 6; the 145B model 4, 128 and 12.
 */
public final class DeepSeekMoeRouter implements ExpertRouter<Stateless> {
  /** Active routed experts of the 16B model. */
  public static final int DEFAULT_TOP_K = 6;

  /** Weight of the expert-level loss of the 16B model. */
  public static final double DEFAULT_EXPERT_COEFFICIENT = 0.001;

  /** Weight of the device-level loss of the 145B model. */
  public static final double DEFAULT_DEVICE_COEFFICIENT = 0.05;

  /**
   * Settings.
   *
   * @param topK active routed experts per token, at least 0, at most their number; 6 by default
   * @param devices devices that the routed experts lie on in consecutive blocks, at least 1; 1 by
   *     default; not read if a map is given beside the settings
   * @param expertCoefficient weight of the expert-level loss, at least 0; 0.001 by default
   * @param deviceCoefficient weight of the device-level loss, at least 0; 0.05 by default
   */
  public record Config(int topK, int devices, double expertCoefficient, double deviceCoefficient) {
    /** The settings of the 16B model on one device. */
    public static final Config DEFAULT =
        new Config(DEFAULT_TOP_K, 1, DEFAULT_EXPERT_COEFFICIENT, DEFAULT_DEVICE_COEFFICIENT);

    /** Checks the settings. */
    public Config {
      Checks.atLeast("topK", 0, topK, "experts");
      Checks.atLeast("devices", 1, devices, "device");
      Checks.coefficient("expertCoefficient", expertCoefficient);
      Checks.coefficient("deviceCoefficient", deviceCoefficient);
    }
  }

  private final Config config;
  private final @Nullable DeviceMap deviceMap;

  /**
   * Creates the router.
   *
   * @param config its settings
   */
  public DeepSeekMoeRouter(Config config) {
    this.config = requireNonNull(config, "config");
    deviceMap = null;
  }

  /**
   * Creates the router for experts that lie on devices otherwise than in consecutive blocks.
   *
   * @param config its settings
   * @param deviceMap which device hosts each routed expert; read for losses only
   */
  public DeepSeekMoeRouter(Config config, DeviceMap deviceMap) {
    this.config = requireNonNull(config, "config");
    this.deviceMap = requireNonNull(deviceMap, "deviceMap");
  }

  @Override
  public String id() {
    return "deepseek-moe";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public Set<RouterTrait> traits() {
    return Traits.ofTokenChoice(CapacityRule.unlimited(), FillOrder.TOKEN, config.topK());
  }

  @Override
  public void route(RouterInput input, Stateless state, ExpertAssignments out) {
    int k = config.topK();
    TokenChoice.requireTopK("topK", k, 0, input.experts());
    if (deviceMap == null && config.devices() > input.experts()) {
      throw new IllegalArgumentException(
          "devices must be at most the "
              + input.experts()
              + " experts, but was "
              + config.devices());
    }
    TokenChoice.route(
        input,
        out,
        k,
        CapacityRule.unlimited(),
        FillOrder.TOKEN,
        GateNormalisation.NONE,
        TieBreak.LOWEST_EXPERT,
        1,
        null);
    if (out.signalLevel() != SignalLevel.NONE) {
      DeviceMap map =
          deviceMap != null ? deviceMap : DeviceMap.contiguous(input.experts(), config.devices());
      SequenceLosses.report(
          input,
          out,
          out.workspace().ints(TokenChoice.EXPERT, input.tokens() * k),
          k,
          map,
          config.expertCoefficient(),
          config.deviceCoefficient());
    }
  }
}
