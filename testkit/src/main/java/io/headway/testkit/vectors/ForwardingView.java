package io.headway.testkit.vectors;

import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.SequenceState;

/** Passes every question on to another view; a vector's model answers some of them itself. */
abstract class ForwardingView implements BatchView {
  /** The view of the scheduler. */
  abstract BatchView view();

  @Override
  public long nowNanos() {
    return view().nowNanos();
  }

  @Override
  public long iteration() {
    return view().iteration();
  }

  @Override
  public long iterationNanos() {
    return view().iterationNanos();
  }

  @Override
  public RandomSource random() {
    return view().random();
  }

  @Override
  public int maxSequences() {
    return view().maxSequences();
  }

  @Override
  public int maxTokens() {
    return view().maxTokens();
  }

  @Override
  public int runningCount() {
    return view().runningCount();
  }

  @Override
  public int running(int position) {
    return view().running(position);
  }

  @Override
  public int waitingCount() {
    return view().waitingCount();
  }

  @Override
  public int firstWaiting() {
    return view().firstWaiting();
  }

  @Override
  public int nextWaiting(int sequence) {
    return view().nextWaiting(sequence);
  }

  @Override
  public Request request(int sequence) {
    return view().request(sequence);
  }

  @Override
  public SequenceState state(int sequence) {
    return view().state(sequence);
  }

  @Override
  public int promptTokens(int sequence) {
    return view().promptTokens(sequence);
  }

  @Override
  public int maxNewTokens(int sequence) {
    return view().maxNewTokens(sequence);
  }

  @Override
  public int generatedTokens(int sequence) {
    return view().generatedTokens(sequence);
  }

  @Override
  public int computedTokens(int sequence) {
    return view().computedTokens(sequence);
  }

  @Override
  public int needTokens(int sequence) {
    return view().needTokens(sequence);
  }

  @Override
  public boolean decoding(int sequence) {
    return view().decoding(sequence);
  }

  @Override
  public long arrivalNanos(int sequence) {
    return view().arrivalNanos(sequence);
  }

  @Override
  public int priority(int sequence) {
    return view().priority(sequence);
  }

  @Override
  public int tenant(int sequence) {
    return view().tenant(sequence);
  }

  @Override
  public String tenantName(int tenant) {
    return view().tenantName(tenant);
  }

  @Override
  public boolean inFlight(int sequence) {
    return view().inFlight(sequence);
  }

  @Override
  public int preemptions(int sequence) {
    return view().preemptions(sequence);
  }

  @Override
  public boolean hasPrediction(int sequence) {
    return view().hasPrediction(sequence);
  }

  @Override
  public int predictedRemainingTokens(int sequence) {
    return view().predictedRemainingTokens(sequence);
  }

  @Override
  public int compareArrival(int a, int b) {
    return view().compareArrival(a, b);
  }

  @Override
  public int freeBlocks() {
    return view().freeBlocks();
  }

  @Override
  public int totalBlocks() {
    return view().totalBlocks();
  }

  @Override
  public int freeHostBlocks() {
    return view().freeHostBlocks();
  }

  @Override
  public int totalHostBlocks() {
    return view().totalHostBlocks();
  }

  @Override
  public int blocksFor(int tokens) {
    return view().blocksFor(tokens);
  }

  @Override
  public int heldBlocks(int sequence) {
    return view().heldBlocks(sequence);
  }

  @Override
  public int cachedTokens(int sequence) {
    return view().cachedTokens(sequence);
  }
}
