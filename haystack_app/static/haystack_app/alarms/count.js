/**
 * The count of alarms in the head of the pages.
 *
 * @module
 */

import { gettext, language } from "../shared/i18n.js";
import { followAlarms } from "./summary.js";

const count = document.getElementById("alarm-count");
const words = document.getElementById("alarm-words");

followAlarms(({ raised, severity }) => {
  if (!count || !words) return;
  count.hidden = !raised;
  count.dataset.severity = String(severity);
  count.textContent = raised.toLocaleString(language);
  words.textContent = raised ? ` ${gettext("not acknowledged")}` : "";
});
