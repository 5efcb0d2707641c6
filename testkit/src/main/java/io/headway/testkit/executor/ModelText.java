package io.headway.testkit.executor;

import io.headway.testkit.subject.RequestSpec;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * What the model says about one request alone: what each position holds, and which tokens follow.
 * Positions hold the token, the position and everything that keeps requests apart (tenant, adapter,
 * salt), as KV of isolated requests must. Immutable.
 */
public final class ModelText {
  /** Tokens that the model knows, 0 to {@value} - 1. */
  public static final int VOCABULARY = 23;

  /** Token that ends a request. */
  public static final int STOP = 0;

  private static final long SEED = 0x9e3779b97f4a7c15L;

  private final RequestSpec request;
  private final long isolation;
  private final List<Integer> alone;

  /**
   * Reads a request whose isolation is named by its tenant, adapter and salt.
   *
   * @param request the request
   */
  public ModelText(RequestSpec request) {
    this(
        request,
        hash(hash(hash(SEED, 't', request.tenant()), 'a', request.adapter()), 's', request.salt()));
  }

  /**
   * Reads a request.
   *
   * @param request the request
   * @param isolation equal for requests whose KV is the same where their tokens are
   */
  public ModelText(RequestSpec request, long isolation) {
    this.request = request;
    this.isolation = isolation;
    List<Integer> output = new ArrayList<>();
    long read = SEED;
    for (int p = 0; p < request.promptTokens(); p++) {
      read = read(read, entry(p, request.promptTokenIds()[p]));
    }
    while (true) {
      int token = token(read);
      output.add(token);
      if (token == STOP || output.size() == request.maxNewTokens()) {
        break;
      }
      read = read(read, entry(request.promptTokens() + output.size() - 1, token));
    }
    alone = Collections.unmodifiableList(output);
  }

  private static long hash(long hash, char kind, String text) {
    long mixed = (hash ^ kind) * 0x100000001b3L;
    for (int i = 0; i < text.length(); i++) {
      mixed = (mixed ^ text.charAt(i)) * 0x100000001b3L;
    }
    return mixed;
  }

  /**
   * Returns the request.
   *
   * @return what the text was made of
   */
  public RequestSpec request() {
    return request;
  }

  /**
   * Returns the output of this request if nothing disturbs it.
   *
   * @return tokens, at least one; unmodifiable
   */
  public List<Integer> alone() {
    return alone;
  }

  /**
   * Returns what a position holds once a token has been computed there.
   *
   * @param position 0 or more
   * @param token its token
   * @return never 0
   */
  public long entry(int position, int token) {
    long mixed = (isolation + token * 31L + position * 0x2545f4914f6cdd1dL) * SEED;
    return (mixed ^ (mixed >>> 29)) | 1;
  }

  static long begin() {
    return SEED;
  }

  static long read(long hash, long entry) {
    long mixed = (hash ^ entry) * 0xbf58476d1ce4e5b9L;
    return mixed ^ (mixed >>> 31);
  }

  static int token(long hash) {
    return (int) Long.remainderUnsigned((hash * 0x94d049bb133111ebL) >>> 3, VOCABULARY);
  }
}
