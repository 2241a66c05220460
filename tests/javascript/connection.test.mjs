/** How live.js keeps its connection. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { gridOf, Live } from "../../haystack_app/static/haystack_app/live.js";
import {
  after,
  before,
  connect,
  last,
  MockWebSocket,
  pass,
  rec,
  sockets,
  started,
  watching,
} from "./server.mjs";

beforeEach(before);
afterEach(after);

const states = (statuses) => statuses.map((status) => status.state);

test("it says how it is", () => {
  const { live, statuses } = connect();
  last().open();
  last().breaks(1012, "restart");
  pass(500);
  last().open();
  live.close();
  live.close();
  assert.deepEqual(states(statuses), [
    "connecting",
    "open",
    "waiting",
    "connecting",
    "open",
    "closed",
  ]);
  assert.deepEqual(statuses[2], {
    state: "waiting",
    code: 1012,
    reason: "restart",
    retryIn: 500,
  });
});

test("a token is the first thing it says", () => {
  const { live } = connect({ token: "secret" });
  watching(live);
  last().open();
  const [auth, sub] = last().take();
  assert.deepEqual(auth, { op: "auth", token: "secret" });
  assert.equal(sub.op, "sub");
});

test("the address follows from the page's", () => {
  globalThis.location = { protocol: "https:", host: "here:8000" };
  try {
    for (const [project, url] of [
      [undefined, "wss://here:8000/ws/"],
      ["a b", "wss://here:8000/ws/a%20b/"],
    ]) {
      new Live({ project, WebSocket: MockWebSocket }).close();
      assert.equal(last().url, url);
    }
  } finally {
    delete globalThis.location;
  }
});

test("each try waits twice as long, half a minute at most", () => {
  const { statuses } = connect();
  for (let tries = 0; tries < 12; tries++) {
    last().breaks();
    pass(statuses.at(-1).retryIn);
  }
  const waits = statuses.filter((it) => it.state === "waiting").map((it) => it.retryIn);
  assert.deepEqual(waits.slice(0, 7), [500, 1000, 2000, 4000, 8000, 16_000, 30_000]);
  assert.ok(waits.slice(7).every((wait) => wait === 30_000));
  assert.equal(sockets.length, 13);
});

test("waits are spread over the upper half", () => {
  mock.restoreAll();
  mock.method(Math, "random", () => 0);
  const { statuses } = connect();
  last().breaks();
  assert.equal(statuses.at(-1).retryIn, 250);
});

test("only a connection that lasts makes tries count from the beginning", () => {
  const { statuses } = connect();
  const wait = () => {
    last().breaks();
    pass(statuses.at(-1).retryIn);
    last().open();
    return statuses.findLast((it) => it.state === "waiting").retryIn;
  };
  assert.deepEqual([wait(), wait(), wait()], [500, 1000, 2000]);
  pass(10_000);
  assert.equal(wait(), 500);
});

test("nobody is let in: no other try", () => {
  for (const code of [4401, 4404]) {
    const { live, statuses } = connect();
    const { ended } = watching(live);
    last().open();
    last().breaks(code, "log in");
    const made = sockets.length;
    pass(600_000);
    assert.equal(sockets.length, made);
    assert.deepEqual(statuses.at(-1), { state: "closed", code, reason: "log in" });
    assert.deepEqual(ended, ["log in"]);
  }
});

test("no log-in is an answer too", () => {
  const { live, statuses } = connect();
  const { ended } = watching(live);
  last().open();
  last().fail(last().take("sub")[0], 401, "log in first");
  pass(600_000);
  assert.equal(sockets.length, 1);
  assert.equal(last().closedBy, "client");
  assert.deepEqual(statuses.at(-1), {
    state: "closed",
    code: 4401,
    reason: "log in first",
  });
  assert.deepEqual(ended, ["log in first"]);
});

test("a late log-in, a server that goes: another try", () => {
  for (const code of [4408, 1001, 1013]) {
    connect();
    last().open();
    const made = sockets.length;
    last().breaks(code);
    pass(500);
    assert.equal(sockets.length, made + 1);
  }
});

test("silence is asked about, and no answer is the end of the connection", () => {
  const { statuses } = connect();
  const [first] = sockets;
  first.open();
  pass(19_999);
  assert.deepEqual(first.take("ping"), []);
  pass(1);
  assert.equal(first.take("ping").length, 1);
  pass(19_999);
  assert.equal(statuses.at(-1).state, "open");
  pass(1);
  assert.equal(statuses.at(-1).state, "waiting");
  assert.equal(first.closedBy, "client");
  first.breaks(1006); // says so much later: nobody listens any more
  pass(500);
  assert.equal(sockets.length, 2);
});

test("a slow op holds up the answer to a ping", async () => {
  const { live, statuses } = connect();
  last().open();
  const slow = live.call("hisRead");
  pass(20_000);
  assert.equal(last().take("ping").length, 1);
  pass(89_999);
  assert.equal(statuses.at(-1).state, "open");
  pass(1);
  assert.equal(statuses.at(-1).state, "waiting");
  await assert.rejects(slow);
});

test("whatever comes is a sign of life", () => {
  const { statuses } = started();
  for (let seq = 2; seq < 12; seq++) {
    pass(15_000);
    last().push("w", seq, [rec("a", seq)]);
  }
  assert.deepEqual(last().take("ping"), []);
  pass(20_000);
  last().tell({ op: "pong" });
  pass(20_000);
  assert.equal(last().take("ping").length, 2);
  assert.equal(statuses.at(-1).state, "open");
});

test("an error counts once, whether or not a close follows", () => {
  const { statuses } = connect();
  const [first] = sockets;
  first.fails();
  first.breaks();
  pass(500);
  assert.deepEqual(states(statuses), ["connecting", "waiting", "connecting"]);
  last().fails();
  pass(1000);
  assert.equal(sockets.length, 3);
});

test("a host that does not answer at all is given up", () => {
  const { statuses } = connect();
  pass(20_000);
  assert.equal(statuses.at(-1).state, "waiting");
  pass(500);
  assert.equal(sockets.length, 2);
});

test("who is woken tries at once, or asks at once", () => {
  const { live, statuses } = connect();
  last().breaks();
  live.wake();
  assert.equal(sockets.length, 2);
  last().open();
  live.wake();
  assert.equal(last().take("ping").length, 1);
  pass(5_000);
  assert.equal(statuses.at(-1).state, "waiting");
});

test("an op is a promise of its grid", async () => {
  const { live } = connect();
  last().open();
  const both = [live.call("about"), live.call("nav", gridOf([{ navId: "s" }]))];
  const [about, nav] = last().take();
  assert.deepEqual([about.op, about.grid.rows], ["about", []]);
  assert.deepEqual(nav.grid.cols, [{ name: "navId" }]);
  last().answer(nav, [rec("e", 1)]);
  last().answer(about, [{ tz: "UTC" }]);
  const [first, second] = await Promise.all(both);
  assert.deepEqual([first.rows[0].tz, second.rows[0].id.val], ["UTC", "e"]);
});

test("what goes wrong rejects it", async () => {
  const { live } = connect();
  await assert.rejects(live.call("about"), {
    name: "LiveError",
    message: "not connected",
  });
  last().open();
  const refused = live.call("read");
  last().refuse(last().take()[0], "no filter");
  await assert.rejects(refused, { message: "no filter", status: undefined });
  const forbidden = live.call("hisWrite");
  last().fail(last().take()[0], 403, "no right");
  await assert.rejects(forbidden, { message: "no right", status: 403 });
  const lost = live.call("pointWrite");
  last().breaks();
  await assert.rejects(lost, { message: "the connection broke" });
});

test("a write that got no answer is not sent again", async () => {
  const { live } = connect();
  last().open();
  const lost = live.call("pointWrite");
  last().breaks();
  await assert.rejects(lost);
  pass(500);
  last().open();
  assert.deepEqual(last().take(), []);
});

test("who closes ends everything", async () => {
  const { live, statuses, ended, told } = started();
  const waiting = live.call("about");
  const socket = last();
  live.close();
  await assert.rejects(waiting);
  assert.deepEqual(
    socket.take().map((it) => it.op),
    ["about", "unsub"],
  );
  assert.equal(socket.closedBy, 1000);
  socket.push("w", 2, [rec("a", 5)]);
  pass(600_000);
  assert.equal(sockets.length, 1);
  assert.equal(statuses.at(-1).state, "closed");
  assert.deepEqual([ended, told], [[], []]);
});

test("who closes while it waits is not connected again", () => {
  const { live } = connect();
  last().breaks();
  live.close();
  pass(600_000);
  assert.equal(sockets.length, 1);
});

test("a watch made when it says that it is open subscribes once", () => {
  let live;
  live = new Live({
    url: "ws://server/ws/",
    WebSocket: MockWebSocket,
    onStatus: ({ state }) => state === "open" && watching(live),
  });
  last().open();
  assert.equal(last().take("sub").length, 1);
});
