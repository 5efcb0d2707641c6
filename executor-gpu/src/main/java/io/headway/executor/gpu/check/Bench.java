package io.headway.executor.gpu.check;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.headway.executor.gpu.device.Device;
import io.headway.executor.gpu.device.DeviceBuffer;
import io.headway.executor.gpu.device.ElementType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;

/**
 * Moves arrays between a check and a device; what is written is rounded as the device stores it.
 */
final class Bench {
  /**
   * Every byte of an output before a kernel runs: a float or bfloat16 of such bytes is NaN, an int
   * is -1.
   */
  static final byte POISON = (byte) 0xFF;

  final Device device;
  final ElementType element;
  final SplittableRandom random;

  Bench(Device device, ElementType element, long seed) {
    this.device = device;
    this.element = element;
    random = new SplittableRandom(seed);
  }

  /** Returns numbers in [-scale, scale] that the device stores exactly. */
  double[] elements(int count, double scale) {
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      values[i] = element.round((float) (scale * (2 * random.nextDouble() - 1)));
    }
    return values;
  }

  double[] floats(int count, double scale) {
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (scale * (2 * random.nextDouble() - 1));
    }
    return values;
  }

  DeviceBuffer poisoned(int count, int bytes) {
    DeviceBuffer buffer = device.allocate(Math.max(1, (long) count * bytes));
    device.fill(buffer, POISON);
    return buffer;
  }

  DeviceBuffer poisonedElements(int count) {
    return poisoned(count, element.bytes());
  }

  DeviceBuffer putElements(double[] values) {
    DeviceBuffer buffer = device.allocate(Math.max(1, (long) values.length * element.bytes()));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment host = arena.allocate((long) values.length * element.bytes(), 64);
      for (int i = 0; i < values.length; i++) {
        if (element == ElementType.BF16) {
          host.setAtIndex(JAVA_SHORT, i, (short) element.encode((float) values[i]));
        } else {
          host.setAtIndex(JAVA_FLOAT, i, (float) values[i]);
        }
      }
      device.upload(host, buffer, 0, host.byteSize());
      device.synchronize();
    }
    return buffer;
  }

  DeviceBuffer putFloats(double[] values) {
    DeviceBuffer buffer = device.allocate(Math.max(1, (long) values.length * Float.BYTES));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment host = arena.allocate((long) values.length * Float.BYTES, 64);
      for (int i = 0; i < values.length; i++) {
        host.setAtIndex(JAVA_FLOAT, i, (float) values[i]);
      }
      device.upload(host, buffer, 0, host.byteSize());
      device.synchronize();
    }
    return buffer;
  }

  DeviceBuffer putInts(int... values) {
    DeviceBuffer buffer = device.allocate(Math.max(1, (long) values.length * Integer.BYTES));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment host = arena.allocate(Math.max(4, (long) values.length * Integer.BYTES), 64);
      MemorySegment.copy(values, 0, host, JAVA_INT, 0, values.length);
      device.upload(host, buffer, 0, (long) values.length * Integer.BYTES);
      device.synchronize();
    }
    return buffer;
  }

  double[] getElements(DeviceBuffer buffer, int count) {
    double[] values = new double[count];
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment host = arena.allocate((long) count * element.bytes(), 64);
      device.download(buffer, 0, host, host.byteSize());
      device.synchronize();
      for (int i = 0; i < count; i++) {
        values[i] =
            element == ElementType.BF16
                ? element.decode(host.getAtIndex(JAVA_SHORT, i) & 0xFFFF)
                : host.getAtIndex(JAVA_FLOAT, i);
      }
    }
    return values;
  }

  double[] getFloats(DeviceBuffer buffer, int count) {
    double[] values = new double[count];
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment host = arena.allocate((long) count * Float.BYTES, 64);
      device.download(buffer, 0, host, host.byteSize());
      device.synchronize();
      for (int i = 0; i < count; i++) {
        values[i] = host.getAtIndex(JAVA_FLOAT, i);
      }
    }
    return values;
  }

  int[] getInts(DeviceBuffer buffer, int count) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment host = arena.allocate((long) count * Integer.BYTES, 64);
      device.download(buffer, 0, host, host.byteSize());
      device.synchronize();
      return host.toArray(JAVA_INT);
    }
  }
}
