package io.headway.testkit.vectors;

import io.headway.api.routing.RejectCode;
import io.headway.api.routing.RouteDraft;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A route draft that keeps what a policy writes and asks for every explanation. */
final class RecordingDraft implements RouteDraft {
  int position = -1;
  int prefillPosition = -1;
  int kvSource = -1;
  String rule = "";
  String queueReason = "";
  @Nullable RejectCode rejectCode;
  String rejectReason = "";
  final Map<String, Double> details = new LinkedHashMap<>();

  /** By part, then by position. */
  final Map<String, Map<Integer, Double>> scores = new LinkedHashMap<>();

  Map<Integer, Double> part(String name) {
    return scores.getOrDefault(name, Map.of());
  }

  @Override
  public void accept(int chosen) {
    position = chosen;
    prefillPosition = -1;
  }

  @Override
  public void accept(int prefill, int decode) {
    position = decode;
    prefillPosition = prefill;
  }

  @Override
  public void fallback(int candidate) {}

  @Override
  public void kvSource(int source) {
    kvSource = source;
  }

  @Override
  public void deadlineNanos(long nanos) {}

  @Override
  public void queue(String reason, long retryAtNanos) {
    queueReason = reason;
  }

  @Override
  public void reject(RejectCode code, String reason, long retryAfterNanos) {
    rejectCode = code;
    rejectReason = reason;
  }

  @Override
  public boolean explaining() {
    return true;
  }

  @Override
  public void score(int candidate, String part, double value) {
    scores.computeIfAbsent(part, name -> new TreeMap<>()).put(candidate, value);
  }

  @Override
  public void detail(String name, double value) {
    details.put(name, value);
  }

  @Override
  public void rule(String name) {
    rule = name;
  }
}
