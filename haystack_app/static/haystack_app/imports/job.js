/**
 * Following a job by server-sent events, which go on after a lost connection.
 *
 * @module
 */

import { jobUrl } from "../shared/urls.js";

/** @import { Job } from "./api.js" */

/**
 * @param {number} id
 * @param {(job: Job) => void} onJob Called whenever it changed, the last time with the
 *   finished job.
 * @returns {() => void} What ends following.
 */
export function follow(id, onJob) {
  const source = new EventSource(jobUrl(id, "events/"));
  source.addEventListener("job", (event) => {
    const job = JSON.parse(event.data);
    onJob(job);
    if (job.finished) source.close();
  });
  source.addEventListener("end", () => source.close());
  return () => source.close();
}

/**
 * Show how far a job is. The bar does not go back, although the job may report the
 * beginning of a part after its end.
 *
 * @param {HTMLProgressElement} bar
 * @param {Job} job
 */
export function showProgress(bar, { done, total, finished, note }) {
  bar.hidden = finished !== null;
  const isNext = bar.dataset.note !== note;
  bar.dataset.note = note;
  if (!total) bar.removeAttribute("value");
  else bar.value = isNext ? done / total : Math.max(bar.value, done / total);
}
