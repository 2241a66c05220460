/**
 * The import itself: start, progress, cancelling, the result and its undo.
 *
 * @module
 */

import { gettext } from "../shared/i18n.js";
import { byId, element } from "../shared/elements.js";
import { explorerUrl } from "../shared/urls.js";
import { cancelJob, startImport, undoImport } from "./api.js";
import { withLabels } from "./fields.js";
import { follow, showProgress } from "./job.js";
import { countsText, progressText, resultText, undoneText } from "./words.js";

/** @import { Import, Job } from "./api.js" */

const MOST_POINTS = 12;
const DAY = 86_400_000;

export class Run {
  /** @type {Import | null} */
  #import = null;
  /** The job that is followed; 0 for none. */
  #followed = 0;
  #stop = () => {};

  #title = byId("run-name", HTMLElement);
  #text = byId("run-text", HTMLElement);
  #start = byId("start", HTMLButtonElement);
  #cancel = byId("cancel", HTMLButtonElement);
  #progress = byId("progress-text", HTMLElement);
  #bar = byId("progress", HTMLProgressElement);
  #result = byId("result", HTMLElement);
  #problem = byId("run-problem", HTMLElement);

  /** @param {() => void} onEnd The import has finished. */
  constructor(onEnd) {
    this.onEnd = onEnd;
    this.#start.addEventListener("click", () => this.#begin());
    this.#cancel.addEventListener("click", () => this.#end());
  }

  /** @param {Import} found */
  show(found) {
    const isOther = this.#import?.id !== found.id;
    this.#import = found;
    if (isOther) this.clear();
    const { job } = found;
    const isRunning = job !== null && !job.finished;
    this.#text.textContent = isRunning ? "" : readiness(found);
    this.#start.disabled = isRunning || !found.found?.canStart;
    this.#start.hidden = isRunning;
    if (isRunning) this.#follow(job, (ended) => this.#ended(ended));
    else if (job && !this.#result.childElementCount) this.#show(job);
  }

  clear() {
    this.#stop();
    this.#followed = 0;
    this.#bar.hidden = this.#cancel.hidden = true;
    this.#progress.textContent = this.#problem.textContent = "";
    this.#result.replaceChildren();
  }

  async #begin() {
    if (!this.#import) return;
    this.#start.disabled = true;
    this.#problem.textContent = "";
    this.#result.replaceChildren();
    try {
      this.show(await startImport(this.#import.id));
      this.#title.focus();
    } catch (error) {
      this.#problem.textContent = /** @type {Error} */ (error).message;
      this.#start.disabled = false;
    }
  }

  async #end() {
    this.#cancel.disabled = true;
    await cancelJob(this.#followed).catch(() => null);
  }

  /**
   * @param {Job} job
   * @param {(job: Job) => void} onEnd
   */
  #follow(job, onEnd) {
    if (this.#followed === job.id) return;
    this.#stop();
    this.#followed = job.id;
    this.#cancel.hidden = this.#cancel.disabled = false;
    const update = (/** @type {Job} */ now) => {
      showProgress(this.#bar, now);
      this.#progress.textContent = progressText(now);
      if (!now.finished) return;
      this.#followed = 0;
      this.#cancel.hidden = true;
      onEnd(now);
    };
    update(job);
    this.#stop = follow(job.id, update);
  }

  /** @param {Job} job */
  #ended(job) {
    this.#show(job);
    this.#title.focus();
    this.onEnd();
  }

  /** @param {Job} job Of an import that has finished. */
  #show(job) {
    if (job.status === "cancelled") {
      this.#say(
        gettext(
          "Cancelled. What was stored until then stays; importing again stores the rest.",
        ),
      );
      return;
    }
    if (job.status !== "successful") {
      this.#problem.textContent = messageOf(job);
      return;
    }
    this.#say(resultText(job.result));
    const links = element("p", { class: "links" });
    if (job.result.points?.length) links.append(chartLink(job.result));
    if (job.result.change) {
      const click = () => this.#undo();
      links.append(
        element("button", { type: "button", text: gettext("Undo the import"), click }),
      );
    }
    this.#result.append(links);
  }

  /** @param {string} text */
  #say(text) {
    this.#result.replaceChildren(element("p", { class: "done", role: "status", text }));
  }

  async #undo() {
    if (!this.#import) return;
    this.#problem.textContent = "";
    this.#result.replaceChildren();
    try {
      const job = await undoImport(this.#import.id);
      this.#follow(job, (ended) => {
        if (ended.status === "successful") this.#say(undoneText(ended.result));
        else this.#problem.textContent = messageOf(ended);
        this.#title.focus();
      });
    } catch (error) {
      this.#problem.textContent = /** @type {Error} */ (error).message;
    }
  }
}

/** @param {Import} found */
function readiness({ found }) {
  if (!found) return "";
  if (found.canStart)
    return gettext("Dry run: %(counts)s", { counts: countsText(found) });
  if (found.problem)
    return gettext("The file cannot be imported yet: see what is asked above.");
  if (found.bad.count)
    return gettext("The file has invalid rows: leave them out, or mend the file.");
  return gettext("There is nothing to import in the file.");
}

/** @param {Job} job */
const messageOf = ({ errors, status }) =>
  withLabels(errors.at(-1)?.message ?? "") ||
  gettext("The job has the status %(status)s.", { status });

/** @param {any} result */
function chartLink({ points, first, last }) {
  const ids = points.slice(0, MOST_POINTS);
  const day = (/** @type {number} */ instant) =>
    new Date(instant).toISOString().slice(0, 10);
  const range = `${day(Date.parse(first) - DAY)}..${day(Date.parse(last) + DAY)}`;
  const [name, value] = ids.length === 1 ? ["id", ids[0]] : ["points", ids.join(",")];
  const view = { filter: "point and his", range, [name]: value };
  const href = explorerUrl(document.body.dataset.project, view);
  return element("a", { href, text: gettext("Show the chart") });
}
