/**
 * How uPlot is to draw the history of a point.
 *
 * @module
 */

const HEIGHT = 180;
const LETTER = 7;
const WIDEST_AXIS = 130;
const TIME_AXIS = 30;

/**
 * @param {object} chart
 * @param {number} chart.width
 * @param {any} chart.city The point's `tz`.
 * @param {boolean} chart.isStepped Whole numbers stand for words.
 * @param {(number: number | null) => string} chart.label
 * @param {() => number[]} chart.range First and last second shown.
 * @param {() => (number | null)[]} chart.last Second and value of the last sample,
 *   for the legend while nobody points at another one.
 * @returns {any}
 */
export function optionsOf({ width, city, isStepped, label, range, last }) {
  const { uPlot } = globalThis;
  const zone = zoneOf(city);
  const clock = new Intl.DateTimeFormat("en-GB", {
    timeStyle: "short",
    timeZone: zone,
  });
  const time = (/** @type {number} */ at) => clock.format(at * 1000);
  const level = (/** @type {number} */ one) =>
    isStepped && !Number.isInteger(one) ? "" : label(one);
  return {
    width,
    height: HEIGHT,
    tzDate: (/** @type {number} */ at) => dateIn(zone, at),
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { x: { range }, y: isStepped ? { range: roomy } : {} },
    axes: [
      { ...axis(TIME_AXIS), values: (_, /** @type {number[]} */ all) => all.map(time) },
      {
        ...axis(widthOf),
        values: (_, /** @type {number[]} */ all) => all.map(level),
      },
    ],
    series: [
      {
        label: "Time",
        value: (_, /** @type {number | null} */ at) => time(at ?? last()[0] ?? 0),
      },
      {
        label: "Value",
        stroke: () => color("--hay"),
        width: 2,
        points: { show: false },
        paths: isStepped ? uPlot.paths.stepped({ align: 1 }) : undefined,
        value: (plot, /** @type {number | null} */ one) =>
          label(plot.cursor.idx == null ? last()[1] : one),
      },
    ],
  };
}

/**
 * @param {any} _
 * @param {string[] | null} labels
 */
function widthOf(_, labels) {
  const longest = Math.max(3, ...(labels ?? []).map((label) => label.length));
  return Math.min(WIDEST_AXIS, 14 + LETTER * longest);
}

/** @param {number | typeof widthOf} size Pixels. */
const axis = (size) => ({
  size,
  stroke: () => color("--soft"),
  grid: { stroke: () => color("--line"), width: 1 },
  ticks: { show: false },
  font: "12px system-ui, sans-serif",
});

/**
 * @param {any} _
 * @param {number} least
 * @param {number} most
 */
const roomy = (_, least, most) => [Math.min(0, least) - 0.2, Math.max(1, most) + 0.2];

/** @param {string} name Of a property of the style sheet. */
const color = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();

/**
 * @param {string | undefined} zone
 * @param {number} at Seconds since 1970.
 */
function dateIn(zone, at) {
  const date = new Date(at * 1000);
  return zone ? globalThis.uPlot.tzDate(date, zone) : date;
}

/**
 * The zone of a Haystack city, which is the last part of its name.
 *
 * @param {any} city
 * @returns {string | undefined} None: that of whoever looks.
 */
function zoneOf(city) {
  if (city === "UTC" || city === "GMT") return "UTC";
  return Intl.supportedValuesOf("timeZone").find((zone) => zone.endsWith(`/${city}`));
}
