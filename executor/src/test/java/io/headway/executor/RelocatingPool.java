package io.headway.executor;

import io.headway.api.memory.KvBlockPool;
import io.headway.api.memory.KvMoveKind;
import io.headway.api.memory.KvMoveSink;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * A pool that moves blocks about behind the scheduler's back, as copy-on-write and compaction do:
 * before a plan it copies some blocks to spare ones and shows the copies in the tables from then
 * on. Whoever ignores a COPY move or a changed table reads something else.
 */
final class RelocatingPool {
  private final KvBlockPool inner;
  private final int[] physical;
  private final List<Integer> spares = new ArrayList<>();
  private final Random random;
  int relocations;

  private RelocatingPool(KvBlockPool inner, int deviceBlocks, int spareBlocks, long seed) {
    this.inner = inner;
    random = new Random(seed);
    physical = new int[deviceBlocks];
    for (int i = 0; i < deviceBlocks; i++) {
      physical[i] = i;
    }
    for (int i = 0; i < spareBlocks; i++) {
      spares.add(deviceBlocks + i);
    }
  }

  /** The pool and how often it moved a block. */
  record Made(KvBlockPool pool, RelocatingPool counter) {}

  static Made of(KvBlockPool inner, int deviceBlocks, int spareBlocks, long seed) {
    RelocatingPool handler = new RelocatingPool(inner, deviceBlocks, spareBlocks, seed);
    KvBlockPool pool =
        (KvBlockPool)
            Proxy.newProxyInstance(
                RelocatingPool.class.getClassLoader(),
                new Class<?>[] {KvBlockPool.class},
                (proxy, method, args) -> handler.invoke(method, args));
    return new Made(pool, handler);
  }

  private Object invoke(Method method, Object[] args) throws Throwable {
    try {
      if (method.getName().equals("block")) {
        return physical[(Integer) method.invoke(inner, args)];
      }
      if (method.getName().equals("drainMoves")) {
        drain((KvMoveSink) args[0]);
        return null;
      }
      return method.invoke(inner, args);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  private void drain(KvMoveSink sink) {
    inner.drainMoves(
        (kind, source, target, group, transfer) -> {
          boolean fromHost = kind == KvMoveKind.SWAP_IN || kind == KvMoveKind.LOAD;
          boolean toHost = kind == KvMoveKind.SWAP_OUT || kind == KvMoveKind.STORE;
          sink.move(
              kind,
              fromHost ? source : physical[source],
              toHost ? target : physical[target],
              group,
              transfer);
        });
    for (int i = random.nextInt(4); i > 0 && !spares.isEmpty(); i--) {
      int logical = random.nextInt(physical.length);
      int spare = spares.remove(random.nextInt(spares.size()));
      sink.move(KvMoveKind.COPY, physical[logical], spare, 0, KvMoveSink.NO_TRANSFER);
      spares.add(physical[logical]);
      physical[logical] = spare;
      relocations++;
    }
  }
}
