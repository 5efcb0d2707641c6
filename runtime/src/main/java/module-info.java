/**
 * The trusted core that an engine or a gateway embeds: life cycle, plan commit, KV accounting,
 * decision log.
 */
module io.headway.runtime {
  requires transitive io.headway.api;
  requires org.slf4j;
  requires static org.jspecify;

  exports io.headway.runtime;
}
