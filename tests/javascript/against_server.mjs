/** One watch on a real server: what it was told, a line of JSON at a time.
 *
 * node --experimental-websocket against_server.mjs URL TOKEN FILTER
 */

import { Live } from "../../haystack_app/static/haystack_app/live.js";

const [url, token, filter] = process.argv.slice(2);
const say = (it) => console.log(JSON.stringify(it));

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
    say({ error: error.message, status: error.status });
  }
}
