package io.headway.executor.gpu.device;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/**
 * Compiled kernels in a folder, each under the SHA-256 of all that decides it: source, options,
 * compiler. Files are written beside and moved into place, so that a reader never sees half of one.
 */
final class KernelCache {
  /** Compiles a source with options. */
  interface Compiler {
    /** Returns the machine code. */
    byte[] compile(String source, List<String> options);
  }

  private static final long MAX_BYTES = 64L << 20;

  private final Path folder;

  KernelCache(Path folder) {
    this.folder = folder;
  }

  Path folder() {
    return folder;
  }

  /**
   * Returns the machine code, compiled only if it is not there yet.
   *
   * @throws IOException if the folder cannot be read or written
   */
  byte[] get(String source, List<String> options, String compilerVersion, Compiler compiler)
      throws IOException {
    Path file = folder.resolve(key(source, options, compilerVersion) + ".cubin");
    if (Files.isRegularFile(file) && Files.size(file) > 0 && Files.size(file) <= MAX_BYTES) {
      return Files.readAllBytes(file);
    }
    byte[] code = compiler.compile(source, options);
    Files.createDirectories(folder);
    Path part = Files.createTempFile(folder, "build", ".part");
    try {
      Files.write(part, code);
      Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(part);
    }
    return code;
  }

  static String key(String source, List<String> options, String compilerVersion) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (String text : List.of(compilerVersion, String.join("\n", options), source)) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        digest.update((bytes.length + ":").getBytes(StandardCharsets.UTF_8));
        digest.update(bytes);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }
}
