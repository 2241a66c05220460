/**
 * Texts of the page.
 *
 * @module
 */

import {
  dateLanguage,
  gettext,
  interpolate,
  language,
  ngettext,
} from "../shared/i18n.js";

/** @import { Found, Job } from "./api.js" */

const MEGABYTES = new Intl.NumberFormat(language, {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
  useGrouping: false,
});
/** @type {Record<string, string>} */
const STATUSES = {
  uploading: gettext("uploading"),
  checking: gettext("checking"),
  checked: gettext("checked"),
  ready: gettext("waiting"),
  running: gettext("running"),
  successful: gettext("imported"),
  failed: gettext("failed"),
  cancelled: gettext("cancelled"),
};

/** @param {number} count */
const samplesText = (count) => ngettext("%(count)s sample", "%(count)s samples", count);

/** @param {number} count */
const pointsText = (count) => ngettext("%(count)s point", "%(count)s points", count);

/** @param {string | null | undefined} iso In UTC. */
export function momentOf(iso) {
  if (!iso) return "";
  return new Date(iso).toLocaleString(dateLanguage, {
    timeZone: "UTC",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
  });
}

/** @param {number | null} seconds */
export function intervalText(seconds) {
  if (!seconds) return "";
  const days = seconds / 86_400;
  const hours = seconds / 3_600;
  if (Number.isInteger(days)) return ngettext("%(count)s day", "%(count)s days", days);
  if (Number.isInteger(hours))
    return ngettext("%(count)s hour", "%(count)s hours", hours);
  if (seconds % 60 === 0) return `${seconds / 60} min`;
  return `${seconds} s`;
}

/** @param {number} bytes */
export function sizeText(bytes) {
  if (bytes < 1024) return ngettext("%(count)s byte", "%(count)s bytes", bytes);
  if (bytes < 1024 ** 2) return `${Math.round(bytes / 1024)} kB`;
  return `${MEGABYTES.format(bytes / 1024 ** 2)} MB`;
}

/** @param {Found} found */
export function countsText({ kind, counts, first, last }) {
  if (!counts) return "";
  if (kind === "entities") {
    const { created = 0, updated = 0, unchanged = 0 } = counts;
    const rows = counts.rows ?? 0;
    return ngettext(
      "%(rows)s entity: %(created)s new, %(updated)s changed, %(unchanged)s as they are.",
      "%(rows)s entities: %(created)s new, %(updated)s changed, %(unchanged)s as they are.",
      rows,
      { rows, created, updated, unchanged },
    );
  }
  const { samples = 0, points = 0, repeated = 0 } = counts;
  const text = first
    ? gettext("%(samples)s of %(points)s, %(first)s to %(last)s UTC.")
    : gettext("%(samples)s of %(points)s.");
  const again = ngettext(
    "%(count)s repeated time, the last one counts.",
    "%(count)s repeated times, the last one counts.",
    repeated,
  );
  const said = interpolate(text, {
    samples: samplesText(samples),
    points: pointsText(points),
    first: momentOf(first),
    last: momentOf(last),
  });
  return repeated ? `${said} ${interpolate(again, { count: repeated })}` : said;
}

/** @param {Job} job */
export function progressText({ status, note, done, total }) {
  if (status === "ready") return gettext("Waiting for a worker");
  if (status !== "running") return "";
  if (note === "checking") return gettext("Checking the file");
  const isStoring = note === "storing";
  if (!total) return isStoring ? gettext("Storing") : gettext("Running");
  const text = isStoring
    ? gettext("Storing %(done)s of %(total)s")
    : gettext("Running %(done)s of %(total)s");
  return interpolate(text, { done, total });
}

/** @param {any} result Of the job of an import. */
export function resultText(result) {
  if (result.kind === "entities")
    return gettext(
      "Imported %(rows)s rows: %(created)s new, %(updated)s changed, %(unchanged)s as they were.",
      {
        rows: result.rows,
        created: String(result.created),
        updated: String(result.updated),
        unchanged: String(result.unchanged),
      },
    );
  const { samples, pointCount, created, leftOut } = result;
  const parts = [
    gettext("Imported %(samples)s of %(points)s", {
      samples: samplesText(samples),
      points: pointsText(pointCount),
    }),
  ];
  const add = (/** @type {string} */ text, /** @type {number} */ count) =>
    count && parts.push(interpolate(text, { count }));
  add(
    ngettext("%(count)s new point", "%(count)s new points", created.length),
    created.length,
  );
  add(
    ngettext(
      "%(count)s invalid row left out",
      "%(count)s invalid rows left out",
      leftOut,
    ),
    leftOut,
  );
  return `${parts.join(", ")}.`;
}

/** @param {any} result Of the job of an undo. */
export function undoneText({ restored, conflicts, dropped, missing }) {
  /** @type {[string, number][]} */
  const all = [
    [
      ngettext(
        "Undone: %(count)s sample as before",
        "Undone: %(count)s samples as before",
        restored,
      ),
      restored,
    ],
    [
      ngettext(
        "%(count)s sample changed since and left alone",
        "%(count)s samples changed since and left alone",
        conflicts,
      ),
      conflicts,
    ],
    [
      ngettext(
        "%(count)s sample in dropped days",
        "%(count)s samples in dropped days",
        dropped.length,
      ),
      dropped.length,
    ],
    [
      ngettext(
        "%(count)s point not found",
        "%(count)s points not found",
        missing.length,
      ),
      missing.length,
    ],
  ];
  const parts = all.filter(([, count], at) => at === 0 || count);
  return `${parts.map(([text, count]) => interpolate(text, { count })).join(", ")}.`;
}

/** @param {string} status Of an import. */
export const statusText = (status) => STATUSES[status] ?? status;
