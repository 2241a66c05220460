/**
 * Changes of a dashboard's content, each of which makes a new one.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { COLUMNS, MOST_ROWS, heightOf, widthOf } from "./content.js";

/** @import { Content, Kind, Section, Tile } from "./content.js" */

/** @typedef {{section: number, tile: number}} Place */

/**
 * @param {Content} content
 * @param {number} index
 * @param {(section: Section) => Section | null} change Null removes it.
 * @returns {Content}
 */
export function withSection(content, index, change) {
  const sections = (content.sections ?? []).flatMap((section, at) => {
    const kept = at === index ? change(section) : section;
    return kept ? [kept] : [];
  });
  return { ...content, sections };
}

/**
 * @param {Content} content
 * @param {Place} place
 * @param {(tile: Tile) => Tile | null} change Null removes it.
 * @returns {Content}
 */
export const withTile = (content, place, change) =>
  withSection(content, place.section, (section) => ({
    ...section,
    tiles: (section.tiles ?? []).flatMap((tile, at) => {
      const kept = at === place.tile ? change(tile) : tile;
      return kept ? [kept] : [];
    }),
  }));

/**
 * @param {Content} content
 * @param {number} section
 * @param {Kind} kind
 * @returns {Content}
 */
export function withNewTile(content, section, kind) {
  const each = content.sections?.[section]?.each;
  const filter = each ? "point and equipRef==$each" : "point and cur";
  /** @type {Tile} */
  const tile = { kind, title: "", filter };
  return withSection(content, section, (one) => ({
    ...one,
    tiles: [...(one.tiles ?? []), tile],
  }));
}

/**
 * @param {Content} content
 * @returns {Content}
 */
export const withNewSection = (content) => ({
  ...content,
  sections: [...(content.sections ?? []), { title: gettext("New section"), tiles: [] }],
});

/**
 * Move a tile by one place; from the first or the last place it goes to the section
 * beside its own.
 *
 * @param {Content} content
 * @param {Place} place
 * @param {1 | -1} by
 * @returns {[Content, Place]}
 */
export function withMovedTile(content, place, by) {
  const sections = (content.sections ?? []).map((one) => [...(one.tiles ?? [])]);
  const from = sections[place.section] ?? [];
  const [tile] = from.splice(place.tile, 1);
  if (!tile) return [content, place];
  const target = { section: place.section, tile: place.tile + by };
  if (target.tile < 0 || target.tile > from.length) target.section += by;
  const to = sections[target.section];
  if (!to) return [content, place];
  if (to !== from) target.tile = by > 0 ? 0 : to.length;
  to.splice(target.tile, 0, tile);
  const moved = (content.sections ?? []).map((one, at) => ({
    ...one,
    tiles: sections[at] ?? [],
  }));
  return [{ ...content, sections: moved }, target];
}

/**
 * @param {Content} content
 * @param {number} index
 * @param {1 | -1} by
 * @returns {Content}
 */
export function withMovedSection(content, index, by) {
  const sections = [...(content.sections ?? [])];
  const [section] = sections.splice(index, 1);
  if (!section || index + by < 0 || index + by > sections.length) return content;
  sections.splice(index + by, 0, section);
  return { ...content, sections };
}

/**
 * @param {Tile} tile
 * @param {{width?: number, height?: number}} by Columns and rows to add.
 * @returns {Tile}
 */
export const resized = (tile, { width = 0, height = 0 }) => ({
  ...tile,
  width: Math.min(COLUMNS, Math.max(1, widthOf(tile) + width)),
  height: Math.min(MOST_ROWS, Math.max(1, heightOf(tile) + height)),
});
