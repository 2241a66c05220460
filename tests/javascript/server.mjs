/** Test doubles for WebSocket and for the server it connects to, on fake timers. */

import assert from "node:assert/strict";
import { mock } from "node:test";

import { gridOf, Live, refOf } from "../../haystack_app/static/haystack_app/live.js";

/**
 * @import { Dict, Grid, Hayson, Handlers, Rec, Status, Subject, Watch } from "../../haystack_app/static/haystack_app/live.js"
 */

/**
 * A message of the client. Which properties it has depends on `op`.
 *
 * @typedef {object} Sent
 * @property {string} op
 * @property {number} ref
 * @property {Grid} grid
 * @property {string} watchId
 * @property {number} ack
 * @property {number} seq
 */

/** @type {MockWebSocket[]} All sockets, in the order in which they were made. */
export const sockets = [];

export class MockWebSocket {
  readyState = 0;
  /** @type {Sent[]} */
  sent = [];
  /** @type {number | "client" | undefined} Close code, or "client" without one. */
  closedBy;
  /** @type {(() => void) | null} */
  onopen = null;
  /** @type {((event: any) => void) | null} */
  onmessage = null;
  /** @type {((event: any) => void) | null} */
  onclose = null;
  /** @type {((event: any) => void) | null} */
  onerror = null;

  /** @param {string} url */
  constructor(url) {
    this.url = url;
    sockets.push(this);
  }

  /** @param {string} text */
  send(text) {
    assert.equal(this.readyState, 1, "sent on a socket that is not open");
    this.sent.push(JSON.parse(text));
  }

  /** @param {number} [code] */
  close(code) {
    this.readyState = 3;
    this.closedBy = code ?? "client";
  }

  // -- what the server does

  open() {
    this.readyState = 1;
    this.onopen?.();
  }

  /**
   * Messages since the last call, without pings and acks unless they are named.
   *
   * @param {...string} ops
   */
  take(...ops) {
    const taken = this.sent.splice(0);
    if (ops.length) return taken.filter((message) => ops.includes(message.op));
    return taken.filter((message) => !["ack", "ping"].includes(message.op));
  }

  /** @param {object} message */
  tell(message) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  /**
   * @param {Sent} request
   * @param {Dict[]} rows
   * @param {Dict} [meta]
   */
  answer(request, rows, meta) {
    this.tell({ op: request.op, ref: request.ref, grid: gridOf(rows, meta) });
  }

  /**
   * Answer with an error grid.
   *
   * @param {Sent} request
   * @param {string} dis
   */
  refuse(request, dis) {
    this.answer(request, [], { err: { _kind: "marker" }, dis });
  }

  /**
   * Answer with an error before the op runs.
   *
   * @param {Sent} request
   * @param {number} status
   * @param {string} dis
   */
  fail(request, status, dis) {
    this.tell({ op: request.op, ref: request.ref, error: { status, dis } });
  }

  /**
   * @param {string} watchId
   * @param {number} seq
   * @param {Rec[]} rows
   * @param {string[]} [gone]
   */
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

export const last = () => sockets[sockets.length - 1];

/** Use fake timers, and the longest possible delays before retries. */
export function before() {
  sockets.length = 0;
  mock.timers.enable({ apis: ["setTimeout"] });
  mock.method(Math, "random", () => 1);
}

export function after() {
  mock.timers.reset();
  mock.restoreAll();
}

/** @param {number} ms */
export const pass = (ms) => mock.timers.tick(ms);

/**
 * A client, the statuses that it reported, and the last of them.
 *
 * @param {{token?: string}} [options]
 */
export function connect(options = {}) {
  /** @type {Status[]} */
  const statuses = [];
  const live = new Live({
    url: "ws://server/ws/",
    WebSocket: MockWebSocket,
    onStatus: (status) => statuses.push(status),
    ...options,
  });
  return { live, statuses, status: () => statuses[statuses.length - 1] };
}

/**
 * @param {string} id
 * @param {Hayson} curVal
 * @returns {Rec}
 */
export const rec = (id, curVal) => ({ id: refOf(id), curVal });

/** @param {Dict} row */
export const idOf = (row) => /** @type {Rec} */ (row).id.val;

/**
 * A watch, and what its handlers were called with.
 *
 * @param {Live} live
 * @param {Subject} [subject]
 */
export function watching(live, subject = { filter: "point" }) {
  /** @type {[string[], string[]][]} Ids of changed records, and of those gone. */
  const told = [];
  /** @type {string[]} */
  const ended = [];
  /** @type {Handlers} */
  const handlers = {
    onRecords: (records, gone) => told.push([records.map(idOf), gone]),
    onEnd: (reason) => ended.push(reason),
  };
  return { watch: live.watch(subject, handlers), told, ended };
}

/** A client with an open watch "w" that holds a and b as of number 1. */
export function started() {
  const connected = connect();
  last().open();
  const watched = watching(connected.live);
  const [sub] = last().take();
  last().answer(sub, [rec("a", 1), rec("b", 2)], { watchId: "w", seq: 1 });
  watched.told.length = 0;
  last().take();
  return { ...connected, ...watched };
}

/** @param {Watch} watch */
export const values = (watch) =>
  Object.fromEntries([...watch.records].map(([id, record]) => [id, record.curVal]));
