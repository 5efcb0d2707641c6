package io.headway.predictors.length;

import io.headway.api.Request;

/** Which requests share what a predictor learns. */
public enum LengthKey {
  /** All of them. */
  GLOBAL {
    @Override
    String of(Request request) {
      return "";
    }
  },
  /** Those of one kind of work. */
  WORKLOAD {
    @Override
    String of(Request request) {
      return request.workload();
    }
  },
  /** Those of one tenant. */
  TENANT {
    @Override
    String of(Request request) {
      return request.tenant();
    }
  };

  abstract String of(Request request);
}
