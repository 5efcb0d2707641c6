package io.headway.examples.toyengine;

import io.headway.api.Decision;
import io.headway.api.config.PolicyRegistry;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.RouterInput;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * One mixture-of-experts layer of an engine: router logits in, the tokens of every expert out. One
 * object per layer and engine thread; after the first batches it allocates nothing.
 *
 * @param <S> what the router remembers between batches of this layer
 */
public final class MoeLayer<S> {
  private final ExpertRouter<S> router;
  private final S state;
  private final RouterInput input = new RouterInput();
  private final ExpertAssignments out = new ExpertAssignments();
  private float[] rows = {};

  private MoeLayer(ExpertRouter<S> router) {
    this.router = router;
    this.state = router.newState();
  }

  /**
   * Makes a layer.
   *
   * @param policy name and parameters of the router, such as {@code top-k:topK=2}
   * @return a layer with state of its own
   */
  public static MoeLayer<?> of(String policy) {
    ExpertRouter<?> router =
        PolicyRegistry.discover(MoeLayer.class.getClassLoader())
            .create(Decision.EXPERT_ROUTING, policy, ExpertRouter.class);
    return of(router);
  }

  /**
   * Makes a layer.
   *
   * @param router the router, which may serve other layers too
   * @param <S> what it remembers per layer
   * @return a layer with state of its own
   */
  public static <S> MoeLayer<S> of(ExpertRouter<S> router) {
    return new MoeLayer<>(router);
  }

  /** Routes logits that lie row by row in an array, from the offset on. */
  ExpertAssignments route(float[] logits, int offset, int rowStride, int tokens, int experts) {
    router.route(input.logits(logits, offset, rowStride, tokens, experts), state, out);
    return out.indexByExpert();
  }

  /**
   * Routes logits in memory outside the heap; a {@code MemorySegment} is {@code asByteBuffer()}.
   */
  ExpertAssignments route(ByteBuffer logits, int tokens, int experts) {
    if (rows.length < tokens * experts) {
      rows = new float[tokens * experts];
    }
    // One bulk copy: routing reads every logit several times, and the heap is where it is fastest.
    logits.order(ByteOrder.nativeOrder()).asFloatBuffer().get(rows, 0, tokens * experts);
    return route(rows, 0, experts, tokens, experts);
  }

  /** Calls an expert's kernel with its tokens, one after another; gates weigh the outputs. */
  interface Kernel {
    void run(int expert, int token, int slot, double gate);
  }

  /** Hands every expert its tokens in the order of its slots. */
  static void dispatch(ExpertAssignments pairs, Kernel kernel) {
    for (int expert = 0; expert < pairs.experts(); expert++) {
      for (int i = pairs.expertOffset(expert); i < pairs.expertOffset(expert + 1); i++) {
        int pair = pairs.pairByExpert(i);
        kernel.run(expert, pairs.token(pair), pairs.slot(pair), pairs.gate(pair));
      }
    }
  }
}
