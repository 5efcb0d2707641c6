/* Device code of the executor. Every kernel computes a row from that row's own data in a fixed order,
 * so that what a request gets does not depend on what else is in its batch.
 *
 * Shapes are row-major. KV: [block][layer][2][BLOCK_TOKENS][kvHeads][HEAD_DIM], keys before values; a cell
 * is block * BLOCK_TOKENS + offset. A token sees the first prefixes[token] positions of its block table,
 * which begins at tables[tableAt[token]], and behind them the listedCounts[token] cells that begin at
 * listed[listedAt[token]]: the ancestors of a node in a tree of drafts. */

/* Sums one float per thread; every thread gets the sum. */
HW_FUNCTION float hw_sum(HW_LOCAL_POINTER float *scratch, float value) {
  int lane = HW_THREAD;
  HW_BARRIER();
  scratch[lane] = value;
  HW_BARRIER();
  for (int middle = LOCAL_THREADS / 2; middle > 0; middle /= 2) {
    if (lane < middle) {
      scratch[lane] += scratch[lane + middle];
    }
    HW_BARRIER();
  }
  return scratch[0];
}

HW_FUNCTION float hw_max(HW_LOCAL_POINTER float *scratch, float value) {
  int lane = HW_THREAD;
  HW_BARRIER();
  scratch[lane] = value;
  HW_BARRIER();
  for (int middle = LOCAL_THREADS / 2; middle > 0; middle /= 2) {
    if (lane < middle && scratch[lane + middle] > scratch[lane]) {
      scratch[lane] = scratch[lane + middle];
    }
    HW_BARRIER();
  }
  return scratch[0];
}

/* Where the KV of one cell and head begins; valueHalf 0 for keys, 1 for values. */
HW_FUNCTION index_t hw_kv_offset(int cell, int layer, int layers, int valueHalf, int head, int kvHeads) {
  return (((((index_t)(cell / BLOCK_TOKENS) * layers + layer) * 2 + valueHalf) * BLOCK_TOKENS + cell % BLOCK_TOKENS)
              * kvHeads + head) * HEAD_DIM;
}

/* Fills in the ids that only the device knows: sampled by a plan still in flight. One group a token. */
HW_KERNEL hw_inputs(HW_GLOBAL int *ids, HW_GLOBAL const int *slots, HW_GLOBAL const int *lastTokens, int tokens) {
  int token = HW_GROUP_X * LOCAL_THREADS + HW_THREAD;
  if (token < tokens && slots[token] >= 0) {
    ids[token] = lastTokens[slots[token]];
  }
}

/* residual[token][hidden] = table[ids[token]][hidden] */
HW_KERNEL hw_embed(HW_GLOBAL float *residual, HW_GLOBAL const elem_t *table, HW_GLOBAL const int *ids, int hidden) {
  int token = HW_GROUP_X;
  index_t from = (index_t)ids[token] * hidden;
  for (int i = HW_THREAD; i < hidden; i += LOCAL_THREADS) {
    residual[(index_t)token * hidden + i] = hw_load(table, from + i);
  }
}

/* If hasDelta: residual += delta. Then out = residual / sqrt(mean(residual^2) + epsilon) * weight. */
HW_KERNEL hw_add_rms_norm(HW_GLOBAL float *residual, HW_GLOBAL const elem_t *delta, int hasDelta,
                          HW_GLOBAL const elem_t *weight, HW_GLOBAL elem_t *out, int hidden, float epsilon) {
  HW_LOCAL float scratch[LOCAL_THREADS];
  index_t base = (index_t)HW_GROUP_X * hidden;
  float squares = 0.0f;
  for (int i = HW_THREAD; i < hidden; i += LOCAL_THREADS) {
    float x = residual[base + i];
    if (hasDelta) {
      x += hw_load(delta, base + i);
      residual[base + i] = x;
    }
    squares += x * x;
  }
  float scale = hw_rsqrt(hw_sum(scratch, squares) / (float)hidden + epsilon);
  for (int i = HW_THREAD; i < hidden; i += LOCAL_THREADS) {
    hw_store(out, base + i, residual[base + i] * scale * hw_load(weight, i));
  }
}

/* Picks the rows whose logits are wanted: out[row] = in[tokens[row]]. */
HW_KERNEL hw_gather_rows(HW_GLOBAL elem_t *out, HW_GLOBAL const elem_t *in, HW_GLOBAL const int *tokens, int width) {
  index_t to = (index_t)HW_GROUP_X * width;
  index_t from = (index_t)tokens[HW_GROUP_X] * width;
  for (int i = HW_THREAD; i < width; i += LOCAL_THREADS) {
    out[to + i] = in[from + i];
  }
}

/* qkv[token] += bias */
HW_KERNEL hw_add_bias(HW_GLOBAL elem_t *qkv, HW_GLOBAL const elem_t *bias, int width) {
  index_t base = (index_t)HW_GROUP_X * width;
  for (int i = HW_THREAD; i < width; i += LOCAL_THREADS) {
    hw_store(qkv, base + i, hw_load(qkv, base + i) + hw_load(bias, i));
  }
}

/* Rotates queries and keys by their position (the two parts of a head paired), writes keys and values to
 * the token's cell. qkv[token] = queries, keys, values; rotation[position][HEAD_DIM] = cosines, sines.
 * One group for one token. */
HW_KERNEL hw_rope_append(HW_GLOBAL elem_t *qkv, HW_GLOBAL elem_t *kv, HW_GLOBAL const float *rotation,
                         HW_GLOBAL const int *positions, HW_GLOBAL const int *cells, int layer, int layers,
                         int queryHeads, int kvHeads) {
  int token = HW_GROUP_X;
  int middle = HEAD_DIM / 2;
  index_t base = (index_t)token * (queryHeads + 2 * kvHeads) * HEAD_DIM;
  index_t angles = (index_t)positions[token] * HEAD_DIM;
  index_t keys = hw_kv_offset(cells[token], layer, layers, 0, 0, kvHeads);
  index_t values = hw_kv_offset(cells[token], layer, layers, 1, 0, kvHeads);
  for (int i = HW_THREAD; i < (queryHeads + kvHeads) * middle; i += LOCAL_THREADS) {
    int head = i / middle;
    int d = i % middle;
    index_t at = base + (index_t)head * HEAD_DIM + d;
    float cosine = rotation[angles + d];
    float sine = rotation[angles + middle + d];
    float x = hw_load(qkv, at);
    float y = hw_load(qkv, at + middle);
    float turnedX = x * cosine - y * sine;
    float turnedY = y * cosine + x * sine;
    if (head < queryHeads) {
      hw_store(qkv, at, turnedX);
      hw_store(qkv, at + middle, turnedY);
    } else {
      index_t to = keys + (index_t)(head - queryHeads) * HEAD_DIM + d;
      hw_store(kv, to, turnedX);
      hw_store(kv, to + middle, turnedY);
    }
  }
  for (int i = HW_THREAD; i < kvHeads * HEAD_DIM; i += LOCAL_THREADS) {
    kv[values + i] = qkv[base + (index_t)(queryHeads + kvHeads) * HEAD_DIM + i];
  }
}

#define KEY_TILE 32
#define KEY_STRIDE (HEAD_DIM + 1)
/* Head elements that one thread of the decode kernel owns; loops over them have constant ends, so that
 * the sums stay in registers. */
#define HEAD_PARTS ((HEAD_DIM + LOCAL_THREADS - 1) / LOCAL_THREADS)

/* Copies one tile of keys or values into local memory as floats; what lies past the end becomes zero. */
HW_FUNCTION void hw_load_tile(HW_LOCAL_POINTER float *tile, HW_GLOBAL const elem_t *kv, HW_GLOBAL const int *table,
                              int prefix, HW_GLOBAL const int *listed, int from, int end, int layer, int layers,
                              int valueHalf, int head, int kvHeads) {
  for (int i = HW_THREAD; i < KEY_TILE * HEAD_DIM; i += LOCAL_THREADS) {
    int t = i / HEAD_DIM;
    int d = i % HEAD_DIM;
    int at = from + t;
    float value = 0.0f;
    if (at < end) {
      int cell = at < prefix ? table[at / BLOCK_TOKENS] * BLOCK_TOKENS + at % BLOCK_TOKENS : listed[at - prefix];
      value = hw_load(kv, hw_kv_offset(cell, layer, layers, valueHalf, head, kvHeads) + d);
    }
    tile[t * KEY_STRIDE + d] = value;
  }
}

/* How many positions one group of the decode kernel attends to; by the row's own context alone. */
HW_FUNCTION int hw_split_tokens(int context) { return context <= 4096 ? 128 : 512; }

/* Attention of single queries, split over the context: group (split, KV head, row) attends the
 * GROUP_HEADS queries of token rowTokens[row] to its part and leaves maximum, sum and weighted values in
 * partials[row][head][split][HEAD_DIM + 2]. */
HW_KERNEL hw_attention_decode(HW_GLOBAL float *partials, HW_GLOBAL const elem_t *qkv, HW_GLOBAL const elem_t *kv,
                              HW_GLOBAL const int *rowTokens, HW_GLOBAL const int *tableAt,
                              HW_GLOBAL const int *prefixes, HW_GLOBAL const int *listedAt,
                              HW_GLOBAL const int *listedCounts, HW_GLOBAL const int *tables,
                              HW_GLOBAL const int *listed, int layer, int layers, int queryHeads, int kvHeads,
                              int maxSplits, float scale) {
  HW_LOCAL float queries[GROUP_HEADS * HEAD_DIM];
  HW_LOCAL float tile[KEY_TILE * KEY_STRIDE];
  HW_LOCAL float weights[GROUP_HEADS * KEY_TILE];
  HW_LOCAL float maxima[GROUP_HEADS];
  HW_LOCAL float sums[GROUP_HEADS];
  HW_LOCAL float shrinks[GROUP_HEADS];
  int split = HW_GROUP_X;
  int kvHead = HW_GROUP_Y;
  int row = HW_GROUP_Z;
  int token = rowTokens[row];
  int prefix = prefixes[token];
  int context = prefix + listedCounts[token];
  int perSplit = hw_split_tokens(context);
  int from = split * perSplit;
  int end = from + perSplit < context ? from + perSplit : context;
  /* A group behind the end of its context attends to nothing. It must not leave before the others reach
   * the barriers: not every OpenCL compiler gets that right, even where the whole group leaves. */
  HW_GLOBAL const int *table = tables + tableAt[token];
  HW_GLOBAL const int *behind = listed + listedAt[token];
  int width = (queryHeads + 2 * kvHeads) * HEAD_DIM;
  index_t queryBase = (index_t)token * width + (index_t)kvHead * GROUP_HEADS * HEAD_DIM;
  for (int i = HW_THREAD; i < GROUP_HEADS * HEAD_DIM; i += LOCAL_THREADS) {
    queries[i] = hw_load(qkv, queryBase + i) * scale;
  }
  if (HW_THREAD < GROUP_HEADS) {
    maxima[HW_THREAD] = -HW_INFINITY;
    sums[HW_THREAD] = 0.0f;
  }
  float values[HEAD_PARTS * GROUP_HEADS];
  for (int i = 0; i < HEAD_PARTS * GROUP_HEADS; i++) {
    values[i] = 0.0f;
  }
  for (int at = from; at < end; at += KEY_TILE) {
    HW_BARRIER();
    hw_load_tile(tile, kv, table, prefix, behind, at, end, layer, layers, 0, kvHead, kvHeads);
    HW_BARRIER();
    for (int i = HW_THREAD; i < GROUP_HEADS * KEY_TILE; i += LOCAL_THREADS) {
      int t = i % KEY_TILE;
      int g = i / KEY_TILE;
      float score = 0.0f;
      for (int d = 0; d < HEAD_DIM; d++) {
        score += queries[g * HEAD_DIM + d] * tile[t * KEY_STRIDE + d];
      }
      weights[i] = at + t < end ? score : -HW_INFINITY;
    }
    HW_BARRIER();
    hw_load_tile(tile, kv, table, prefix, behind, at, end, layer, layers, 1, kvHead, kvHeads);
    if (HW_THREAD < GROUP_HEADS) {
      float top = maxima[HW_THREAD];
      for (int t = 0; t < KEY_TILE; t++) {
        float score = weights[HW_THREAD * KEY_TILE + t];
        top = score > top ? score : top;
      }
      shrinks[HW_THREAD] = hw_exp(maxima[HW_THREAD] - top);
      maxima[HW_THREAD] = top;
    }
    HW_BARRIER();
    for (int i = HW_THREAD; i < GROUP_HEADS * KEY_TILE; i += LOCAL_THREADS) {
      weights[i] = hw_exp(weights[i] - maxima[i / KEY_TILE]);
    }
    HW_BARRIER();
    if (HW_THREAD < GROUP_HEADS) {
      float sum = sums[HW_THREAD] * shrinks[HW_THREAD];
      for (int t = 0; t < KEY_TILE; t++) {
        sum += weights[HW_THREAD * KEY_TILE + t];
      }
      sums[HW_THREAD] = sum;
    }
    HW_UNROLL
    for (int part = 0; part < HEAD_PARTS; part++) {
      int d = part * LOCAL_THREADS + HW_THREAD;
      if (d < HEAD_DIM) {
        for (int g = 0; g < GROUP_HEADS; g++) {
          values[part * GROUP_HEADS + g] *= shrinks[g];
        }
        for (int t = 0; t < KEY_TILE; t++) {
          float value = tile[t * KEY_STRIDE + d];
          for (int g = 0; g < GROUP_HEADS; g++) {
            values[part * GROUP_HEADS + g] += weights[g * KEY_TILE + t] * value;
          }
        }
      }
    }
  }
  HW_BARRIER();
  HW_UNROLL
  for (int part = 0; part < HEAD_PARTS; part++) {
    int d = part * LOCAL_THREADS + HW_THREAD;
    if (d < HEAD_DIM && from < end) {
      for (int g = 0; g < GROUP_HEADS; g++) {
        index_t to = (((index_t)row * queryHeads + kvHead * GROUP_HEADS + g) * maxSplits + split) * (HEAD_DIM + 2);
        partials[to + 2 + d] = values[part * GROUP_HEADS + g];
        if (d == 0) {
          partials[to] = maxima[g];
          partials[to + 1] = sums[g];
        }
      }
    }
  }
}

/* Joins the parts of one row and query head, in the order of the context. Group (head, row). */
HW_KERNEL hw_attention_combine(HW_GLOBAL elem_t *out, HW_GLOBAL const float *partials, HW_GLOBAL const int *rowTokens,
                               HW_GLOBAL const int *prefixes, HW_GLOBAL const int *listedCounts, int queryHeads,
                               int maxSplits) {
  int head = HW_GROUP_X;
  int row = HW_GROUP_Y;
  int token = rowTokens[row];
  int context = prefixes[token] + listedCounts[token];
  int perSplit = hw_split_tokens(context);
  int splits = (context + perSplit - 1) / perSplit;
  index_t from = ((index_t)row * queryHeads + head) * maxSplits * (HEAD_DIM + 2);
  float top = -HW_INFINITY;
  for (int s = 0; s < splits; s++) {
    float part = partials[from + (index_t)s * (HEAD_DIM + 2)];
    top = part > top ? part : top;
  }
  index_t to = ((index_t)token * queryHeads + head) * HEAD_DIM;
  for (int d = HW_THREAD; d < HEAD_DIM; d += LOCAL_THREADS) {
    float sum = 0.0f;
    float value = 0.0f;
    for (int s = 0; s < splits; s++) {
      index_t part = from + (index_t)s * (HEAD_DIM + 2);
      float weight = hw_exp(partials[part] - top);
      sum += weight * partials[part + 1];
      value += weight * partials[part + 2 + d];
    }
    hw_store(out, to + d, value / sum);
  }
}

#define QUERY_TILE 16
#define TILE_VALUES ((QUERY_TILE * HEAD_DIM + LOCAL_THREADS - 1) / LOCAL_THREADS)

/* Causal attention of prefill chunks: group (query tile, query head) attends tileCounts[tile], at most
 * QUERY_TILE, consecutive queries of one sequence, the first of which is token tileTokens[tile], to
 * everything up to themselves. */
HW_KERNEL hw_attention_prefill(HW_GLOBAL elem_t *out, HW_GLOBAL const elem_t *qkv, HW_GLOBAL const elem_t *kv,
                               HW_GLOBAL const int *tileTokens, HW_GLOBAL const int *tileCounts,
                               HW_GLOBAL const int *positions, HW_GLOBAL const int *tableAt,
                               HW_GLOBAL const int *tables, int layer, int layers, int queryHeads, int kvHeads,
                               float scale) {
  HW_LOCAL float queries[QUERY_TILE * HEAD_DIM];
  HW_LOCAL float tile[KEY_TILE * KEY_STRIDE];
  HW_LOCAL float weights[QUERY_TILE * KEY_TILE];
  HW_LOCAL float maxima[QUERY_TILE];
  HW_LOCAL float sums[QUERY_TILE];
  HW_LOCAL float shrinks[QUERY_TILE];
  int first = tileTokens[HW_GROUP_X];
  int count = tileCounts[HW_GROUP_X];
  int head = HW_GROUP_Y;
  int kvHead = head / GROUP_HEADS;
  int firstPosition = positions[first];
  int end = firstPosition + count;
  HW_GLOBAL const int *table = tables + tableAt[first];
  int width = (queryHeads + 2 * kvHeads) * HEAD_DIM;
  for (int i = HW_THREAD; i < QUERY_TILE * HEAD_DIM; i += LOCAL_THREADS) {
    int q = i / HEAD_DIM;
    queries[i] = q < count
        ? hw_load(qkv, (index_t)(first + q) * width + (index_t)head * HEAD_DIM + i % HEAD_DIM) * scale
        : 0.0f;
  }
  if (HW_THREAD < QUERY_TILE) {
    maxima[HW_THREAD] = -HW_INFINITY;
    sums[HW_THREAD] = 0.0f;
  }
  float values[TILE_VALUES];
  for (int i = 0; i < TILE_VALUES; i++) {
    values[i] = 0.0f;
  }
  for (int at = 0; at < end; at += KEY_TILE) {
    HW_BARRIER();
    hw_load_tile(tile, kv, table, end, table, at, end, layer, layers, 0, kvHead, kvHeads);
    HW_BARRIER();
    for (int i = HW_THREAD; i < QUERY_TILE * KEY_TILE; i += LOCAL_THREADS) {
      int t = i % KEY_TILE;
      int q = i / KEY_TILE;
      float score = 0.0f;
      for (int d = 0; d < HEAD_DIM; d++) {
        score += queries[q * HEAD_DIM + d] * tile[t * KEY_STRIDE + d];
      }
      weights[i] = at + t <= firstPosition + q ? score : -HW_INFINITY;
    }
    HW_BARRIER();
    hw_load_tile(tile, kv, table, end, table, at, end, layer, layers, 1, kvHead, kvHeads);
    if (HW_THREAD < QUERY_TILE) {
      float top = maxima[HW_THREAD];
      for (int t = 0; t < KEY_TILE; t++) {
        float score = weights[HW_THREAD * KEY_TILE + t];
        top = score > top ? score : top;
      }
      shrinks[HW_THREAD] = hw_exp(maxima[HW_THREAD] - top);
      maxima[HW_THREAD] = top;
    }
    HW_BARRIER();
    for (int i = HW_THREAD; i < QUERY_TILE * KEY_TILE; i += LOCAL_THREADS) {
      weights[i] = hw_exp(weights[i] - maxima[i / KEY_TILE]);
    }
    HW_BARRIER();
    if (HW_THREAD < QUERY_TILE) {
      float sum = sums[HW_THREAD] * shrinks[HW_THREAD];
      for (int t = 0; t < KEY_TILE; t++) {
        sum += weights[HW_THREAD * KEY_TILE + t];
      }
      sums[HW_THREAD] = sum;
    }
    HW_UNROLL
    for (int part = 0; part < TILE_VALUES; part++) {
      int i = part * LOCAL_THREADS + HW_THREAD;
      if (i < QUERY_TILE * HEAD_DIM) {
        int q = i / HEAD_DIM;
        float value = values[part] * shrinks[q];
        for (int t = 0; t < KEY_TILE; t++) {
          value += weights[q * KEY_TILE + t] * tile[t * KEY_STRIDE + i % HEAD_DIM];
        }
        values[part] = value;
      }
    }
  }
  HW_BARRIER();
  HW_UNROLL
  for (int part = 0; part < TILE_VALUES; part++) {
    int i = part * LOCAL_THREADS + HW_THREAD;
    int q = i / HEAD_DIM;
    if (i < QUERY_TILE * HEAD_DIM && q < count) {
      hw_store(out, ((index_t)(first + q) * queryHeads + head) * HEAD_DIM + i % HEAD_DIM, values[part] / sums[q]);
    }
  }
}

/* out[row][i] = gate * sigmoid(gate) * up, with gateUp[row] = gates, ups. Group (part, row - firstRow). */
HW_KERNEL hw_swiglu(HW_GLOBAL elem_t *out, HW_GLOBAL const elem_t *gateUp, int width, int firstRow) {
  int i = HW_GROUP_X * LOCAL_THREADS + HW_THREAD;
  index_t row = (index_t)firstRow + HW_GROUP_Y;
  if (i < width) {
    index_t from = row * 2 * width;
    float gate = hw_load(gateUp, from + i);
    float up = hw_load(gateUp, from + width + i);
    hw_store(out, row * width + i, gate / (1.0f + hw_exp(-gate)) * up);
  }
}

#define GEMM_TILE 16

/* out[m][n] = sum over k of left[leftRow + m][k] * right[n][k], summed in the order of k; to floats if
 * toFloat, else to elements. Group (n / GEMM_TILE, m / GEMM_TILE) of GEMM_TILE^2 threads. */
HW_KERNEL hw_gemm(HW_GLOBAL elem_t *out, HW_GLOBAL float *floatOut, int toFloat, HW_GLOBAL const elem_t *left,
                  HW_GLOBAL const elem_t *right, int m, int n, int k, int leftRow, int outRow) {
  HW_LOCAL float leftTile[GEMM_TILE * GEMM_TILE];
  HW_LOCAL float rightTile[GEMM_TILE * (GEMM_TILE + 1)];
  int x = HW_THREAD % GEMM_TILE;
  int y = HW_THREAD / GEMM_TILE;
  int row = HW_GROUP_Y * GEMM_TILE + y;
  int column = HW_GROUP_X * GEMM_TILE + x;
  int loadColumn = HW_GROUP_X * GEMM_TILE + y;
  float sum = 0.0f;
  for (int at = 0; at < k; at += GEMM_TILE) {
    int depth = at + x;
    leftTile[y * GEMM_TILE + x] =
        row < m && depth < k ? hw_load(left, (index_t)(leftRow + row) * k + depth) : 0.0f;
    rightTile[y * (GEMM_TILE + 1) + x] =
        loadColumn < n && depth < k ? hw_load(right, (index_t)loadColumn * k + depth) : 0.0f;
    HW_BARRIER();
    for (int i = 0; i < GEMM_TILE; i++) {
      sum += leftTile[y * GEMM_TILE + i] * rightTile[x * (GEMM_TILE + 1) + i];
    }
    HW_BARRIER();
  }
  if (row < m && column < n) {
    index_t to = (index_t)(outRow + row) * n + column;
    if (toFloat) {
      floatOut[to] = sum;
    } else {
      hw_store(out, to, sum);
    }
  }
}

/* out[token] = sum over the token's experts, in rank order, of gates[entry] * in[rows[entry]]; the
 * entries of a token are starts[token] to starts[token + 1]. If hasShared, shared[token] comes first. */
HW_KERNEL hw_moe_combine(HW_GLOBAL elem_t *out, HW_GLOBAL const elem_t *in, HW_GLOBAL const int *starts,
                         HW_GLOBAL const int *rows, HW_GLOBAL const float *gates, HW_GLOBAL const elem_t *shared,
                         int hasShared, int width) {
  int token = HW_GROUP_X;
  for (int i = HW_THREAD; i < width; i += LOCAL_THREADS) {
    float sum = hasShared ? hw_load(shared, (index_t)token * width + i) : 0.0f;
    for (int entry = starts[token]; entry < starts[token + 1]; entry++) {
      sum += gates[entry] * hw_load(in, (index_t)rows[entry] * width + i);
    }
    hw_store(out, (index_t)token * width + i, sum);
  }
}

/* The largest logit of each row, the lowest id among equals, or -1 if a logit is not finite. Also
 * remembers it as the last token of the row's slot. One group a row. */
HW_KERNEL hw_argmax(HW_GLOBAL int *tokens, HW_GLOBAL int *lastTokens, HW_GLOBAL const int *slots,
                    HW_GLOBAL const float *logits, int vocabulary) {
  HW_LOCAL float best[LOCAL_THREADS];
  HW_LOCAL int where[LOCAL_THREADS];
  HW_LOCAL int odd[LOCAL_THREADS];
  int lane = HW_THREAD;
  index_t base = (index_t)HW_GROUP_X * vocabulary;
  float top = -HW_INFINITY;
  int at = vocabulary;
  int notFinite = 0;
  for (int i = lane; i < vocabulary; i += LOCAL_THREADS) {
    float logit = logits[base + i];
    notFinite |= (hw_bits(logit) & 0x7f800000u) == 0x7f800000u;
    if (logit > top) {
      top = logit;
      at = i;
    }
  }
  best[lane] = top;
  where[lane] = at;
  odd[lane] = notFinite;
  HW_BARRIER();
  for (int middle = LOCAL_THREADS / 2; middle > 0; middle /= 2) {
    if (lane < middle) {
      odd[lane] |= odd[lane + middle];
      float other = best[lane + middle];
      int otherAt = where[lane + middle];
      if (other > best[lane] || (other == best[lane] && otherAt < where[lane])) {
        best[lane] = other;
        where[lane] = otherAt;
      }
    }
    HW_BARRIER();
  }
  if (lane == 0) {
    tokens[HW_GROUP_X] = odd[0] ? -1 : where[0];
    if (slots[HW_GROUP_X] >= 0) {
      lastTokens[slots[HW_GROUP_X]] = odd[0] ? 0 : where[0];
    }
  }
}

/* Draws from softmax(logits / temperature) by inverting the distribution at uniforms[row]; rows of
 * temperature 0, and those that hw_argmax found not finite, are left alone. Each thread owns a run of consecutive ids. One group a row. */
HW_KERNEL hw_sample(HW_GLOBAL int *tokens, HW_GLOBAL int *lastTokens, HW_GLOBAL const int *slots,
                    HW_GLOBAL const float *logits, HW_GLOBAL const float *temperatures,
                    HW_GLOBAL const float *uniforms, int vocabulary) {
  HW_LOCAL float scratch[LOCAL_THREADS];
  HW_LOCAL float ends[LOCAL_THREADS];
  int row = HW_GROUP_X;
  float temperature = temperatures[row];
  int drawn = temperature > 0.0f && tokens[row] >= 0; /* no early way out: see hw_attention_decode */
  int lane = HW_THREAD;
  index_t base = (index_t)row * vocabulary;
  int run = (vocabulary + LOCAL_THREADS - 1) / LOCAL_THREADS;
  int from = lane * run < vocabulary ? lane * run : vocabulary;
  int end = from + run < vocabulary ? from + run : vocabulary;
  float top = -HW_INFINITY;
  for (int i = from; i < end; i++) {
    top = logits[base + i] > top ? logits[base + i] : top;
  }
  top = hw_max(scratch, top);
  float mass = 0.0f;
  for (int i = from; i < end; i++) {
    mass += drawn ? hw_exp((logits[base + i] - top) / temperature) : 0.0f;
  }
  ends[lane] = mass;
  HW_BARRIER();
  if (lane == 0) {
    float sum = 0.0f;
    for (int i = 0; i < LOCAL_THREADS; i++) {
      sum += ends[i];
      ends[i] = sum;
    }
  }
  HW_BARRIER();
  float target = uniforms[row] * ends[LOCAL_THREADS - 1];
  float before = lane == 0 ? 0.0f : ends[lane - 1];
  if (drawn && from < end && target >= before && (target < ends[lane] || end == vocabulary)) {
    float sum = before;
    int chosen = end - 1;
    for (int i = from; i < end; i++) {
      sum += hw_exp((logits[base + i] - top) / temperature);
      if (target < sum) {
        chosen = i;
        break;
      }
    }
    tokens[row] = chosen;
    if (slots[row] >= 0) {
      lastTokens[slots[row]] = chosen;
    }
  }
}

/* Moves one cell's keys and values, as when an accepted draft takes its place in the sequence. Group
 * (layer and half). */
HW_KERNEL hw_move_cell(HW_GLOBAL elem_t *kv, int source, int target, int layers, int kvHeads) {
  int layer = HW_GROUP_X / 2;
  index_t from = hw_kv_offset(source, layer, layers, HW_GROUP_X % 2, 0, kvHeads);
  index_t to = hw_kv_offset(target, layer, layers, HW_GROUP_X % 2, 0, kvHeads);
  for (int i = HW_THREAD; i < kvHeads * HEAD_DIM; i += LOCAL_THREADS) {
    kv[to + i] = kv[from + i];
  }
}

HW_FUNCTION word64 hw_mix(word64 z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
  return z ^ (z >> 31);
}

/* Makes the elements of a seeded tensor on the device: out[first + i] = shift + scale * u(i), with u from
 * the tensor's key as the host makes it, bit for bit. */
HW_KERNEL hw_seed_weights(HW_GLOBAL elem_t *out, int first, int count, int keyLow, int keyHigh, float shift,
                          float scale) {
  int i = HW_GROUP_X * LOCAL_THREADS + HW_THREAD;
  if (i < count) {
    word64 key = ((word64)(word)keyHigh << 32) | (word)keyLow;
    word64 z = hw_mix(key + (word64)(i + 1) * 0x9E3779B97F4A7C15UL);
    int top = (int)(z >> 40);
    int u = top >= 0x800000 ? top - 0x1000000 : top;
    hw_store(out, (index_t)first + i, shift + scale * ((float)u * 0.00000011920928955078125f));
  }
}
