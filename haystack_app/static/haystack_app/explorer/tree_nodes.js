/**
 * What is in the tree: sites, spaces, equipment by type and nested, points.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { gridOf } from "../live.js";
import { readEntities, readValues } from "../shared/rest.js";
import { filterId, nameOf, shortNameOf } from "../shared/values.js";

/** @import { HaysonRef, Live, Rec } from "../live.js" */

/**
 * @typedef {object} TreeNode
 * @property {string} key The id of a record, or that of a group in its parent.
 * @property {string} text
 * @property {number} [count] Points, or entities of a group.
 * @property {Rec} [record]
 * @property {string} [filter] Of the entities of a group.
 * @property {() => Promise<TreeNode[]>} [load] The nodes below it.
 */

/** Types of equipment in the order in which they count, with what a group is called. */
const TYPES = /** @type {const} */ ([
  ["ahu", gettext("Air handlers")],
  ["vav", gettext("VAV boxes")],
  ["fcu", gettext("Fan coils")],
  ["chiller", gettext("Chillers")],
  ["boiler", gettext("Boilers")],
  ["coolingTower", gettext("Cooling towers")],
  ["heatExchanger", gettext("Heat exchangers")],
  ["plant", gettext("Plants")],
  ["meter", gettext("Meters")],
  ["pump", gettext("Pumps")],
  ["fan", gettext("Fans")],
  ["lighting", gettext("Lighting")],
]);
const OTHERS = "equip";
/** As many equips are listed without groups. */
const FEW = 8;
const PAGE = "1000";
/** Entities below one node at most; others are found by a filter. */
const MOST = 5_000;
const FIELDS = [
  ..."dis navName site space equip point equipRef siteRef spaceRef".split(" "),
  ...TYPES.map(([tag]) => tag),
].join(",");

/** @param {Rec} equip */
const typeOf = (equip) => TYPES.find(([tag]) => tag in equip)?.[0] ?? OTHERS;

/**
 * @param {Live["call"]} call
 * @returns {Promise<TreeNode[]>} The sites, or what there is without sites.
 */
export async function roots(call) {
  const [{ rows }, counts] = await Promise.all([
    call("nav", gridOf()),
    pointCounts("siteRef", "point"),
  ]);
  return /** @type {Rec[]} */ (rows).map((record) => nodeOf(record, counts, nameOf));
}

/**
 * @param {Rec} record
 * @param {Map<string, number>} counts Of points, by what they are in.
 * @param {(record: Rec) => string} [name]
 * @returns {TreeNode}
 */
function nodeOf(record, counts, name = shortNameOf) {
  const id = record.id.val;
  const ref = filterId(id);
  const count = counts.get(id);
  const node = { key: id, text: name(record), record, ...(count ? { count } : {}) };
  if (!ref) return node;
  if ("site" in record) return { ...node, load: () => inSite(ref) };
  if ("space" in record) return { ...node, load: () => inSpace(ref) };
  if ("equip" in record) return { ...node, load: () => inEquip(ref) };
  return node;
}

/** @param {string} site */
async function inSite(site) {
  const here = `siteRef==${site}`;
  const [spaces, equips, points, counts] = await Promise.all([
    read(`space and ${here} and not spaceRef`),
    read(`equip and ${here} and not equipRef`),
    read(`point and ${here} and not equipRef and not spaceRef`),
    pointCounts("equipRef", `point and ${here}`),
  ]);
  const few = equips.length <= FEW;
  return [
    ...group(site, "space", gettext("Spaces"), `space and ${here}`, spaces, new Map()),
    ...(few ? listed(equips, counts) : byType(site, here, equips, counts)),
    ...(few && points.length <= FEW
      ? listed(points, counts)
      : group(
          site,
          "point",
          gettext("Points"),
          `point and ${here} and not equipRef`,
          points,
          counts,
        )),
  ];
}

/**
 * @param {string} site
 * @param {string} here Filter.
 * @param {Rec[]} equips
 * @param {Map<string, number>} counts
 */
const byType = (site, here, equips, counts) =>
  [...TYPES, /** @type {const} */ ([OTHERS, gettext("Other equipment")])].flatMap(
    ([type, text]) => {
      const those = equips.filter((equip) => typeOf(equip) === type);
      return group(site, type, text, `${type} and ${here}`, those, counts);
    },
  );

/**
 * @param {string} parent
 * @param {string} type
 * @param {string} text
 * @param {string} filter
 * @param {Rec[]} records
 * @param {Map<string, number>} counts
 * @returns {TreeNode[]} One, or none if there are no records.
 */
function group(parent, type, text, filter, records, counts) {
  if (!records.length) return [];
  const load = async () => listed(records, counts);
  const key = `${parent.replace("@", "")} ${type}`;
  return [{ key, text, count: records.length, filter, load }];
}

/** @param {string} space */
async function inSpace(space) {
  const here = `spaceRef==${space}`;
  const [spaces, equips, points, counts] = await Promise.all([
    read(`space and ${here}`),
    read(`equip and ${here}`),
    read(`point and ${here} and not equipRef`),
    pointCounts("equipRef", `point and equipRef->${here}`),
  ]);
  return [spaces, equips, points].flatMap((records) => listed(records, counts));
}

/** @param {string} equip */
async function inEquip(equip) {
  const here = `equipRef==${equip}`;
  const [equips, points, counts] = await Promise.all([
    read(`equip and ${here}`),
    read(`point and ${here}`),
    pointCounts("equipRef", `point and equipRef->${here}`),
  ]);
  return [equips, points].flatMap((records) => listed(records, counts));
}

/**
 * @param {Rec[]} records
 * @param {Map<string, number>} counts
 */
function listed(records, counts) {
  const nodes = records.map((record) => nodeOf(record, counts));
  return nodes.sort((a, b) => a.text.localeCompare(b.text, "en", { numeric: true }));
}

/**
 * @param {string} filter
 * @returns {Promise<Rec[]>}
 */
async function read(filter) {
  const query = new URLSearchParams({ filter, fields: FIELDS, limit: PAGE });
  /** @type {Rec[]} */
  const found = [];
  for (;;) {
    const { results, next } = await readEntities(document.body.dataset.project, query);
    found.push(...results);
    if (!next || found.length >= MOST) return found;
    query.set("cursor", next);
  }
}

/**
 * How many points there are in what they refer to by a tag.
 *
 * @param {string} tag
 * @param {string} filter
 * @returns {Promise<Map<string, number>>}
 */
async function pointCounts(tag, filter) {
  const { results } = await readValues(tag, { filter, limit: PAGE });
  return new Map(
    results.map(({ val, count }) => [/** @type {HaysonRef} */ (val).val, count]),
  );
}

/**
 * The keys of the nodes that lead to a record, from the top; the last is its own.
 *
 * @param {string} id
 * @param {(id: string) => Promise<Rec | null>} find
 * @returns {Promise<string[]>}
 */
export async function pathTo(id, find) {
  const record = await find(id);
  if (!record) return [];
  const [equip, space, site] = [record.equipRef, record.spaceRef, record.siteRef].map(
    (ref) => /** @type {HaysonRef | undefined} */ (ref)?.val,
  );
  const isSpace = "space" in record;
  const above = isSpace ? space : (equip ?? ("point" in record ? space : undefined));
  if (above) return [...(await pathTo(above, find)), id];
  if (!site) return [id];
  const type = isSpace ? "space" : "equip" in record ? typeOf(record) : "point";
  return [site, `${site} ${type}`, id];
}
