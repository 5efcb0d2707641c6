package io.headway.runtime;

/**
 * A move of one request that the rebalancing policy wants. The load stays where it is until {@link
 * #commit}, and the target keeps a place free; exactly one of {@link #commit} and {@link #abort} is
 * to be called. Thread-safe.
 */
public final class Migration {
  private final ClusterScheduler cluster;
  final Ticket ticket;
  final Member source;
  final Member target;

  /** Guarded by the cluster's lock. */
  boolean over;

  Migration(ClusterScheduler cluster, Ticket ticket, Member source, Member target) {
    this.cluster = cluster;
    this.ticket = ticket;
    this.source = source;
    this.target = target;
    target.addIncoming(1);
  }

  /** Ends it, whatever becomes of the request; gives back the place kept for it at the target. */
  void end() {
    if (!over) {
      over = true;
      ticket.migration = null;
      target.addIncoming(-1);
    }
  }

  /**
   * Returns the ticket of the request to be moved.
   *
   * @return an open ticket, at the time of the decision
   */
  public Ticket ticket() {
    return ticket;
  }

  /**
   * Returns where the request is.
   *
   * @return id of the source
   */
  public String from() {
    return source.id();
  }

  /**
   * Returns where it is to go.
   *
   * @return id of the target
   */
  public String to() {
    return target.id();
  }

  /**
   * Says that the request runs on the target now; its load moves there.
   *
   * @param nowNanos caller's clock
   * @return false if the request is over or went elsewhere meanwhile, the target is gone, or this
   *     migration is over already; then no load has moved
   */
  public boolean commit(long nowNanos) {
    return cluster.commit(this, nowNanos);
  }

  /**
   * Says that the request stays where it is.
   *
   * @param nowNanos caller's clock
   * @return false if this migration is over already
   */
  public boolean abort(long nowNanos) {
    return cluster.abort(this, nowNanos);
  }

  @Override
  public String toString() {
    return "Migration[" + ticket.request().id() + ", " + from() + " -> " + to() + "]";
  }
}
