package io.headway.testkit.vectors;

import com.fasterxml.jackson.databind.JsonNode;
import io.headway.api.Instance;
import io.headway.api.InstanceState;
import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.Role;
import io.headway.api.routing.ClusterView;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** A cluster view that answers what the instances of one vector say; fields they lack are 0. */
class VectorCluster implements ClusterView {
  private final List<Member> members = new ArrayList<>();
  private final RandomSource random;
  private long nowNanos;
  private int promptBlocks;
  private double calibratedSeconds = -1;
  private double utilization = -1;

  VectorCluster(JsonNode instances, RandomSource random) {
    this.random = random;
    for (JsonNode instance : instances) {
      members.add(new Member(instance, members.size()));
    }
  }

  final void now(long nanos) {
    nowNanos = nanos;
  }

  final void promptBlocks(int blocks) {
    promptBlocks = blocks;
  }

  final void calibratedSeconds(double seconds) {
    calibratedSeconds = seconds;
  }

  /** Replaces the mean over the instances. */
  final void utilization(double value) {
    utilization = value;
  }

  final String id(int position) {
    return members.get(position).id();
  }

  final Member member(int position) {
    return members.get(position);
  }

  static long nanos(double seconds) {
    return Math.round(seconds * 1e9);
  }

  @Override
  public long nowNanos() {
    return nowNanos;
  }

  @Override
  public RandomSource random() {
    return random;
  }

  @Override
  public int size() {
    return members.size();
  }

  @Override
  public Instance instance(int position) {
    return members.get(position);
  }

  @Override
  public int position(int index) {
    return index >= 0 && index < members.size() ? index : -1;
  }

  @Override
  public double utilization() {
    return utilization >= 0 ? utilization : ClusterView.super.utilization();
  }

  @Override
  public int promptBlocks(Request request) {
    return promptBlocks;
  }

  @Override
  public int matchedBlocks(Request request, int position) {
    return members.get(position).matchedBlocks;
  }

  @Override
  public boolean hasServicePrediction(Request request) {
    return calibratedSeconds >= 0;
  }

  @Override
  public long predictedServiceNanos(Request request) {
    return nanos(calibratedSeconds);
  }

  @Override
  public long calibratedServiceNanos(Request request) {
    return nanos(calibratedSeconds);
  }

  @Override
  public double calibratedServiceNanos(Request request, int position) {
    double own = members.get(position).calibratedSeconds;
    return own >= 0
        ? (double) nanos(own)
        : ClusterView.super.calibratedServiceNanos(request, position);
  }

  @Override
  public long transferNanos(int from, int to, long bytes) {
    return Long.MAX_VALUE;
  }

  /** One instance of a vector. */
  static final class Member implements Instance {
    private final JsonNode json;
    private final String id;
    private final int index;
    private final int waiting;
    private final int running;
    private final int matchedBlocks;
    private final double calibratedSeconds;
    private long backlogNanos;

    Member(JsonNode json, int index) {
      this.json = json;
      this.index = index;
      id = JsonFields.textOf(json, "id");
      waiting = JsonFields.intOf(json, "waiting", JsonFields.intOf(json, "queueLength", 0));
      running = JsonFields.intOf(json, "running", 0);
      matchedBlocks = JsonFields.intOf(json, "matchedBlocks", 0);
      calibratedSeconds = JsonFields.optionalDouble(json, "calibratedServiceSeconds").orElse(-1);
    }

    void backlogNanos(long nanos) {
      backlogNanos = nanos;
    }

    JsonNode json() {
      return json;
    }

    private Set<String> names(String field) {
      Set<String> names = new HashSet<>();
      json.path(field).forEach(name -> names.add(name.asText()));
      return names;
    }

    @Override
    public String id() {
      return id;
    }

    @Override
    public int index() {
      return index;
    }

    @Override
    public int incarnation() {
      return 0;
    }

    @Override
    public Role role() {
      return json.has("role")
          ? Role.valueOf(JsonFields.textOf(json, "role").toUpperCase(Locale.ROOT))
          : Role.MIXED;
    }

    @Override
    public InstanceState state() {
      return InstanceState.READY;
    }

    @Override
    public long ageNanos() {
      if (!json.has("metricsAgeMillis")) {
        return 0;
      }
      return json.hasNonNull("metricsAgeMillis")
          ? Math.round(JsonFields.doubleOf(json, "metricsAgeMillis") * 1e6)
          : Long.MAX_VALUE;
    }

    @Override
    public int waiting() {
      return waiting;
    }

    @Override
    public int running() {
      return running;
    }

    @Override
    public int inFlight() {
      return JsonFields.intOf(json, "inFlight", 0);
    }

    @Override
    public long inFlightTokens() {
      return JsonFields.longOf(json, "inFlightTokens", 0);
    }

    @Override
    public long lastRouted() {
      return 0;
    }

    @Override
    public boolean hasRequestRate() {
      return json.hasNonNull("requestsPerSecond");
    }

    @Override
    public double requestsPerSecond() {
      return JsonFields.optionalDouble(json, "requestsPerSecond").orElse(0);
    }

    @Override
    public long waitingPromptTokens() {
      return JsonFields.longOf(json, "waitingPromptTokens", 0);
    }

    @Override
    public long runningContextTokens() {
      return 0;
    }

    @Override
    public int usedBlocks() {
      return JsonFields.intOf(json, "kvUsedBlocks", 0);
    }

    @Override
    public int totalBlocks() {
      return JsonFields.intOf(
          json, "kvTotalBlocks", JsonFields.optionalInt(json, "kvTotalTokens").orElse(0));
    }

    @Override
    public double kvUsage() {
      return json.has("kvUsage") ? JsonFields.doubleOf(json, "kvUsage") : Instance.super.kvUsage();
    }

    @Override
    public int blockTokens() {
      return 1;
    }

    @Override
    public int maxSequences() {
      return JsonFields.intOf(json, "maxBatch", 1);
    }

    @Override
    public double utilization() {
      return json.has("utilization")
          ? JsonFields.doubleOf(json, "utilization")
          : Instance.super.utilization();
    }

    @Override
    public double speedFactor() {
      return JsonFields.doubleOf(json, "speedFactor", 1);
    }

    @Override
    public long backlogNanos() {
      return backlogNanos;
    }

    @Override
    public double effectiveConcurrency() {
      return JsonFields.doubleOf(json, "effectiveConcurrency", 1);
    }

    @Override
    public double violationRate() {
      return 0;
    }

    @Override
    public boolean hasAdapter(String adapter) {
      return names("activeAdapters").contains(adapter);
    }

    @Override
    public boolean awaitsAdapter(String adapter) {
      return names("waitingAdapters").contains(adapter);
    }

    @Override
    public boolean hasAdapterRoom() {
      return names("activeAdapters").size() < JsonFields.intOf(json, "maxAdapters", 0);
    }
  }
}
