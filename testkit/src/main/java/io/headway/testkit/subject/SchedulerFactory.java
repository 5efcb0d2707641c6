package io.headway.testkit.subject;

import io.headway.testkit.trace.TraceSink;

/** Makes schedulers to be tested, and says what they claim. */
public interface SchedulerFactory {
  /**
   * Makes a scheduler without requests.
   *
   * @param config the world it is put into
   * @param trace where it may write its own records, see {@link SchedulerSubject#recordsItself}
   * @return the scheduler behind its adapter
   */
  SchedulerSubject create(EngineConfig config, TraceSink trace);

  /**
   * Says what the schedulers claim.
   *
   * @return features and bounds
   */
  Features features();

  /**
   * Makes a factory.
   *
   * @param features what the schedulers claim
   * @param maker makes them
   * @return the factory
   */
  static SchedulerFactory of(Features features, Maker maker) {
    return new SchedulerFactory() {
      @Override
      public SchedulerSubject create(EngineConfig config, TraceSink trace) {
        return maker.create(config, trace);
      }

      @Override
      public Features features() {
        return features;
      }
    };
  }

  /** Makes schedulers. */
  @FunctionalInterface
  interface Maker {
    /**
     * Makes a scheduler without requests.
     *
     * @param config the world it is put into
     * @param trace where it may write its own records
     * @return the scheduler behind its adapter
     */
    SchedulerSubject create(EngineConfig config, TraceSink trace);
  }
}
