package io.headway.executor.gpu.device;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** The kernels of one build. Their contracts stand beside their code in {@code kernels.h}. */
public final class Kernels {
  /** The names of all kernels in the source. */
  public static final List<String> NAMES =
      List.of(
          "hw_inputs",
          "hw_embed",
          "hw_add_rms_norm",
          "hw_gather_rows",
          "hw_add_bias",
          "hw_rope_append",
          "hw_attention_decode",
          "hw_attention_combine",
          "hw_attention_prefill",
          "hw_swiglu",
          "hw_gemm",
          "hw_moe_combine",
          "hw_argmax",
          "hw_sample",
          "hw_move_cell",
          "hw_seed_weights");

  /** Rows and columns of one group of {@code hw_gemm}, which has the square of it in threads. */
  public static final int GEMM_TILE = 16;

  /** Most queries of one group of {@code hw_attention_prefill}. */
  public static final int QUERY_TILE = 16;

  private final KernelSettings settings;
  private final Map<String, Kernel> kernels;

  Kernels(KernelSettings settings, Map<String, Kernel> kernels) {
    this.settings = settings;
    this.kernels = Map.copyOf(kernels);
  }

  /**
   * Returns the source of all kernels, in the words that CUDA C++ and OpenCL C share.
   *
   * @return the text
   */
  public static String source() {
    return resource("prelude.h") + resource("kernels.h");
  }

  private static String resource(String name) {
    String path = "/io/headway/executor/gpu/kernels/" + name;
    try (InputStream in = Kernels.class.getResourceAsStream(path)) {
      if (in == null) {
        throw new IllegalStateException(
            "the kernel source " + path + " is missing from the archive");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + path, e);
    }
  }

  /**
   * Returns how many positions one group of the decode kernel attends to; the same rule as in the
   * source.
   *
   * @param context positions of the sequence
   * @return positions
   */
  public static int splitTokens(int context) {
    return context <= 4096 ? 128 : 512;
  }

  /**
   * Returns the constants the kernels were built for.
   *
   * @return the settings
   */
  public KernelSettings settings() {
    return settings;
  }

  /**
   * Returns a kernel.
   *
   * @param name one of {@link #NAMES}
   * @return the kernel
   * @throws IllegalArgumentException if there is none of that name
   */
  public Kernel get(String name) {
    Kernel kernel = kernels.get(name);
    if (kernel == null) {
      throw new IllegalArgumentException("name must be one of " + NAMES + ", but was " + name);
    }
    return kernel;
  }
}
