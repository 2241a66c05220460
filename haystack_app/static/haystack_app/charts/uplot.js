/**
 * The chart library. The page loads it as a plain script, which makes it a global.
 *
 * @module
 */

/** @typedef {typeof globalThis & {uPlot: typeof import("uplot")}} WithUPlot */

export const { uPlot } = /** @type {WithUPlot} */ (globalThis);
