/**
 * The input of a ref: an id, or words by which entities are found.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { element, textField } from "../shared/elements.js";
import { readEntities } from "../shared/rest.js";
import { nameOf } from "../shared/values.js";

/** @import { Hayson } from "../live.js" */
/** @import { PlainInput } from "./tag_input.js" */

const PROPOSED = "10";
const WAIT_MS = 200;
let made = 0;

/**
 * @param {string} id Of the ref; empty for a new one.
 * @param {string} label
 * @param {string} [filter] What the ref may refer to.
 * @returns {PlainInput}
 */
export function refInput(id, label, filter = "id") {
  const list = element("datalist", { id: `ref-list-${++made}` });
  const input = textField(label, gettext("@id or words"));
  input.value = id && `@${id}`;
  input.setAttribute("list", list.id);
  let timer = 0;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => propose(input.value.trim(), filter, list), WAIT_MS);
  });
  const read = () => {
    const text = input.value.trim();
    if (!text) throw new Error(gettext("a value is missing"));
    const val = text.replace(/^@/, "");
    if (!/^[A-Za-z0-9_:.~-]+$/.test(val))
      throw new Error(
        gettext("%(text)s is not an id: write it as @site-1, or choose one", {
          text,
        }),
      );
    return /** @type {Hayson} */ ({ _kind: "ref", val });
  };
  return { field: element("span", { class: "ref" }, input, list), read };
}

/**
 * @param {string} words
 * @param {string} filter
 * @param {HTMLDataListElement} list
 */
async function propose(words, filter, list) {
  if (!words || words.startsWith("@")) return;
  const query = new URLSearchParams({ search: words, filter, limit: PROPOSED });
  const { project } = document.body.dataset;
  const { results } = await readEntities(project, query).catch(() => ({ results: [] }));
  list.replaceChildren(
    ...results.map((record) =>
      element("option", { value: `@${record.id.val}`, text: nameOf(record) }),
    ),
  );
}
