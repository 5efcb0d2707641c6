/** Expert routing and placement, instance routing, migration, scaling and model choice. */
module io.headway.routing {
  requires transitive io.headway.api;
  requires static org.jspecify;

  exports io.headway.routing.instance;
  exports io.headway.routing.model;
  exports io.headway.routing.moe;
  exports io.headway.routing.placement;

  provides io.headway.api.config.PolicyCatalog with
      io.headway.routing.instance.InstanceRoutingCatalog,
      io.headway.routing.model.ModelSelectors,
      io.headway.routing.moe.ExpertRouters,
      io.headway.routing.placement.ExpertPlanners;
}
