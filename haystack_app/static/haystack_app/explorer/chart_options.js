/**
 * Options for uPlot to draw the history of a point.
 *
 * @module
 */

import { uPlot } from "./uplot.js";

/** @import { default as UPlot, Axis, Options } from "uplot" */

// Sizes are in pixels.
const HEIGHT = 180;
const TIME_AXIS = 30;
const CHARACTER = 7;
const MIN_CHARACTERS = 3;
const AXIS_PADDING = 14;
const MAX_VALUE_AXIS = 130;

/**
 * @param {object} chart
 * @param {number} chart.width
 * @param {string} chart.city The `tz` of the point.
 * @param {boolean} chart.isStepped Whether integers stand for words.
 * @param {(value: number | null | undefined) => string} chart.label
 * @param {() => [number, number]} chart.range First and last second of the time axis.
 * @param {() => [number | undefined, number | null | undefined]} chart.last Second and
 *   value of the last sample, shown in the legend while the pointer is elsewhere.
 * @returns {Options}
 */
export function optionsOf({ width, city, isStepped, label, range, last }) {
  const zone = zoneOf(city);
  const clock = new Intl.DateTimeFormat("en-GB", {
    timeStyle: "short",
    timeZone: zone,
  });
  const time = (/** @type {number} */ at) => clock.format(at * 1000);
  const tick = (/** @type {number} */ value) =>
    isStepped && !Number.isInteger(value) ? "" : label(value);
  return {
    width,
    height: HEIGHT,
    tzDate: (at) => dateIn(zone, at),
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { x: { range }, y: isStepped ? { range: wordRange } : {} },
    axes: [
      { ...axis(TIME_AXIS), values: (_, ticks) => ticks.map(time) },
      { ...axis(valueAxisWidth), values: (_, ticks) => ticks.map(tick) },
    ],
    series: [
      {
        label: "Time",
        value: (_, at) => time(at ?? last()[0] ?? 0),
      },
      {
        label: "Value",
        stroke: () => color("--hay"),
        width: 2,
        points: { show: false },
        paths: isStepped ? uPlot.paths.stepped?.({ align: 1 }) : undefined,
        value: (plot, value) => label(plot.cursor.idx == null ? last()[1] : value),
      },
    ],
  };
}

/**
 * @param {UPlot} _
 * @param {string[] | null} labels
 */
function valueAxisWidth(_, labels) {
  const lengths = (labels ?? []).map((label) => label.length);
  const longest = Math.max(MIN_CHARACTERS, ...lengths);
  return Math.min(MAX_VALUE_AXIS, AXIS_PADDING + CHARACTER * longest);
}

/**
 * @param {Axis["size"]} size
 * @returns {Axis}
 */
const axis = (size) => ({
  size,
  stroke: () => color("--soft"),
  grid: { stroke: () => color("--line"), width: 1 },
  ticks: { show: false },
  font: "12px system-ui, sans-serif",
});

/**
 * Room above and below the lines of words, at least from 0 to 1.
 *
 * @param {UPlot} _
 * @param {number} min
 * @param {number} max
 * @returns {[number, number]}
 */
const wordRange = (_, min, max) => [Math.min(0, min) - 0.2, Math.max(1, max) + 0.2];

/** @param {string} name A custom property of the style sheet. */
const color = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();

/**
 * @param {string | undefined} zone
 * @param {number} at Seconds since 1970.
 */
function dateIn(zone, at) {
  const date = new Date(at * 1000);
  return zone ? uPlot.tzDate(date, zone) : date;
}

/**
 * The time zone that a Haystack city names by the last part of its name.
 *
 * @param {string} city
 * @returns {string | undefined} Undefined for the zone of the browser.
 */
function zoneOf(city) {
  if (city === "UTC" || city === "GMT") return "UTC";
  return Intl.supportedValuesOf("timeZone").find((zone) => zone.endsWith(`/${city}`));
}
