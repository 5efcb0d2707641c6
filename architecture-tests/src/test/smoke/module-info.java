/** An engine outside the project, on the module path. */
module smoke {
  requires io.headway.runtime;
  requires io.headway.batching;
  requires io.headway.memory;
  requires io.headway.routing;
  requires io.headway.predictors;
}
