/**
 * The page of alarms: a list that changes by itself, and the rules.
 *
 * @module
 */

import { byId } from "../shared/elements.js";
import { AlarmDialog } from "./dialog.js";
import { AlarmList } from "./list.js";
import { Rules } from "./rules.js";
import { followAlarms } from "./summary.js";

const filters = byId("alarm-filters", HTMLFormElement);
const mayAcknowledge = document.body.dataset.mayAcknowledge === "true";
const dialog = new AlarmDialog(byId("alarm", HTMLDialogElement), {
  mayAcknowledge,
  onChange: () => list.read(),
});
const list = new AlarmList(byId("alarms", HTMLTableSectionElement), {
  query: () => queryOf(filters),
  mayAcknowledge,
  onOpen: (id) => dialog.open(id),
});

/**
 * What is chosen, which is in the address of the page, too.
 *
 * @param {HTMLFormElement} form
 */
function queryOf(form) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of new FormData(form))
    if (value) query.set(name, String(value));
    else query.delete(name);
  return query;
}

filters.addEventListener("change", () => {
  history.replaceState(null, "", `?${queryOf(filters)}`);
  list.read();
});
const given = new URLSearchParams(location.search);
for (const field of filters.querySelectorAll("select"))
  field.value = given.get(field.name) ?? field.value;
if (document.getElementById("rules")) new Rules();
followAlarms(() => list.read());
list.read();
