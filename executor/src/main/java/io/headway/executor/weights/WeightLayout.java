package io.headway.executor.weights;

import io.headway.api.model.DecoderShape;
import java.util.ArrayList;
import java.util.List;

/**
 * The tensors of a model, by name. With hidden size H, intermediate size I, query width Q, KV width
 * K, vocabulary V and experts E, layer N has:
 *
 * <table>
 * <caption>Tensors, {@code [rows][columns]} = [outputs][inputs]</caption>
 * <tr><th>name</th><th>shape</th></tr>
 * <tr><td>{@code model.embed_tokens.weight}</td><td>[V][H]</td></tr>
 * <tr><td>{@code model.layers.N.input_layernorm.weight}</td><td>[H]</td></tr>
 * <tr><td>{@code model.layers.N.self_attn.q_proj.weight}, {@code .bias}</td><td>[Q][H], [Q]</td></tr>
 * <tr><td>{@code model.layers.N.self_attn.k_proj.weight}, {@code .bias}</td><td>[K][H], [K]</td></tr>
 * <tr><td>{@code model.layers.N.self_attn.v_proj.weight}, {@code .bias}</td><td>[K][H], [K]</td></tr>
 * <tr><td>{@code model.layers.N.self_attn.o_proj.weight}</td><td>[H][Q]</td></tr>
 * <tr><td>{@code model.layers.N.post_attention_layernorm.weight}</td><td>[H]</td></tr>
 * <tr><td>dense: {@code model.layers.N.mlp.gate_proj.weight}, {@code up_proj}</td><td>[I][H]</td></tr>
 * <tr><td>dense: {@code model.layers.N.mlp.down_proj.weight}</td><td>[H][I]</td></tr>
 * <tr><td>mixture: {@code model.layers.N.block_sparse_moe.gate.weight}</td><td>[E][H]</td></tr>
 * <tr><td>mixture: {@code model.layers.N.block_sparse_moe.experts.X.w1.weight} (gate), {@code w3}
 * (up)</td><td>[I][H]</td></tr>
 * <tr><td>mixture: {@code model.layers.N.block_sparse_moe.experts.X.w2.weight} (down)</td>
 * <td>[H][I]</td></tr>
 * <tr><td>{@code model.norm.weight}</td><td>[H]</td></tr>
 * <tr><td>{@code lm_head.weight}, unless tied</td><td>[V][H]</td></tr>
 * </table>
 *
 * <p>Rows of the query and key projections are in head order, and within a head in the order of the
 * rotation by halves that {@link DecoderShape} states.
 */
public final class WeightLayout {
  private WeightLayout() {}

  /**
   * Returns every tensor of a model, embedding first, head last.
   *
   * @param shape the model
   * @return the tensors, in the order above
   */
  public static List<WeightTensor> of(DecoderShape shape) {
    List<WeightTensor> all = new ArrayList<>();
    all.add(embedding(shape));
    for (int layer = 0; layer < shape.layers(); layer++) {
      all.add(inputNorm(shape, layer));
      for (String which : List.of("q", "k", "v")) {
        all.add(projection(shape, layer, which));
        if (shape.qkvBias()) {
          all.add(bias(shape, layer, which));
        }
      }
      all.add(output(shape, layer));
      all.add(postAttentionNorm(shape, layer));
      if (shape.isMixture()) {
        all.add(router(shape, layer));
        for (int expert = 0; expert < shape.experts(); expert++) {
          all.add(gate(shape, layer, expert));
          all.add(up(shape, layer, expert));
          all.add(down(shape, layer, expert));
        }
      } else {
        all.add(gate(shape, layer, 0));
        all.add(up(shape, layer, 0));
        all.add(down(shape, layer, 0));
      }
    }
    all.add(finalNorm(shape));
    if (!shape.tiedEmbeddings()) {
      all.add(head(shape));
    }
    return List.copyOf(all);
  }

  /**
   * Returns how many tensors a model has, without listing them.
   *
   * @param shape the model
   * @return the size of {@link #of(DecoderShape)}
   */
  public static long count(DecoderShape shape) {
    long feedForward = shape.isMixture() ? 1 + 3L * shape.experts() : 3;
    return shape.layers() * ((shape.qkvBias() ? 9 : 6) + feedForward)
        + (shape.tiedEmbeddings() ? 2 : 3);
  }

  /**
   * Returns the input embedding.
   *
   * @param shape the model
   * @return [V][H]
   */
  public static WeightTensor embedding(DecoderShape shape) {
    return new WeightTensor(
        "model.embed_tokens.weight", shape.vocabularySize(), shape.hiddenSize());
  }

  /**
   * Returns the LM head, which is the embedding if they are tied.
   *
   * @param shape the model
   * @return [V][H]
   */
  public static WeightTensor head(DecoderShape shape) {
    return shape.tiedEmbeddings()
        ? embedding(shape)
        : new WeightTensor("lm_head.weight", shape.vocabularySize(), shape.hiddenSize());
  }

  /**
   * Returns the norm before the LM head.
   *
   * @param shape the model
   * @return [H]
   */
  public static WeightTensor finalNorm(DecoderShape shape) {
    return new WeightTensor("model.norm.weight", 1, shape.hiddenSize());
  }

  /**
   * Returns the norm before attention.
   *
   * @param shape the model
   * @param layer 0 to {@code layers - 1}
   * @return [H]
   */
  public static WeightTensor inputNorm(DecoderShape shape, int layer) {
    return new WeightTensor(of(layer) + "input_layernorm.weight", 1, shape.hiddenSize());
  }

  /**
   * Returns the norm before the feed-forward part.
   *
   * @param shape the model
   * @param layer 0 to {@code layers - 1}
   * @return [H]
   */
  public static WeightTensor postAttentionNorm(DecoderShape shape, int layer) {
    return new WeightTensor(of(layer) + "post_attention_layernorm.weight", 1, shape.hiddenSize());
  }

  /**
   * Returns a projection into attention.
   *
   * @param shape the model
   * @param layer 0 to {@code layers - 1}
   * @param which {@code q}, {@code k} or {@code v}
   * @return [Q][H] or [K][H]
   */
  public static WeightTensor projection(DecoderShape shape, int layer, String which) {
    return new WeightTensor(
        of(layer) + "self_attn." + which + "_proj.weight", width(shape, which), shape.hiddenSize());
  }

  /**
   * Returns the bias of a projection into attention.
   *
   * @param shape the model
   * @param layer 0 to {@code layers - 1}
   * @param which {@code q}, {@code k} or {@code v}
   * @return [Q] or [K]
   */
  public static WeightTensor bias(DecoderShape shape, int layer, String which) {
    return new WeightTensor(
        of(layer) + "self_attn." + which + "_proj.bias", 1, width(shape, which));
  }

  /**
   * Returns the projection out of attention.
   *
   * @param shape the model
   * @param layer 0 to {@code layers - 1}
   * @return [H][Q]
   */
  public static WeightTensor output(DecoderShape shape, int layer) {
    return new WeightTensor(
        of(layer) + "self_attn.o_proj.weight", shape.hiddenSize(), shape.queryWidth());
  }

  /**
   * Returns the matrix whose products are the router's logits.
   *
   * @param shape a mixture of experts
   * @param layer 0 to {@code layers - 1}
   * @return [E][H]
   */
  public static WeightTensor router(DecoderShape shape, int layer) {
    return new WeightTensor(
        of(layer) + "block_sparse_moe.gate.weight", shape.experts(), shape.hiddenSize());
  }

  /**
   * Returns the gate matrix of a feed-forward block.
   *
   * @param shape the model
   * @param layer 0 to {@code layers - 1}
   * @param expert 0 to {@code experts - 1}; 0 if dense
   * @return [I][H]
   */
  public static WeightTensor gate(DecoderShape shape, int layer, int expert) {
    return new WeightTensor(
        feedForward(shape, layer, expert, "gate_proj", "w1"),
        shape.intermediateSize(),
        shape.hiddenSize());
  }

  /**
   * Returns the up matrix of a feed-forward block.
   *
   * @param shape the model
   * @param layer 0 to {@code layers - 1}
   * @param expert 0 to {@code experts - 1}; 0 if dense
   * @return [I][H]
   */
  public static WeightTensor up(DecoderShape shape, int layer, int expert) {
    return new WeightTensor(
        feedForward(shape, layer, expert, "up_proj", "w3"),
        shape.intermediateSize(),
        shape.hiddenSize());
  }

  /**
   * Returns the down matrix of a feed-forward block.
   *
   * @param shape the model
   * @param layer 0 to {@code layers - 1}
   * @param expert 0 to {@code experts - 1}; 0 if dense
   * @return [H][I]
   */
  public static WeightTensor down(DecoderShape shape, int layer, int expert) {
    return new WeightTensor(
        feedForward(shape, layer, expert, "down_proj", "w2"),
        shape.hiddenSize(),
        shape.intermediateSize());
  }

  private static String feedForward(
      DecoderShape shape, int layer, int expert, String dense, String mixture) {
    return shape.isMixture()
        ? of(layer) + "block_sparse_moe.experts." + expert + "." + mixture + ".weight"
        : of(layer) + "mlp." + dense + ".weight";
  }

  private static int width(DecoderShape shape, String which) {
    return which.equals("q") ? shape.queryWidth() : shape.kvWidth();
  }

  private static String of(int layer) {
    return "model.layers." + layer + ".";
  }
}
