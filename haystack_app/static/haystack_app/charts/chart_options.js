/**
 * Options for uPlot to draw tracks: an axis for each unit, lanes for bands.
 *
 * @module
 */

import { drawAlarms } from "./alarm_bands.js";
import {
  LANE,
  color,
  dashOf,
  drawBands,
  drawNa,
  lineColor,
  trackColor,
} from "./bands.js";
import { uPlot } from "./uplot.js";
import { numberText } from "../shared/values.js";
import { timeLabels } from "../shared/zones.js";

/** @import { default as UPlot, Axis, Options, Scale, Series } from "uplot" */
/** @import { Span } from "./ranges.js" */
/** @import { Track } from "./track.js" */

// Sizes are in pixels.
const PLOT = 210;
const LEAST_PLOT = 40;
const TOP = 8;
const TIME_AXIS = 44;
const CHARACTER = 7;
const MIN_CHARACTERS = 3;
const AXIS_PADDING = 14;
const MAX_VALUE_AXIS = 110;
/** Room for half a label of the time axis. */
const EDGE = 22;
/** An axis for each unit that is left of, then right of the plotting area, and so on. */
const SIDES = [3, 1];
const NARROW = 480;
/** Units of a narrow chart that have an axis; the legend has the values of all. */
const NARROW_AXES = 2;

/**
 * @param {object} chart
 * @param {number} chart.width
 * @param {number} chart.room Pixels that the chart must fill; 0 for its usual height.
 * @param {() => Track[]} chart.tracks The same in number and style, whenever it is called.
 * @param {string} chart.zone
 * @param {() => Span} chart.span
 * @param {(span: Span) => void} chart.onSelect The user has marked a span.
 * @param {(plot: UPlot) => void} chart.onCursor
 * @param {(moment: number) => void} chart.onDoubleClick Milliseconds since 1970.
 * @returns {Options}
 */
export function optionsOf({
  width,
  room,
  tracks,
  zone,
  span,
  onSelect,
  onCursor,
  onDoubleClick,
}) {
  const shown = tracks();
  const bands = shown.filter(({ style }) => style === "band").length;
  const lines = shown.filter(({ style }) => style !== "band");
  const units = [...new Set(lines.map(({ unit }) => unit))];
  const lanes = bands * LANE;
  const area = room ? Math.max(LEAST_PLOT, room - TOP - lanes - TIME_AXIS) : PLOT;
  const height = TOP + (lines.length || room ? area : 0) + lanes + TIME_AXIS;
  const free = lines.length ? area / (area + lanes) : 1;
  const axes = width < NARROW ? units.slice(0, NARROW_AXES) : units;
  /** @type {Record<string, Scale>} */
  const scales = {
    x: { time: true, range: () => [span().start / 1000, span().end / 1000] },
    band: { range: [0, 1] },
  };
  for (const unit of units) scales[scaleOf(unit)] = { range: rangeAbove(free) };
  return {
    width,
    height,
    padding: [TOP, axes.length > 1 ? null : EDGE, null, axes.length ? null : EDGE],
    tzDate: (at) => uPlot.tzDate(new Date(at * 1000), zone),
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: true, y: false, setScale: false },
      bind: {
        mousedown: (_, __, handler) => (event) =>
          event.shiftKey ? null : handler(event),
        dblclick: (plot) => (event) => {
          const { left } = plot.over.getBoundingClientRect();
          onDoubleClick(plot.posToVal(event.clientX - left, "x") * 1000);
          return null;
        },
      },
    },
    scales,
    axes: [
      {
        ...axis(TIME_AXIS),
        space: 64,
        values: (_, splits, __, ___, step) => timeLabels(splits, step, zone),
      },
      ...axes.map((unit, index) => valueAxis(unit, index, free, lines)),
    ],
    series: [{}, ...shown.flatMap(seriesOf)],
    bands: bandsOf(shown),
    hooks: {
      drawAxes: [
        (plot) => drawAlarms(plot, tracks()),
        (plot) => drawNa(plot, tracks()),
      ],
      draw: [(plot) => drawBands(plot, tracks())],
      setCursor: [onCursor],
      setSelect: [(plot) => selected(plot, onSelect)],
    },
  };
}

/** @param {string} unit */
const scaleOf = (unit) => `unit ${unit}`;

/**
 * @param {Track} track
 * @returns {Series[]} Of an average, also the least and the greatest.
 */
function seriesOf(track) {
  const { style, unit, isGhost, rolled } = track;
  if (style === "band")
    return [{ scale: "band", paths: () => null, points: { show: false } }];
  const scale = scaleOf(unit);
  const line = {
    scale,
    stroke: () => trackColor(track),
    dash: dashOf(track),
    width: isGhost ? 1.3 : 1.8,
    paths: style === "step" ? uPlot.paths.stepped?.({ align: 1 }) : undefined,
    ...(rolled ? { points: { show: false } } : {}),
  };
  const edge = { scale, stroke: "transparent", width: 0, points: { show: false } };
  return rolled ? [line, edge, edge] : [line];
}

/**
 * @param {Track[]} tracks
 * @returns {UPlot.Band[]} Between the greatest and the least of each average.
 */
function bandsOf(tracks) {
  /** @type {UPlot.Band[]} */
  const bands = [];
  let index = 1;
  for (const track of tracks) {
    const fill = () => lineColor(track.line) + (track.isGhost ? "18" : "30");
    if (track.rolled) bands.push({ series: [index + 2, index + 1], fill });
    index += track.rolled ? 3 : 1;
  }
  return bands;
}

/**
 * The usual range of a scale in the upper part of the plotting area.
 *
 * @param {number} free The share of the area above the bands.
 * @returns {Scale.Range}
 */
const rangeAbove = (free) => (_, min, max) => {
  // no value at all, or a single one
  if (min == null || max == null) return [0, 1];
  const [low, high] =
    min === max ? [min - 1, max + 1] : uPlot.rangeNum(min, max, 0.1, true);
  const [bottom, top] = [low ?? min, high ?? max];
  return [top - (top - bottom) / free, top];
};

/**
 * @param {string} unit
 * @param {number} index
 * @param {number} free
 * @param {Track[]} lines
 * @returns {Axis}
 */
function valueAxis(unit, index, free, lines) {
  const own = lines.filter((line) => line.unit === unit && !line.isGhost);
  const isShared = own.length > 1 || lines.length === 1;
  const stroke = () => (isShared || !own[0] ? color("--soft") : lineColor(own[0].line));
  const scale = scaleOf(unit);
  return {
    ...axis(valueAxisWidth),
    scale,
    side: SIDES[index % 2],
    stroke,
    grid: { show: index === 0, stroke: () => color("--line"), width: 1 },
    // none beside the bands
    filter: (plot, splits) => {
      const { min = 0, max = 0 } = plot.scales[scale] ?? {};
      const bottom = max - (max - min) * free;
      return splits.map((value) => (value < bottom - 1e-9 ? null : value));
    },
    values: (_, splits) =>
      splits.map((value) => (value == null ? "" : numberText(value, unit))),
  };
}

/**
 * @param {UPlot} _
 * @param {string[] | null} labels
 */
function valueAxisWidth(_, labels) {
  const lengths = (labels ?? []).map((label) => label?.length ?? 0);
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
 * @param {UPlot} plot
 * @param {(span: Span) => void} onSelect
 */
function selected(plot, onSelect) {
  const { left, width } = plot.select;
  if (width < 5) return;
  const at = (/** @type {number} */ x) => plot.posToVal(x, "x") * 1000;
  const span = { start: at(left), end: at(left + width) };
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  onSelect(span);
}
