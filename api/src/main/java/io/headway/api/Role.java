package io.headway.api;

/** What an instance does in a disaggregated cluster. */
public enum Role {
  /** Runs prompts and hands their KV over. */
  PREFILL,
  /** Receives KV and runs decodes. */
  DECODE,
  /** Does both. */
  MIXED
}
