package io.headway.executor.gpu.device;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * One shared library, found by name. The order: the folders of the system property {@value
 * #PATH_PROPERTY} or the environment variable {@value #PATH_VARIABLE} (separated like a class
 * path), then the system loader (which knows {@code LD_LIBRARY_PATH} and the loader's cache), then
 * the usual folders of CUDA installations. A library stays loaded for the life of the virtual
 * machine.
 */
final class NativeLibrary {
  /** System property with folders to look in first. */
  static final String PATH_PROPERTY = "headway.gpu.libraryPath";

  /** Environment variable with folders to look in first. */
  static final String PATH_VARIABLE = "HEADWAY_GPU_LIBRARY_PATH";

  private static final List<String> USUAL_FOLDERS =
      List.of(
          "/usr/local/cuda/lib64",
          "/usr/local/cuda/targets/x86_64-linux/lib",
          "/usr/local/nvidia/lib64",
          "/usr/lib/x86_64-linux-gnu",
          "/usr/lib64",
          "/usr/lib/wsl/lib");

  private final String name;
  private final SymbolLookup symbols;

  private NativeLibrary(String name, SymbolLookup symbols) {
    this.name = name;
    this.symbols = symbols;
  }

  /**
   * Opens the first of several file names that can be loaded.
   *
   * @param what what the library is, for the message
   * @param fileNames file names in the order of preference, such as {@code libcuda.so.1}; a
   *     trailing {@code *} matches any ending in the folders that are searched, highest name first
   * @param advice what would help if none is found
   * @return the library
   * @throws DeviceUnavailableException if none can be loaded; the message says what was tried
   */
  static NativeLibrary open(String what, List<String> fileNames, String advice)
      throws DeviceUnavailableException {
    List<String> tried = new ArrayList<>();
    for (String folder : configuredFolders()) {
      for (Path file : matches(folder, fileNames)) {
        NativeLibrary library = load(file, tried);
        if (library != null) {
          return library;
        }
      }
    }
    for (String fileName : fileNames) {
      if (!fileName.endsWith("*")) {
        NativeLibrary library = load(fileName, tried);
        if (library != null) {
          return library;
        }
      }
    }
    for (String folder : USUAL_FOLDERS) {
      for (Path file : matches(folder, fileNames)) {
        NativeLibrary library = load(file, tried);
        if (library != null) {
          return library;
        }
      }
    }
    throw new DeviceUnavailableException(
        what + " was not found (tried " + (tried.isEmpty() ? fileNames : tried) + "); " + advice);
  }

  private static List<String> configuredFolders() {
    List<String> folders = new ArrayList<>();
    for (String paths :
        new String[] {System.getProperty(PATH_PROPERTY), System.getenv(PATH_VARIABLE)}) {
      if (paths != null) {
        for (String folder : paths.split(java.io.File.pathSeparator, -1)) {
          if (!folder.isBlank()) {
            folders.add(folder);
          }
        }
      }
    }
    return folders;
  }

  private static List<Path> matches(String folder, List<String> fileNames) {
    List<Path> found = new ArrayList<>();
    Path at;
    try {
      at = Path.of(folder);
    } catch (InvalidPathException e) {
      return found;
    }
    if (!Files.isDirectory(at)) {
      return found;
    }
    for (String fileName : fileNames) {
      List<Path> files = new ArrayList<>();
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(at, fileName)) {
        entries.forEach(files::add);
      } catch (IOException e) {
        // A folder that cannot be read holds nothing for us; what was tried is listed in the
        // message.
        continue;
      }
      files.sort(Comparator.<Path>naturalOrder().reversed());
      found.addAll(files);
    }
    return found;
  }

  private static @org.jspecify.annotations.Nullable NativeLibrary load(
      Path file, List<String> tried) {
    try {
      return new NativeLibrary(
          file.toString(), SymbolLookup.libraryLookup(file.toAbsolutePath(), Arena.global()));
    } catch (IllegalArgumentException e) {
      tried.add(file + " (cannot be loaded)");
      return null;
    }
  }

  private static @org.jspecify.annotations.Nullable NativeLibrary load(
      String fileName, List<String> tried) {
    try {
      return new NativeLibrary(fileName, SymbolLookup.libraryLookup(fileName, Arena.global()));
    } catch (IllegalArgumentException e) {
      tried.add(fileName);
      return null;
    }
  }

  /** Returns the folder this library was loaded from, or null if the system's loader found it. */
  @org.jspecify.annotations.Nullable
  Path folder() {
    return name.indexOf('/') < 0 ? null : Path.of(name).getParent();
  }

  /**
   * Binds one function.
   *
   * @param function exported name
   * @param descriptor its signature
   * @return the handle
   * @throws DeviceUnavailableException if the library is too old to have it
   */
  MethodHandle function(String function, FunctionDescriptor descriptor)
      throws DeviceUnavailableException {
    MemorySegment address =
        symbols
            .find(function)
            .orElseThrow(
                () ->
                    new DeviceUnavailableException(
                        name
                            + " has no function "
                            + function
                            + "; a newer version of the library is needed"));
    return Linker.nativeLinker().downcallHandle(address, descriptor);
  }

  @Override
  public String toString() {
    return name;
  }
}
