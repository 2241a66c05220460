/**
 * The buttons that a tile and a section have while the dashboard is edited.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { element } from "../shared/elements.js";

/** @import { Kind } from "./content.js" */

/**
 * What a button does to its tile or section.
 *
 * @typedef {"earlier" | "later" | "narrower" | "wider" | "lower" | "higher" | "edit"
 *   | "remove"} Action
 */

/** @type {[Action, string, string][]} */
const TILE = [
  ["earlier", "←", gettext("Move earlier")],
  ["later", "→", gettext("Move later")],
  ["narrower", "⇤", gettext("Narrower")],
  ["wider", "⇥", gettext("Wider")],
  ["lower", "⤒", gettext("Lower")],
  ["higher", "⤓", gettext("Higher")],
  ["edit", gettext("Edit"), gettext("Edit tile")],
  ["remove", "✕", gettext("Remove tile")],
];
/** @type {[Kind, string][]} */
const ADD = [
  ["chart", gettext("Add chart")],
  ["table", gettext("Add table")],
  ["number", gettext("Add number")],
];
/** @type {[Action, string][]} */
const SECTION = [
  ["edit", gettext("Edit section")],
  ["earlier", gettext("Move up")],
  ["later", gettext("Move down")],
  ["remove", gettext("Remove section")],
];

/**
 * @param {string} place
 * @param {(action: Action) => void} onAction
 */
export const tileTools = (place, onAction) =>
  element(
    "div",
    { class: "tools edit", role: "group", "aria-label": gettext("Tile") },
    ...TILE.map(([action, text, label]) =>
      element("button", {
        type: "button",
        text,
        "aria-label": label,
        title: label,
        data: { button: `${place} ${action}` },
        click: () => onAction(action),
      }),
    ),
  );

/**
 * @param {number} index
 * @param {(action: Action) => void} onAction
 * @param {(kind: Kind) => void} onAdd
 */
export const sectionTools = (index, onAction, onAdd) =>
  element(
    "div",
    {
      class: "tools edit",
      role: "group",
      "aria-label": gettext("Section %(number)s", { number: index + 1 }),
    },
    ...ADD.map(([kind, text]) =>
      element("button", {
        type: "button",
        text,
        data: { button: `${index} ${kind}` },
        click: () => onAdd(kind),
      }),
    ),
    ...SECTION.map(([action, text]) =>
      element("button", {
        type: "button",
        text,
        data: { button: `${index} ${action}` },
        click: () => onAction(action),
      }),
    ),
  );
