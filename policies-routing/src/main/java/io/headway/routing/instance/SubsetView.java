package io.headway.routing.instance;

import io.headway.api.Instance;
import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.RejectCode;
import io.headway.api.routing.RouteDraft;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Some of the instances of a view, and a draft that speaks in their positions, so that one policy
 * can decide among what another has left. Reused from decision to decision; not thread-safe.
 */
final class SubsetView implements ClusterView {
  private @Nullable ClusterView whole;
  private int[] members = {};
  private int[] positionInSubset = {};
  private int size;
  private final Translated translated = new Translated();

  /** Starts an empty subset of a view. */
  void reset(ClusterView view) {
    whole = view;
    size = 0;
    if (members.length < view.size()) {
      members = new int[view.size()];
      positionInSubset = new int[view.size()];
    }
    Arrays.fill(positionInSubset, 0, view.size(), -1);
  }

  /** Adds an instance; positions must ascend. */
  void add(int positionInWhole) {
    positionInSubset[positionInWhole] = size;
    members[size++] = positionInWhole;
  }

  /** Returns the position in the whole view of a member. */
  int positionInWhole(int position) {
    return members[position];
  }

  /** Returns a draft for this subset that writes into one for the whole view. */
  RouteDraft translate(RouteDraft draft) {
    translated.draft = draft;
    return translated;
  }

  /** Turns a position in the subset into one in the whole; a wrong one into one that is refused. */
  private int at(int position) {
    return position < 0 || position >= size ? -1 : members[position];
  }

  private ClusterView whole() {
    if (whole == null) {
      throw new IllegalStateException("reset comes first");
    }
    return whole;
  }

  @Override
  public long nowNanos() {
    return whole().nowNanos();
  }

  @Override
  public RandomSource random() {
    return whole().random();
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public Instance instance(int position) {
    return whole().instance(members[position]);
  }

  @Override
  public int waiting(int position) {
    return whole().waiting(members[position]);
  }

  @Override
  public int running(int position) {
    return whole().running(members[position]);
  }

  @Override
  public int inFlight(int position) {
    return whole().inFlight(members[position]);
  }

  @Override
  public long inFlightTokens(int position) {
    return whole().inFlightTokens(members[position]);
  }

  @Override
  public double kvUsage(int position) {
    return whole().kvUsage(members[position]);
  }

  @Override
  public long ageNanos(int position) {
    return whole().ageNanos(members[position]);
  }

  @Override
  public int position(int index) {
    int position = whole().position(index);
    return position < 0 ? -1 : positionInSubset[position];
  }

  @Override
  public int promptBlocks(Request request) {
    return whole().promptBlocks(request);
  }

  @Override
  public int matchedBlocks(Request request, int position) {
    return whole().matchedBlocks(request, members[position]);
  }

  @Override
  public boolean hasServicePrediction(Request request) {
    return whole().hasServicePrediction(request);
  }

  @Override
  public long predictedServiceNanos(Request request) {
    return whole().predictedServiceNanos(request);
  }

  @Override
  public long calibratedServiceNanos(Request request) {
    return whole().calibratedServiceNanos(request);
  }

  @Override
  public double calibratedServiceNanos(Request request, int position) {
    return whole().calibratedServiceNanos(request, members[position]);
  }

  @Override
  public long transferNanos(int from, int to, long bytes) {
    return whole().transferNanos(members[from], members[to], bytes);
  }

  private final class Translated implements RouteDraft {
    private @Nullable RouteDraft draft;

    private RouteDraft draft() {
      if (draft == null) {
        throw new IllegalStateException("translate comes first");
      }
      return draft;
    }

    @Override
    public void accept(int position) {
      draft().accept(at(position));
    }

    @Override
    public void accept(int prefillPosition, int decodePosition) {
      draft().accept(at(prefillPosition), at(decodePosition));
    }

    @Override
    public void fallback(int position) {
      draft().fallback(at(position));
    }

    @Override
    public void kvSource(int position) {
      draft().kvSource(at(position));
    }

    @Override
    public void deadlineNanos(long nanos) {
      draft().deadlineNanos(nanos);
    }

    @Override
    public void queue(String reason, long retryAtNanos) {
      draft().queue(reason, retryAtNanos);
    }

    @Override
    public void reject(RejectCode code, String reason, long retryAfterNanos) {
      draft().reject(code, reason, retryAfterNanos);
    }

    @Override
    public boolean explaining() {
      return draft().explaining();
    }

    @Override
    public void score(int position, String part, double value) {
      draft().score(at(position), part, value);
    }

    @Override
    public void detail(String name, double value) {
      draft().detail(name, value);
    }

    @Override
    public void rule(String name) {
      draft().rule(name);
    }
  }
}
