package io.headway.api.memory;

import java.util.List;

/**
 * Describes the physical layout of a pool: one unit of memory and the cache groups that are cut
 * from it.
 *
 * @param unitBytes bytes of one physical page, at least 1; every group's block is a whole number of
 *     pages
 * @param groups the groups in order of {@link KvGroup#groupId()}, at least one
 */
public record KvGeometry(long unitBytes, List<KvGroup> groups) {

  /**
   * Checks the components and copies the list.
   *
   * @param unitBytes bytes of one physical page
   * @param groups the groups in order
   * @throws IllegalArgumentException if there is no group, if group ids are not 0, 1, 2, …, or if a
   *     group's block is not a whole number of units
   */
  public KvGeometry {
    Arguments.atLeast("unitBytes", unitBytes, 1, "byte");
    groups = List.copyOf(groups);
    if (groups.isEmpty()) {
      throw new IllegalArgumentException("groups must have at least 1 group, but was empty");
    }
    for (int i = 0; i < groups.size(); i++) {
      KvGroup group = groups.get(i);
      if (group.groupId() != i) {
        throw new IllegalArgumentException(
            "groups must be numbered 0, 1, 2, …, but group "
                + group.groupId()
                + " was at index "
                + i);
      }
      if (group.bytesPerBlock() % unitBytes != 0) {
        throw new IllegalArgumentException(
            "bytesPerBlock of group "
                + i
                + " must be a multiple of unitBytes "
                + unitBytes
                + " bytes, but was "
                + group.bytesPerBlock());
      }
    }
  }

  /**
   * Returns the geometry of a pool whose layers all read the whole past and whose bytes do not
   * matter: one group, one unit per block.
   *
   * @param blockTokens tokens per block, at least 1
   * @return the geometry
   */
  public static KvGeometry uniform(int blockTokens) {
    return new KvGeometry(1, List.of(KvGroup.full(blockTokens, 1, 1)));
  }

  /**
   * Returns how many units one block of a group takes.
   *
   * @param groupId group of this geometry
   * @return units, at least 1
   */
  public long unitsPerBlock(int groupId) {
    return groups.get(groupId).bytesPerBlock() / unitBytes;
  }
}
