/** Charts are drawn again when alarms change, as long as they are there. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";

/** @type {Record<string, (event: {data: string}) => void>} */
const listeners = {};
/** @type {string[]} */
const asked = [];

class HTMLScriptElement {
  text = JSON.stringify({ api: "http://localhost/api/" });
  dataset = { events: "/events/" };
}

Object.assign(globalThis, {
  HTMLInputElement: class {},
  HTMLScriptElement,
  document: {
    body: { dataset: {} },
    addEventListener() {},
    getElementById: () => new HTMLScriptElement(),
    querySelector: () => null,
  },
  EventSource: class {
    /**
     * @param {string} name
     * @param {(event: {data: string}) => void} listener
     */
    addEventListener(name, listener) {
      listeners[name] = listener;
    }

    close() {}
  },
  /** @param {string | URL} url */
  fetch: async (url) => {
    asked.push(String(url));
    return { ok: true, status: 200, json: async () => ({ results: [] }) };
  },
  location: new URL("http://localhost/"),
});

const { drawAlarms } =
  await import("../../haystack_app/static/haystack_app/charts/alarm_bands.js");

class FakePlot {
  hooks = /** @type {Record<string, (() => void)[]>} */ ({});
  root = { isConnected: true };
  scales = { x: { min: 0, max: 3600 } };
  drawn = 0;

  /** @param {boolean} [isGhost] */
  draw(isGhost = false) {
    const tracks = [{ id: isGhost ? "p week" : "p", isGhost }];
    drawAlarms(/** @type {any} */ (this), /** @type {any} */ (tracks));
  }

  redraw() {
    this.drawn++;
    this.draw();
  }

  destroy() {
    for (const hook of this.hooks.destroy ?? []) hook();
  }
}

/** @param {number} last */
const alarm = (last) => listeners.alarms?.({ data: JSON.stringify({ last }) });

test("all plots are drawn again, once an event", () => {
  const [first, second] = [new FakePlot(), new FakePlot()];
  first.draw();
  second.draw();
  second.draw();
  for (const last of [1, 2, 2, 3]) alarm(last);
  assert.deepEqual([first.drawn, second.drawn], [3, 3]);
  first.destroy();
  alarm(4);
  assert.deepEqual([first.drawn, second.drawn], [3, 4]);
  second.destroy();
});

test("the tracks of another period have no alarms of their own", async () => {
  await setImmediate();
  asked.length = 0;
  const plot = new FakePlot();
  plot.draw(true);
  await setImmediate();
  assert.deepEqual(asked, []);
  alarm(5); // what was read is forgotten
  plot.draw();
  await setImmediate();
  assert.match(asked.join(), /point=p&start=/);
  plot.destroy();
});
