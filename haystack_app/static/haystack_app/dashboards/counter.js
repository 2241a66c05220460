/**
 * What a counter has counted in a span of time.
 *
 * @module
 */

/**
 * The sum of what its readings have grown by. A reading that is less than the one
 * before is the first after a reset, and counts from zero. At the ends of the span the
 * readings are interpolated, as a meter goes on between them.
 *
 * @param {[number, number][]} readings Moments, ascending, and values.
 * @param {{start: number, end: number}} span
 * @returns {number} NaN if fewer than two readings are known.
 */
export function countedIn(readings, { start, end }) {
  let [total, isKnown] = [0, false];
  for (const [index, [at, value]] of readings.entries()) {
    const before = readings[index - 1];
    if (!before || at <= start || before[0] >= end) continue;
    const growth = value >= before[1] ? value - before[1] : value;
    const shared = Math.min(at, end) - Math.max(before[0], start);
    total += (growth * shared) / (at - before[0]);
    isKnown = true;
  }
  return isKnown ? total : NaN;
}
