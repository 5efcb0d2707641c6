package io.headway.runtime;

/** What has been counted since the start; never decreases. */
final class EngineTally {
  long accepted;
  long ended;
  long preemptions;
  long steps;
  long prefillTokens;
  long outputTokens;
  long prefixHitTokens;
}
