package io.headway.testkit.drive;

import io.headway.testkit.scenario.Observations;
import io.headway.testkit.subject.Content;
import io.headway.testkit.subject.Copy;
import io.headway.testkit.subject.PoolSubject;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** A pool none of whose calls may throw: what does is a violation, which ends the run. */
final class GuardedPool implements PoolSubject {
  private final PoolSubject pool;
  private final Observations seen;

  GuardedPool(PoolSubject pool, Observations seen) {
    this.pool = pool;
    this.seen = seen;
  }

  private void call(String what, Guarded.Call call) {
    Guarded.call(seen, what, call);
  }

  private <T> T answer(String what, Supplier<T> call) {
    List<T> answer = new ArrayList<>(1);
    Guarded.call(seen, what, () -> answer.add(call.get()));
    return answer.get(0);
  }

  @Override
  public boolean fits(Content content) {
    return answer("fits", () -> pool.fits(content));
  }

  @Override
  public Allocation allocate(int holder, Content content) {
    return answer("allocate", () -> pool.allocate(holder, content));
  }

  @Override
  public boolean grow(int holder, int[] tokens) {
    return answer("grow", () -> pool.grow(holder, tokens));
  }

  @Override
  public void publish(int holder, int upToTokens) {
    call("publish", () -> pool.publish(holder, upToTokens));
  }

  @Override
  public void release(int holder) {
    call("release", () -> pool.release(holder));
  }

  @Override
  public void pin(int holder) {
    call("pin", () -> pool.pin(holder));
  }

  @Override
  public void unpin(int holder) {
    call("unpin", () -> pool.unpin(holder));
  }

  @Override
  public boolean swapOut(int holder) {
    return answer("swapOut", () -> pool.swapOut(holder));
  }

  @Override
  public boolean swapIn(int holder) {
    return answer("swapIn", () -> pool.swapIn(holder));
  }

  @Override
  public boolean clear() {
    return answer("clear", pool::clear);
  }

  @Override
  public int[] table(int holder, int group) {
    return answer("table", () -> pool.table(holder, group));
  }

  @Override
  public int freeBlocks() {
    return answer("freeBlocks", pool::freeBlocks);
  }

  @Override
  public void begin() {
    call("begin", pool::begin);
  }

  @Override
  public void rollBack() {
    call("rollBack", pool::rollBack);
  }

  @Override
  public void commit() {
    call("commit", pool::commit);
  }

  @Override
  public int freeHostBlocks() {
    return answer("freeHostBlocks", pool::freeHostBlocks);
  }

  @Override
  public boolean store(Content content) {
    return answer("store", () -> pool.store(content));
  }

  @Override
  public boolean load(Content content) {
    return answer("load", () -> pool.load(content));
  }

  @Override
  public List<Copy> copies() {
    return answer("copies", pool::copies);
  }

  @Override
  public void copied(Copy copy, boolean succeeded) {
    call("copied", () -> pool.copied(copy, succeeded));
  }

  @Override
  public int validTokens(int holder) {
    return answer("validTokens", () -> pool.validTokens(holder));
  }

  @Override
  public List<String> keys(Content content) {
    return answer("keys", () -> pool.keys(content));
  }

  @Override
  public String picture() {
    return answer("picture", pool::picture);
  }
}
