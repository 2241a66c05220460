/** A stand-in for WebSocket, and for the server behind it, on fake timers. */

import assert from "node:assert/strict";
import { mock } from "node:test";

import { gridOf, Live, refOf } from "../../haystack_app/static/haystack_app/live.js";

/** Sockets in the order in which they were made. */
export const sockets = [];

export class MockWebSocket {
  constructor(url) {
    Object.assign(this, { url, readyState: 0, sent: [], closedBy: undefined });
    sockets.push(this);
  }

  send(text) {
    assert.equal(this.readyState, 1, "sent on a socket that is not open");
    this.sent.push(JSON.parse(text));
  }

  close(code) {
    this.readyState = 3;
    this.closedBy = code ?? "client";
  }

  // -- what the server does

  open() {
    this.readyState = 1;
    this.onopen?.();
  }

  /** Messages since the last call, pings and acks only if asked for. */
  take(...ops) {
    const taken = this.sent.splice(0);
    if (ops.length) return taken.filter((message) => ops.includes(message.op));
    return taken.filter((message) => !["ack", "ping"].includes(message.op));
  }

  tell(message) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  answer(asked, rows, meta) {
    this.tell({ op: asked.op, ref: asked.ref, grid: gridOf(rows, meta) });
  }

  refuse(asked, dis) {
    const err = { _kind: "marker" };
    this.answer(asked, [], { err, dis });
  }

  fail(asked, status, dis) {
    this.tell({ op: asked.op, ref: asked.ref, error: { status, dis } });
  }

  push(watchId, seq, rows, gone) {
    const meta = { watchId, seq, ...(gone ? { gone: gone.map(refOf) } : {}) };
    this.tell({ op: "push", grid: gridOf(rows, meta) });
  }

  fails() {
    this.readyState = 3;
    this.onerror?.({});
  }

  breaks(code = 1006, reason = "") {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }
}

export const last = () => sockets.at(-1);

/** Fake timers, and retries that take the longest they may. */
export function before() {
  sockets.length = 0;
  mock.timers.enable({ apis: ["setTimeout"] });
  mock.method(Math, "random", () => 1);
}

export function after() {
  mock.timers.reset();
  mock.restoreAll();
}

export const pass = (ms) => mock.timers.tick(ms);

/** A client, and what it said of itself. */
export function connect(options = {}) {
  const statuses = [];
  const live = new Live({
    url: "ws://server/ws/",
    WebSocket: MockWebSocket,
    onStatus: (status) => statuses.push(status),
    ...options,
  });
  return { live, statuses };
}

export const rec = (id, curVal) => ({ id: refOf(id), curVal });

/** A watch by filter of a client, and what it told. */
export function watching(live, what = { filter: "point" }) {
  const told = [];
  const ended = [];
  const watch = live.watch(what, {
    onRecords: (records, gone) => told.push([records.map((r) => r.id.val), gone]),
    onEnd: (reason) => ended.push(reason),
  });
  return { watch, told, ended };
}

/** A client with an open watch "w" that holds a and b as of number 1. */
export function started() {
  const { live, statuses } = connect();
  last().open();
  const watched = watching(live);
  const [sub] = last().take();
  last().answer(sub, [rec("a", 1), rec("b", 2)], { watchId: "w", seq: 1 });
  watched.told.length = 0;
  last().take();
  return { live, statuses, ...watched };
}

export const values = (watch) =>
  Object.fromEntries([...watch.records].map(([id, record]) => [id, record.curVal]));
