package io.headway.runtime;

/** How a scheduler is brought to rest. New requests are refused in every mode. */
public enum DrainMode {
  /** Everything accepted is finished. */
  FINISH_ALL,
  /** Running requests are finished; waiting ones end as DRAINED. */
  FINISH_RUNNING,
  /** Every request ends as DRAINED now. */
  ABORT
}
