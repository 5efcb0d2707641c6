package io.headway.executor;

import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.PreemptionMode;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Random;

/**
 * Any policy with two habits added: where it decodes, it sometimes verifies drafts instead, and
 * where it preempts, it sometimes swaps.
 */
final class Meddling {
  private final Random random;
  private final boolean speculates;
  private final boolean swaps;

  private Meddling(long seed, boolean speculates, boolean swaps) {
    random = new Random(seed);
    this.speculates = speculates;
    this.swaps = swaps;
  }

  static BatchingPolicy<?> with(
      BatchingPolicy<?> policy, long seed, boolean speculates, boolean swaps) {
    Meddling habits = new Meddling(seed, speculates, swaps);
    return (BatchingPolicy<?>)
        Proxy.newProxyInstance(
            Meddling.class.getClassLoader(),
            new Class<?>[] {BatchingPolicy.class},
            (proxy, method, args) -> {
              if (method.getName().equals("plan")) {
                Object[] changed = args.clone();
                changed[2] = habits.wrap((BatchView) args[1], (BatchDraft) args[2]);
                return call(method, policy, changed);
              }
              return call(method, policy, args);
            });
  }

  private BatchDraft wrap(BatchView view, BatchDraft draft) {
    return (BatchDraft)
        Proxy.newProxyInstance(
            Meddling.class.getClassLoader(),
            new Class<?>[] {BatchDraft.class},
            (proxy, method, args) -> {
              switch (method.getName()) {
                case "schedule" -> {
                  int s = (Integer) args[0];
                  int room = view.maxNewTokens(s) - view.generatedTokens(s) - 1;
                  if (speculates && view.decoding(s) && room > 0 && random.nextBoolean()) {
                    DraftOutcome outcome = draft.verify(s, 1 + random.nextInt(Math.min(room, 5)));
                    if (outcome.done()) {
                      return outcome;
                    }
                  }
                }
                case "preempt" -> {
                  if (swaps && random.nextBoolean()) {
                    Object[] changed = args.clone();
                    changed[2] = PreemptionMode.SWAP;
                    DraftOutcome outcome = (DraftOutcome) call(method, draft, changed);
                    if (outcome != DraftOutcome.NO_HOST_BLOCKS) {
                      return outcome;
                    }
                  }
                }
                default -> {
                  // Everything else as the policy wants it.
                }
              }
              return call(method, draft, args);
            });
  }

  private static Object call(Method method, Object target, Object[] args) throws Throwable {
    try {
      return method.invoke(target, args);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }
}
