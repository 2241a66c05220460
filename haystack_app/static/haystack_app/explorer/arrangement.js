/**
 * Order and choice of many rows in short tasks, so that the page stays responsive.
 *
 * @module
 */

/** Rows of a task: sorting them takes a few milliseconds. */
const SLICE = 1_000;

/**
 * Sort rows, and call a function for each of them. Few rows are done at once.
 *
 * @template Item
 * @param {Item[]} rows Best in the last order: sorted parts take one comparison a row.
 * @param {(row: Item) => void} prepare
 * @param {(a: Item, b: Item) => number} compare
 * @returns {Promise<Item[]>}
 */
export async function arranged(rows, prepare, compare) {
  /** @type {Item[][]} */
  let parts = [];
  for (let at = 0; at < rows.length; at += SLICE) {
    if (at) await pause();
    const part = rows.slice(at, at + SLICE);
    part.forEach(prepare);
    parts.push(part.sort(compare));
  }
  while (parts.length > 1) {
    const wider = [];
    for (let at = 0; at < parts.length; at += 2) {
      await pause();
      // two sorted runs are merged by the engine's sort
      wider.push((parts[at] ?? []).concat(parts[at + 1] ?? []).sort(compare));
    }
    parts = wider;
  }
  return parts[0] ?? [];
}

/** Let the browser draw, and handle events. */
const pause = () => new Promise((resolve) => setTimeout(resolve));
