package io.headway.api;

import static java.util.Objects.requireNonNull;

import java.util.Arrays;

/**
 * One inference request as the scheduler knows it: lengths are mandatory, everything else is
 * optional and explicitly absent. Immutable and thread-safe. Never holds prompt text.
 *
 * <p>Token ids are needed only for prefix caching; an engine that keeps them to itself may give
 * {@link Builder#blockKeys block keys} instead, and a request with neither simply never hits the
 * cache.
 */
public final class Request {
  /** Longest accepted id, in characters. */
  public static final int MAX_ID_LENGTH = 256;

  /** Most requests that one may depend on. */
  public static final int MAX_PARENTS = 1024;

  private static final int[] NO_TOKENS = {};
  private static final long[] NO_KEYS = {};
  private static final String[] NO_PARENTS = {};
  private static final long ABSENT = -1;

  private final String id;
  private final int promptTokens;
  private final int maxNewTokens;
  private final long arrivalNanos;
  private final String tenant;
  private final String cacheSalt;
  private final String adapter;
  private final String model;
  private final String session;
  private final String program;
  private final String group;
  private final String workload;
  private final int priority;
  private final Lane lane;
  private final long expiresNanos;
  private final long deadlineNanos;
  private final long ttftTargetNanos;
  private final long tpotTargetNanos;
  private final int predictedOutputTokens;
  private final int[] tokenIds;
  private final long[] blockKeys;
  private final String[] parents;
  private final long externalCallNanos;

  private Request(Builder b) {
    id = b.id;
    promptTokens = b.promptTokens;
    maxNewTokens = b.maxNewTokens;
    arrivalNanos = b.arrivalNanos;
    tenant = b.tenant;
    cacheSalt = b.cacheSalt;
    adapter = b.adapter;
    model = b.model;
    session = b.session;
    program = b.program;
    group = b.group;
    workload = b.workload;
    priority = b.priority;
    lane = b.lane;
    expiresNanos = b.expiresNanos;
    deadlineNanos = b.deadlineNanos;
    ttftTargetNanos = b.ttftTargetNanos;
    tpotTargetNanos = b.tpotTargetNanos;
    predictedOutputTokens = b.predictedOutputTokens;
    tokenIds = b.tokenIds;
    blockKeys = b.blockKeys;
    parents = b.parents;
    externalCallNanos = b.externalCallNanos;
  }

  /**
   * Starts a request.
   *
   * @param id unique among live requests, 1 to {@value #MAX_ID_LENGTH} characters; the last
   *     tie-break of every order
   * @param promptTokens length of the prompt, at least 1 token
   * @param maxNewTokens most output tokens the caller will take, at least 1
   * @return a builder with every optional field absent
   * @throws IllegalArgumentException if a value is out of range, naming it
   */
  public static Builder builder(String id, int promptTokens, int maxNewTokens) {
    return new Builder(id, promptTokens, maxNewTokens);
  }

  /**
   * Makes a request with the mandatory fields only.
   *
   * @param id see {@link #builder}
   * @param promptTokens see {@link #builder}
   * @param maxNewTokens see {@link #builder}
   * @return the request, arrived at 0
   */
  public static Request of(String id, int promptTokens, int maxNewTokens) {
    return builder(id, promptTokens, maxNewTokens).build();
  }

  /**
   * Returns the caller's name for this request.
   *
   * @return the id
   */
  public String id() {
    return id;
  }

  /**
   * Returns the prompt length.
   *
   * @return tokens, at least 1
   */
  public int promptTokens() {
    return promptTokens;
  }

  /**
   * Returns the declared cap on output.
   *
   * @return tokens, at least 1
   */
  public int maxNewTokens() {
    return maxNewTokens;
  }

  /**
   * Returns the most KV entries this request can ever hold: {@code promptTokens + maxNewTokens -
   * 1}, since the last emitted token is never written.
   *
   * @return tokens
   */
  public int maxKvTokens() {
    return promptTokens + maxNewTokens - 1;
  }

  /**
   * Returns the arrival on the caller's clock.
   *
   * @return nanoseconds
   */
  public long arrivalNanos() {
    return arrivalNanos;
  }

  /**
   * Returns who pays.
   *
   * @return the tenant, or an empty string if none was given
   */
  public String tenant() {
    return tenant;
  }

  /**
   * Returns the secret that separates this request's cached blocks from others'. Requests share
   * cached blocks only if tenant and salt are equal, unless the pool is configured to share across
   * tenants.
   *
   * @return the salt, or an empty string if none was given
   */
  public String cacheSalt() {
    return cacheSalt;
  }

  /**
   * Returns the LoRA adapter.
   *
   * @return its name, or an empty string for the base model
   */
  public String adapter() {
    return adapter;
  }

  /**
   * Returns the model asked for.
   *
   * @return its name, or an empty string if any will do
   */
  public String model() {
    return model;
  }

  /**
   * Returns the session for affinity: the conversation, or the program, whose calls belong
   * together.
   *
   * @return its id, or an empty string if none was given
   */
  public String session() {
    return session;
  }

  /**
   * Returns the program, such as one run of an agent, that this call is a part of. Its calls come
   * one after another or side by side, and schedulers of programs account for all of them together.
   * A pause for a tool is the gap between two calls: the later one finds the earlier one's blocks
   * in the prefix cache.
   *
   * @return its id, or an empty string if none was given
   */
  public String program() {
    return program;
  }

  /**
   * Returns the group whose requests are planned together, such as the samples of one prompt or a
   * batch job.
   *
   * @return its id, or an empty string if none was given
   */
  public String group() {
    return group;
  }

  /**
   * Returns the kind of work, such as {@code code} or {@code conversation}, that predictors keep
   * apart.
   *
   * @return the kind, or an empty string if none was given
   */
  public String workload() {
    return workload;
  }

  /**
   * Returns the urgency: smaller is more urgent.
   *
   * @return 0 by default
   */
  public int priority() {
    return priority;
  }

  /**
   * Returns which traffic the request belongs to.
   *
   * @return {@link Lane#INTERACTIVE} by default
   */
  public Lane lane() {
    return lane;
  }

  /**
   * Returns whether a time was given at which the request expires in its lane.
   *
   * @return true if {@link #expiresNanos()} is meaningful
   */
  public boolean hasExpiry() {
    return expiresNanos != Long.MAX_VALUE;
  }

  /**
   * Returns the time from which a request of the batch lane is not started any more. One that runs
   * then may go on; a {@link #deadlineNanos() deadline} would end it. Read by policies that have a
   * batch lane; others ignore it.
   *
   * @return nanoseconds on the caller's clock, {@link Long#MAX_VALUE} if none was given
   */
  public long expiresNanos() {
    return expiresNanos;
  }

  /**
   * Returns whether the request must end by a fixed time.
   *
   * @return true if {@link #deadlineNanos()} is meaningful
   */
  public boolean hasDeadline() {
    return deadlineNanos != Long.MAX_VALUE;
  }

  /**
   * Returns the time at which an unfinished request expires.
   *
   * @return nanoseconds on the caller's clock, {@link Long#MAX_VALUE} without a deadline
   */
  public long deadlineNanos() {
    return deadlineNanos;
  }

  /**
   * Returns whether a TTFT target was given.
   *
   * @return true if {@link #ttftTargetNanos()} is meaningful
   */
  public boolean hasTtftTarget() {
    return ttftTargetNanos != ABSENT;
  }

  /**
   * Returns the target for time to first token; for quality of experience, the expected one.
   *
   * @return nanoseconds from arrival
   * @throws IllegalStateException if none was given
   */
  public long ttftTargetNanos() {
    return present(hasTtftTarget(), ttftTargetNanos, "ttftTargetNanos");
  }

  /**
   * Returns whether a TPOT target was given.
   *
   * @return true if {@link #tpotTargetNanos()} is meaningful
   */
  public boolean hasTpotTarget() {
    return tpotTargetNanos != ABSENT;
  }

  /**
   * Returns the target for time per output token; for quality of experience, the time in which a
   * reader takes in one token, the inverse of the expected delivery speed.
   *
   * @return nanoseconds
   * @throws IllegalStateException if none was given
   */
  public long tpotTargetNanos() {
    return present(hasTpotTarget(), tpotTargetNanos, "tpotTargetNanos");
  }

  /**
   * Returns whether the caller predicted the output length.
   *
   * @return true if {@link #predictedOutputTokens()} is meaningful
   */
  public boolean hasPredictedOutput() {
    return predictedOutputTokens != ABSENT;
  }

  /**
   * Returns the caller's prediction of the output length.
   *
   * @return tokens, at least 1
   * @throws IllegalStateException if none was given
   */
  public int predictedOutputTokens() {
    return (int) present(hasPredictedOutput(), predictedOutputTokens, "predictedOutputTokens");
  }

  /**
   * Returns whether prompt token ids were given.
   *
   * @return true if {@link #tokenId} may be called
   */
  public boolean hasTokenIds() {
    return tokenIds.length > 0;
  }

  /**
   * Returns one prompt token id.
   *
   * @param position 0 to {@code promptTokens - 1}
   * @return the id
   */
  public int tokenId(int position) {
    return tokenIds[position];
  }

  /**
   * Returns how many whole prompt blocks have caller-supplied keys.
   *
   * @return 0 if none were given
   */
  public int blockKeyCount() {
    return blockKeys.length;
  }

  /**
   * Returns the caller's key of one whole prompt block. Equal keys mean equal content of this and
   * all earlier blocks.
   *
   * @param block 0 to {@code blockKeyCount - 1}
   * @return the key
   */
  public long blockKey(int block) {
    return blockKeys[block];
  }

  /**
   * Returns how many requests of the same session this one depends on.
   *
   * @return 0 if none were given
   */
  public int parentCount() {
    return parents.length;
  }

  /**
   * Returns one of the requests whose output this one was made from.
   *
   * @param index 0 to {@code parentCount - 1}
   * @return the id of a request of the same session
   */
  public String parent(int index) {
    return parents[index];
  }

  /**
   * Returns whether the session goes on with an external call after this request.
   *
   * @return true if {@link #externalCallNanos()} is meaningful
   */
  public boolean hasExternalCall() {
    return externalCallNanos != ABSENT;
  }

  /**
   * Returns how long the external call, such as a tool or an API, is expected to take between the
   * end of this request and the next one of its session.
   *
   * @return nanoseconds
   * @throws IllegalStateException if none was given
   */
  public long externalCallNanos() {
    return present(hasExternalCall(), externalCallNanos, "externalCallNanos");
  }

  @Override
  public String toString() {
    return "Request["
        + id
        + ", prompt="
        + promptTokens
        + ", maxNew="
        + maxNewTokens
        + ", arrivalNanos="
        + arrivalNanos
        + "]";
  }

  private static long present(boolean present, long value, String name) {
    if (!present) {
      throw new IllegalStateException(name + " is absent; ask has… first");
    }
    return value;
  }

  /** Collects the optional fields of a request, each checked at once. Not thread-safe. */
  public static final class Builder {
    private final String id;
    private final int promptTokens;
    private final int maxNewTokens;
    private long arrivalNanos;
    private String tenant = "";
    private String cacheSalt = "";
    private String adapter = "";
    private String model = "";
    private String session = "";
    private String program = "";
    private String group = "";
    private String workload = "";
    private int priority;
    private Lane lane = Lane.INTERACTIVE;
    private long expiresNanos = Long.MAX_VALUE;
    private long deadlineNanos = Long.MAX_VALUE;
    private long ttftTargetNanos = ABSENT;
    private long tpotTargetNanos = ABSENT;
    private int predictedOutputTokens = (int) ABSENT;
    private int[] tokenIds = NO_TOKENS;
    private long[] blockKeys = NO_KEYS;
    private String[] parents = NO_PARENTS;
    private long externalCallNanos = ABSENT;

    private Builder(String id, int promptTokens, int maxNewTokens) {
      requireNonNull(id, "id");
      if (id.isEmpty() || id.length() > MAX_ID_LENGTH) {
        throw new IllegalArgumentException(
            "id must have 1 to " + MAX_ID_LENGTH + " characters, but has " + id.length());
      }
      this.id = id;
      this.promptTokens = (int) atLeast("promptTokens", promptTokens, 1, "token");
      this.maxNewTokens = (int) atLeast("maxNewTokens", maxNewTokens, 1, "token");
      if ((long) promptTokens + maxNewTokens > Integer.MAX_VALUE) {
        throw new IllegalArgumentException(
            "promptTokens + maxNewTokens must be at most "
                + Integer.MAX_VALUE
                + " tokens, but was "
                + ((long) promptTokens + maxNewTokens));
      }
    }

    /**
     * Sets the arrival; 0 by default.
     *
     * @param nanos on the caller's clock
     * @return this builder
     */
    public Builder arrivalNanos(long nanos) {
      arrivalNanos = nanos;
      return this;
    }

    /**
     * Sets who pays; none by default.
     *
     * @param name the tenant
     * @return this builder
     */
    public Builder tenant(String name) {
      tenant = requireNonNull(name, "tenant");
      return this;
    }

    /**
     * Sets the cache salt; none by default.
     *
     * @param salt the secret
     * @return this builder
     */
    public Builder cacheSalt(String salt) {
      cacheSalt = requireNonNull(salt, "cacheSalt");
      return this;
    }

    /**
     * Sets the LoRA adapter; the base model by default.
     *
     * @param name the adapter
     * @return this builder
     */
    public Builder adapter(String name) {
      adapter = requireNonNull(name, "adapter");
      return this;
    }

    /**
     * Sets the model asked for; any by default.
     *
     * @param name the model
     * @return this builder
     */
    public Builder model(String name) {
      model = requireNonNull(name, "model");
      return this;
    }

    /**
     * Sets the session; none by default.
     *
     * @param name the session
     * @return this builder
     */
    public Builder session(String name) {
      session = requireNonNull(name, "session");
      return this;
    }

    /**
     * Sets the program that this call is a part of; none by default.
     *
     * @param name the program
     * @return this builder
     */
    public Builder program(String name) {
      program = requireNonNull(name, "program");
      return this;
    }

    /**
     * Sets the group that is planned together; none by default.
     *
     * @param name the group
     * @return this builder
     */
    public Builder group(String name) {
      group = requireNonNull(name, "group");
      return this;
    }

    /**
     * Sets the kind of work; none by default.
     *
     * @param kind such as {@code code}
     * @return this builder
     */
    public Builder workload(String kind) {
      workload = requireNonNull(kind, "workload");
      return this;
    }

    /**
     * Sets the urgency; 0 by default.
     *
     * @param value smaller is more urgent
     * @return this builder
     */
    public Builder priority(int value) {
      priority = value;
      return this;
    }

    /**
     * Sets which traffic the request belongs to; {@link Lane#INTERACTIVE} by default.
     *
     * @param value the lane
     * @return this builder
     */
    public Builder lane(Lane value) {
      lane = requireNonNull(value, "lane");
      return this;
    }

    /**
     * Sets the time from which a request of the batch lane is not started any more; none by
     * default.
     *
     * @param nanos on the caller's clock
     * @return this builder
     */
    public Builder expiresNanos(long nanos) {
      expiresNanos = nanos;
      return this;
    }

    /**
     * Sets the time at which the request expires, running or not; never by default.
     *
     * @param nanos on the caller's clock
     * @return this builder
     */
    public Builder deadlineNanos(long nanos) {
      deadlineNanos = nanos;
      return this;
    }

    /**
     * Sets the TTFT target; none by default.
     *
     * @param nanos from arrival, at least 0
     * @return this builder
     */
    public Builder ttftTargetNanos(long nanos) {
      ttftTargetNanos = atLeast("ttftTargetNanos", nanos, 0, "ns");
      return this;
    }

    /**
     * Sets the TPOT target; none by default.
     *
     * @param nanos at least 0
     * @return this builder
     */
    public Builder tpotTargetNanos(long nanos) {
      tpotTargetNanos = atLeast("tpotTargetNanos", nanos, 0, "ns");
      return this;
    }

    /**
     * Sets the predicted output length; none by default.
     *
     * @param tokens at least 1
     * @return this builder
     */
    public Builder predictedOutputTokens(int tokens) {
      predictedOutputTokens = (int) atLeast("predictedOutputTokens", tokens, 1, "token");
      return this;
    }

    /**
     * Sets the prompt's token ids; none by default. The array is copied.
     *
     * @param ids exactly {@code promptTokens} ids
     * @return this builder
     * @throws IllegalArgumentException if the count differs from the prompt length
     */
    public Builder tokenIds(int[] ids) {
      if (ids.length != promptTokens) {
        throw new IllegalArgumentException(
            "tokenIds must have promptTokens = "
                + promptTokens
                + " entries, but has "
                + ids.length);
      }
      tokenIds = ids.clone();
      return this;
    }

    /**
     * Sets the keys of the prompt's whole blocks, first block first; none by default. The array is
     * copied.
     *
     * @param keys at most one per prompt token; equal keys promise equal content of that block and
     *     all before it
     * @return this builder
     */
    public Builder blockKeys(long[] keys) {
      if (keys.length > promptTokens) {
        throw new IllegalArgumentException(
            "blockKeys must have at most promptTokens = "
                + promptTokens
                + " entries, but has "
                + keys.length);
      }
      blockKeys = Arrays.copyOf(keys, keys.length);
      return this;
    }

    /**
     * Sets the requests of the same session that this one depends on; none by default. The array is
     * copied.
     *
     * @param ids at most {@value Request#MAX_PARENTS} ids
     * @return this builder
     * @throws IllegalArgumentException if there are more
     */
    public Builder parents(String[] ids) {
      if (ids.length > MAX_PARENTS) {
        throw new IllegalArgumentException(
            "parents must have at most " + MAX_PARENTS + " ids, but has " + ids.length);
      }
      String[] copy = ids.clone();
      for (String parent : copy) {
        requireNonNull(parent, "parents");
      }
      parents = copy;
      return this;
    }

    /**
     * Sets the expected duration of the external call that follows; none by default.
     *
     * @param nanos at least 0
     * @return this builder
     */
    public Builder externalCallNanos(long nanos) {
      externalCallNanos = atLeast("externalCallNanos", nanos, 0, "ns");
      return this;
    }

    /**
     * Makes the request.
     *
     * @return an immutable request
     */
    public Request build() {
      return new Request(this);
    }

    private static long atLeast(String name, long value, long least, String unit) {
      if (value < least) {
        throw new IllegalArgumentException(
            name + " must be at least " + least + " " + unit + ", but was " + value);
      }
      return value;
    }
  }
}
