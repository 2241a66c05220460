/** A watch on a real server. Prints a line of JSON for each event.
 *
 * node --experimental-websocket against_server.mjs URL TOKEN FILTER
 *
 * Each line of standard input is an op to call.
 */

import { Live, LiveError } from "../../haystack_app/static/haystack_app/live.js";

const [url, token, filter] = process.argv.slice(2);
const say = (/** @type {object} */ event) => console.log(JSON.stringify(event));

const live = new Live({ url, token, onStatus: ({ state }) => say({ state }) });
const watch = live.watch(
  { filter },
  {
    onRecords: (records, gone) =>
      say({
        told: records.map((record) => record.id.val).sort(),
        gone,
        held: Object.fromEntries(
          [...watch.records].map(([id, record]) => [id, record.curVal]),
        ),
      }),
    onEnd: (reason) => say({ reason }),
  },
);

for await (const line of process.stdin) {
  const op = String(line).trim();
  try {
    say({ answer: (await live.call(op)).rows });
  } catch (error) {
    if (!(error instanceof LiveError)) throw error;
    say({ error: error.message, status: error.status });
  }
}
