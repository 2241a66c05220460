/** Connections of live.js. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { gridOf, Live } from "../../haystack_app/static/haystack_app/live.js";
import {
  after,
  before,
  connect,
  idOf,
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

/** @import { Status } from "../../haystack_app/static/haystack_app/live.js" */

/** @param {Status[]} statuses */
const states = (statuses) => statuses.map((status) => status.state);

test("each change of state is reported", () => {
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

test("the token is the first message, and all others wait for its answer", () => {
  const { live, status } = connect({ token: "secret" });
  watching(live);
  last().open();
  assert.deepEqual(last().take(), [{ op: "auth", token: "secret" }]);
  assert.equal(status().state, "connecting");
  last().tell({ op: "auth", user: "alice" });
  assert.deepEqual(
    last()
      .take()
      .map((message) => message.op),
    ["sub"],
  );
  assert.equal(status().state, "open");
});

test("the websockets are on the server of the page unless a url says otherwise", () => {
  const page = { origin: "https://here:8000" };
  Object.defineProperty(globalThis, "location", { value: page, configurable: true });
  try {
    for (const [options, address] of /** @type {const} */ ([
      [{}, "wss://here:8000/ws/"],
      [{ project: "a b" }, "wss://here:8000/ws/a%20b/"],
      [{ url: "/bms/ws/" }, "wss://here:8000/bms/ws/"],
      [{ url: "ws://there/ws/" }, "ws://there/ws/"],
      [{ url: "https://there/ws/" }, "wss://there/ws/"],
    ])) {
      new Live({ ...options, WebSocket: MockWebSocket }).close();
      assert.equal(last().url, address);
    }
  } finally {
    Reflect.deleteProperty(globalThis, "location");
  }
});

test("retry delays double, up to half a minute", () => {
  const { status, statuses } = connect();
  for (let tries = 0; tries < 12; tries++) {
    last().breaks();
    pass(status().retryIn ?? 0);
  }
  const waits = statuses.filter((it) => it.state === "waiting").map((it) => it.retryIn);
  assert.deepEqual(waits.slice(0, 7), [500, 1000, 2000, 4000, 8000, 16_000, 30_000]);
  assert.ok(waits.slice(7).every((wait) => wait === 30_000));
  assert.equal(sockets.length, 13);
});

test("retry delays are random from half of the longest", () => {
  mock.restoreAll();
  mock.method(Math, "random", () => 0);
  const { status } = connect();
  last().breaks();
  assert.equal(status().retryIn, 250);
});

test("only a connection that lasts resets the retry delay", () => {
  const { status, statuses } = connect();
  const wait = () => {
    last().breaks();
    pass(status().retryIn ?? 0);
    last().open();
    return statuses.findLast((it) => it.state === "waiting")?.retryIn;
  };
  assert.deepEqual([wait(), wait(), wait()], [500, 1000, 2000]);
  pass(10_000);
  assert.equal(wait(), 500);
});

test("a refused login or an unknown project is final", () => {
  for (const code of [4401, 4404]) {
    const { live, status } = connect();
    const { ended } = watching(live);
    last().open();
    last().breaks(code, "log in");
    const made = sockets.length;
    pass(600_000);
    assert.equal(sockets.length, made);
    assert.deepEqual(status(), { state: "closed", code, reason: "log in" });
    assert.deepEqual(ended, ["log in"]);
  }
});

test("an answer with status 401 is final too", () => {
  const { live, status } = connect();
  const { ended } = watching(live);
  last().open();
  last().fail(last().take("sub")[0], 401, "log in first");
  pass(600_000);
  assert.equal(sockets.length, 1);
  assert.equal(last().closedBy, "client");
  assert.deepEqual(status(), {
    state: "closed",
    code: 4401,
    reason: "log in first",
  });
  assert.deepEqual(ended, ["log in first"]);
});

test("a late login and a server that stops are retried", () => {
  for (const code of [4408, 1001, 1013]) {
    connect();
    last().open();
    const made = sockets.length;
    last().breaks(code);
    pass(500);
    assert.equal(sockets.length, made + 1);
  }
});

test("a silent server is pinged, and no answer ends the connection", () => {
  const { status } = connect();
  const [first] = sockets;
  first.open();
  pass(19_999);
  assert.deepEqual(first.take("ping"), []);
  pass(1);
  assert.equal(first.take("ping").length, 1);
  pass(19_999);
  assert.equal(status().state, "open");
  pass(1);
  assert.equal(status().state, "waiting");
  assert.equal(first.closedBy, "client");
  first.breaks(1006); // a late close event is ignored
  pass(500);
  assert.equal(sockets.length, 2);
});

test("a ping waits longer while an op is running", async () => {
  const { live, status } = connect();
  last().open();
  const slow = live.call("hisRead");
  pass(20_000);
  assert.equal(last().take("ping").length, 1);
  pass(89_999);
  assert.equal(status().state, "open");
  pass(1);
  assert.equal(status().state, "waiting");
  await assert.rejects(slow);
});

test("any message counts as a sign of life", () => {
  const { status } = started();
  for (let seq = 2; seq < 12; seq++) {
    pass(15_000);
    last().push("w", seq, [rec("a", seq)]);
  }
  assert.deepEqual(last().take("ping"), []);
  pass(20_000);
  last().tell({ op: "pong" });
  pass(20_000);
  assert.equal(last().take("ping").length, 2);
  assert.equal(status().state, "open");
});

test("an error counts once, whether or not a close event follows", () => {
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

test("an unreachable host times out", () => {
  const { status } = connect();
  pass(20_000);
  assert.equal(status().state, "waiting");
  pass(500);
  assert.equal(sockets.length, 2);
});

test("wake reconnects or pings immediately", () => {
  const { live, status } = connect();
  last().breaks();
  live.wake();
  assert.equal(sockets.length, 2);
  last().open();
  live.wake();
  assert.equal(last().take("ping").length, 1);
  pass(5_000);
  assert.equal(status().state, "waiting");
});

test("a call resolves to the grid of its answer", async () => {
  const { live } = connect();
  last().open();
  const both = [live.call("about"), live.call("nav", gridOf([{ navId: "s" }]))];
  const [about, nav] = last().take();
  assert.deepEqual([about.op, about.grid.rows], ["about", []]);
  assert.deepEqual(nav.grid.cols, [{ name: "navId" }]);
  last().answer(nav, [rec("e", 1)]);
  last().answer(about, [{ tz: "UTC" }]);
  const [first, second] = await Promise.all(both);
  assert.deepEqual([first.rows[0].tz, idOf(second.rows[0])], ["UTC", "e"]);
});

test("a call that fails is rejected", async () => {
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
  await assert.rejects(lost, {
    message: "the connection was lost before the answer arrived",
  });
});

test("a call without an answer is not repeated", async () => {
  const { live } = connect();
  last().open();
  const lost = live.call("pointWrite");
  last().breaks();
  await assert.rejects(lost);
  pass(500);
  last().open();
  assert.deepEqual(last().take(), []);
});

test("close ends the connection, its calls and its watches", async () => {
  const { live, status, ended, told } = started();
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
  assert.equal(status().state, "closed");
  assert.deepEqual([ended, told], [[], []]);
});

test("close cancels a pending retry", () => {
  const { live } = connect();
  last().breaks();
  live.close();
  pass(600_000);
  assert.equal(sockets.length, 1);
});

test("a watch made in the open handler subscribes once", () => {
  /** @type {Live} */
  const live = new Live({
    url: "ws://server/ws/",
    WebSocket: MockWebSocket,
    onStatus: ({ state }) => state === "open" && watching(live),
  });
  last().open();
  assert.equal(last().take("sub").length, 1);
});
