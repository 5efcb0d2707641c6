package io.headway.executor.gpu.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeLibraryTest {
  @TempDir Path folder;

  @AfterEach
  void clear() {
    System.clearProperty(NativeLibrary.PATH_PROPERTY);
  }

  @Test
  void aMissingLibraryIsSaidInOneLineWithWhatWasTriedAndWhatWouldHelp() {
    assertThatThrownBy(
            () ->
                NativeLibrary.open(
                    "the frobnicator", List.of("libfrob.so.2", "libfrob.so"), "install it"))
        .isInstanceOf(DeviceUnavailableException.class)
        .hasMessage("the frobnicator was not found (tried [libfrob.so.2, libfrob.so]); install it");
  }

  @Test
  void configuredFoldersComeFirstAndWhatCannotBeLoadedIsNamed() throws IOException {
    Path broken = Files.writeString(folder.resolve("libfrob.so.7"), "not a library");
    System.setProperty(
        NativeLibrary.PATH_PROPERTY, folder + java.io.File.pathSeparator + "/no/such/folder");
    assertThatThrownBy(
            () -> NativeLibrary.open("the frobnicator", List.of("libfrob.so*"), "install it"))
        .isInstanceOf(DeviceUnavailableException.class)
        .hasMessageContaining(broken + " (cannot be loaded)");
  }

  @Test
  void aFunctionThatIsNotThereNamesLibraryAndFunction() throws DeviceUnavailableException {
    NativeLibrary library =
        NativeLibrary.open("the C library", List.of("libc.so.6"), "there is no Linux without");
    assertThat(
            library.function(
                "strlen", FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.ADDRESS)))
        .isNotNull();
    assertThatThrownBy(
            () -> library.function("frobnicate", FunctionDescriptor.of(ValueLayout.JAVA_INT)))
        .isInstanceOf(DeviceUnavailableException.class)
        .hasMessage(
            "libc.so.6 has no function frobnicate; a newer version of the library is needed");
  }

  @Test
  void listingDevicesNeverThrows() {
    List<Devices.Listing> listings = Devices.list();
    assertThat(listings).extracting(Devices.Listing::kind).containsExactly("cuda", "opencl");
    for (Devices.Listing listing : listings) {
      assertThat(listing.devices().isEmpty()).isEqualTo(!listing.trouble().isEmpty());
      assertThat(listing.trouble()).doesNotContain("\n");
    }
  }
}
