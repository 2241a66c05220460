/**
 * The page that imports files: choose one, look at what was understood, correct it,
 * import it.
 *
 * The address has the id of the import, so that a reload, or another day, finds it.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { byId, element } from "../shared/elements.js";
import { correctImport, deleteImport, listImports, readImport, upload } from "./api.js";
import { BadRows } from "./bad_rows.js";
import { Columns } from "./columns.js";
import { Fields } from "./fields.js";
import { follow, showProgress } from "./job.js";
import { Mappings } from "./mappings.js";
import { searchBoxes } from "./point_search.js";
import { showPoints } from "./points.js";
import { Run } from "./run.js";
import { countsText, sizeText, statusText } from "./words.js";

/** @import { Corrections, Import } from "./api.js" */

const choose = byId("choose", HTMLElement);
const drop = byId("drop", HTMLElement);
const file = byId("file", HTMLInputElement);
const bar = byId("upload-bar", HTMLProgressElement);
const uploadNote = byId("upload", HTMLElement);
const uploadProblem = byId("upload-problem", HTMLElement);
const box = byId("import", HTMLElement);
const title = byId("file-name", HTMLElement);
const summary = byId("summary", HTMLElement);
const checkBar = byId("check-bar", HTMLProgressElement);
const problem = byId("problem", HTMLElement);

/** @type {Import | null} */
let current = null;
let checked = 0;

const fields = new Fields(correct);
const columns = new Columns(correct);
const badRows = new BadRows(correct);
const mappings = new Mappings(correct);
const run = new Run(() => current && open(current.id));

for (const id of ["zones", "found-points", "places"])
  document.body.append(element("datalist", { id }));
byId("zones", HTMLDataListElement).append(
  ...zones().map((value) => element("option", { value })),
);
searchBoxes(box);

// -- the file -----------------------------------------------------------------------

file.addEventListener("change", sendChosen);
for (const name of ["dragenter", "dragover"])
  document.addEventListener(name, (event) => {
    event.preventDefault();
    drop.dataset.over = "true";
  });
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) delete drop.dataset.over;
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  delete drop.dataset.over;
  const [dropped] = event.dataTransfer?.files ?? [];
  if (dropped && !choose.hidden) send(dropped);
});
byId("corrections", HTMLFormElement).addEventListener("submit", (event) =>
  event.preventDefault(),
);
byId("delete", HTMLElement).addEventListener("click", remove);
window.addEventListener("popstate", followAddress);

function sendChosen() {
  const [chosen] = file.files ?? [];
  if (chosen) send(chosen);
}

/** @param {File} chosen */
async function send(chosen) {
  uploadProblem.textContent = "";
  uploadNote.textContent = gettext("Uploading %(name)s, %(size)s", {
    name: chosen.name,
    size: sizeText(chosen.size),
  });
  bar.hidden = false;
  bar.value = 0;
  try {
    const found = await upload(chosen, (share) => (bar.value = share));
    const address = new URL(location.href);
    address.searchParams.set("id", String(found.id));
    history.pushState(null, "", address);
    show(found);
    title.focus();
  } catch (error) {
    uploadProblem.textContent = /** @type {Error} */ (error).message;
  } finally {
    bar.hidden = true;
    uploadNote.textContent = "";
    file.value = "";
  }
}

async function remove() {
  if (!current) return;
  try {
    await deleteImport(current.id);
    location.assign(location.pathname);
  } catch (error) {
    summary.textContent = /** @type {Error} */ (error).message;
  }
}

// -- what was understood --------------------------------------------------------------

/** @param {Import} found */
function show(found) {
  current = found;
  choose.hidden = true;
  box.hidden = false;
  title.textContent = found.name;
  const check = found.checkJob;
  const isChecking = check !== null && !check.finished;
  checkBar.hidden = !isChecking;
  busy(isChecking);
  if (isChecking) {
    if (checked === check.id) return;
    checked = check.id;
    summary.textContent = gettext("Checking %(size)s", {
      size: sizeText(found.size),
    });
    follow(check.id, (job) => {
      if (current?.id !== found.id) return; // the page shows another one
      showProgress(checkBar, job);
      if (job.finished) open(found.id);
    });
    return;
  }
  if (!found.found) {
    summary.textContent =
      check?.errors.at(-1)?.message ?? gettext("The file is not complete.");
    return;
  }
  summary.textContent = found.found.counts
    ? countsText(found.found)
    : gettext("The file is not understood yet.");
  fields.show(found.found, found.corrections);
  columns.show(found.found, found.corrections);
  badRows.show(found);
  mappings.show(found.corrections);
  showPoints(found.found);
  run.show(found);
}

/** @param {Corrections} corrections */
async function correct(corrections) {
  if (!current) return;
  const { id } = current;
  busy(true);
  summary.textContent = gettext("Checking");
  try {
    const found = await correctImport(id, corrections);
    if (current?.id === id) show(found);
  } catch (error) {
    if (current?.id !== id) return;
    busy(false);
    problem.textContent = /** @type {Error} */ (error).message;
    summary.textContent = gettext("This correction is not possible.");
  }
}

/** @param {boolean} isBusy While the file is checked, nothing can be corrected. */
function busy(isBusy) {
  box.setAttribute("aria-busy", String(isBusy));
}

/** @param {string | number} id */
async function open(id) {
  try {
    show(await readImport(id));
  } catch (error) {
    uploadProblem.textContent = /** @type {Error} */ (error).message;
    choose.hidden = false;
    box.hidden = true;
  }
}

async function recent() {
  const { results } = await listImports().catch(() => ({ results: [] }));
  const items = results.map(({ id, name, size, status }) => {
    const link = element("a", { href: `?id=${id}`, text: name });
    const note = element("span", {
      class: "note",
      text: ` ${sizeText(size)}, ${statusText(status)}`,
    });
    return element("li", {}, link, note);
  });
  byId("recent-files", HTMLElement).replaceChildren(...items);
  byId("recent", HTMLElement).hidden = !items.length;
}

function followAddress() {
  const id = new URLSearchParams(location.search).get("id");
  if (id && /^\d+$/.test(id)) open(id);
  else {
    current = null;
    run.clear();
    choose.hidden = false;
    box.hidden = true;
    recent();
  }
}

/** @returns {string[]} Zones as Haystack names them, by their city. */
function zones() {
  const names = Intl.supportedValuesOf("timeZone").map(
    (name) => name.split("/").at(-1) ?? name,
  );
  return ["UTC", ...new Set(names)].sort();
}

followAddress();
sendChosen(); // before this module was there
