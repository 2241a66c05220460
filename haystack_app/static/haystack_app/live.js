/**
 * Live values from a Haystack server: watches that are pushed over a websocket.
 *
 *     import { Live } from "./live.js";
 *
 *     const live = new Live({ onStatus: (status) => console.log(status.state) });
 *     const watch = live.watch(
 *       { filter: "point and cur" },
 *       {
 *         onRecords(records, gone) {},  // changed records; ids that are not there
 *         onEnd(reason) {},             // the server refuses to go on
 *       },
 *     );
 *     watch.records;                    // Map of all that is watched, by id
 *     const grid = await live.call("about");
 *     live.close();
 *
 * The connection is opened again whenever it breaks. A watch goes on where it was,
 * or begins anew where the server has forgotten it; either way its records are in
 * the end those of the server. Values are Hayson, as the server sends them.
 *
 * No dependencies; for browsers, and for node 20 or newer with a WebSocket given.
 * The protocol is in docs/live.md.
 *
 * @module
 */

/** @typedef {Record<string, any>} Rec A record: tags as Hayson. */

/**
 * @typedef {object} Grid A Hayson grid.
 * @property {Record<string, any>} meta
 * @property {{name: string, meta?: Record<string, any>}[]} cols
 * @property {Rec[]} rows
 */

/**
 * @typedef {object} Status
 * @property {"connecting" | "open" | "waiting" | "closed"} state
 *   `waiting` for the next try; `closed` for good: by `close()`, or because the
 *   server lets nobody in with this log-in.
 * @property {number} [code] Close code of the websocket that brought this about.
 * @property {string} [reason]
 * @property {number} [retryIn] Milliseconds, where the state is `waiting`.
 */

/**
 * @typedef {object} Handlers
 * @property {(records: Rec[], gone: string[]) => void} [onRecords] Called behind
 *   each change of `watch.records`, and once in the beginning, even if empty.
 *   `gone` are ids that were removed or match no more, or that were never known.
 * @property {(reason: string) => void} [onEnd] The server refuses the watch, with
 *   a wrong filter for example; nothing comes any more.
 */

const PING_MS = 20_000;
const DEAD_MS = 20_000;
const DEAD_WHEN_WOKEN_MS = 5_000;
/** A ping waits behind the ops that were asked for before it. */
const DEAD_WHEN_BUSY_MS = 90_000;
const STABLE_MS = 10_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;
const LEASE = { _kind: "number", val: 10, unit: "min" };
const OPEN = 1;
/** No log-in, no such project: another try would end alike. */
const NO_LOG_IN = 4401;
const FINAL_CODES = new Set([NO_LOG_IN, 4404]);

/** What the server answers instead of what it was asked for. */
export class LiveError extends Error {
  /**
   * @param {string} message
   * @param {number} [status] As HTTP has it; none for an error grid, or where
   *   there is no connection.
   */
  constructor(message, status) {
    super(message);
    this.name = "LiveError";
    this.status = status;
  }
}

/**
 * A Hayson grid of rows.
 *
 * @param {Rec[]} [rows]
 * @param {Record<string, any>} [meta]
 * @returns {Grid}
 */
export function gridOf(rows = [], meta = {}) {
  const names = new Set(rows.flatMap((row) => Object.keys(row)));
  const cols = [...names].map((name) => ({ name }));
  return /** @type {Grid} */ ({
    _kind: "grid",
    meta: { ver: "3.0", ...meta },
    cols: cols.length ? cols : [{ name: "empty" }],
    rows,
  });
}

/**
 * @param {string} id
 * @returns {{_kind: "ref", val: string}}
 */
export const refOf = (id) => ({ _kind: "ref", val: id });

/** One connection to a server, and the watches on it. */
export class Live {
  /** @type {any} */
  #socket = null;
  #state = "";
  #lastRef = 0;
  #tries = 0;
  /** @type {Map<number, {op: string, done: (message: any) => void, lost: () => void}>} */
  #asked = new Map();
  /** @type {Set<Watch>} */
  #watches = new Set();
  /** @type {Grid[]} pushes of watches whose answer to `sub` is still to come */
  #early = [];
  /** @type {Record<string, any>} */
  #timers = {};

  /**
   * @param {object} [options]
   * @param {string} [options.project] Another storage than the default one.
   * @param {string} [options.url] Where the page's own server will not do:
   *   `wss://HOST/ws/`.
   * @param {string} [options.token] Without one the session of the page counts.
   * @param {any} [options.WebSocket] The class, where there is no global one.
   * @param {(status: Status) => void} [options.onStatus]
   */
  constructor({ project, url, token, WebSocket, onStatus } = {}) {
    this.url = url ?? urlOf(project);
    this.token = token;
    this.onStatus = onStatus;
    this.WebSocket = WebSocket ?? globalThis.WebSocket;
    this.#connect();
  }

  /** @returns {boolean} Whether the server can be asked something now. */
  get isOpen() {
    return this.#state === "open";
  }

  /**
   * Watch entities: `{ filter }` for whatever matches, or `{ ids }`.
   *
   * @param {{filter?: string, ids?: string[], dis?: string}} what
   * @param {Handlers} [handlers]
   * @returns {Watch}
   */
  watch(what, handlers = {}) {
    const watch = new Watch(this.#port, what, handlers);
    this.#watches.add(watch);
    if (this.isOpen) watch.start();
    return watch;
  }

  /**
   * Ask any op of the API.
   *
   * Rejects with a LiveError where the server refuses, and where there is no
   * connection or it breaks before the answer: whether the op was carried out is
   * not known then, and whoever asked knows whether it may be asked twice.
   *
   * @param {string} op
   * @param {Grid} [grid]
   * @returns {Promise<Grid>}
   */
  call(op, grid = gridOf()) {
    return new Promise((resolve, reject) => {
      if (!this.isOpen) return reject(new LiveError("not connected"));
      const lost = () => reject(new LiveError("the connection broke"));
      this.#ask({ op, grid }, lost, (message) => {
        const error = errorOf(message);
        if (error) reject(error);
        else resolve(message.grid);
      });
    });
  }

  /** Try again at once, or see whether the connection still lives: the page is
   * looked at again, or the network is back. */
  wake() {
    if (this.#state === "waiting") this.#connect();
    else if (this.isOpen) this.#ping(DEAD_WHEN_WOKEN_MS);
  }

  /** End the connection and all watches. */
  close() {
    if (this.#state === "closed") return;
    for (const watch of this.#watches) watch.close();
    this.#end(1000);
    this.#tell({ state: "closed" });
  }

  // -- the connection ---------------------------------------------------------

  #connect() {
    clearTimeout(this.#timers.retry);
    const socket = (this.#socket = new this.WebSocket(this.url));
    socket.onopen = () => this.#opened();
    socket.onmessage = (/** @type {any} */ event) => this.#heard(event.data);
    socket.onclose = (/** @type {any} */ event) => this.#lost(event);
    // some, as that of node 20, tell of no close behind it
    socket.onerror = () => this.#lost({ code: 1006 });
    // a host that is not there may take minutes to fail by itself
    this.#timers.dead = setTimeout(() => this.#died(), DEAD_MS);
    this.#tell({ state: "connecting" });
  }

  #opened() {
    this.#alive();
    this.#timers.stable = setTimeout(() => (this.#tries = 0), STABLE_MS);
    if (this.token) this.#send({ op: "auth", token: this.token });
    for (const watch of this.#watches) watch.start();
    this.#tell({ state: "open" });
  }

  /** Something came: no need to ask whether the server is there. */
  #alive() {
    clearTimeout(this.#timers.dead);
    clearTimeout(this.#timers.ping);
    this.#timers.ping = setTimeout(() => this.#ping(), PING_MS);
  }

  #ping(patience = DEAD_MS) {
    clearTimeout(this.#timers.ping);
    clearTimeout(this.#timers.dead);
    this.#send({ op: "ping" });
    const most = this.#asked.size ? DEAD_WHEN_BUSY_MS : patience;
    this.#timers.dead = setTimeout(() => this.#died(), most);
  }

  #died() {
    this.#lost({ code: 1006, reason: "the server does not answer" });
  }

  /** @param {{code?: number, reason?: string}} event */
  #lost({ code, reason }) {
    this.#end();
    if (FINAL_CODES.has(code ?? 0)) {
      this.#tell({ state: "closed", code, reason });
      for (const watch of [...this.#watches]) watch.end(reason || `close code ${code}`);
      return;
    }
    const retryIn = retryDelay(this.#tries++);
    this.#timers.retry = setTimeout(() => this.#connect(), retryIn);
    this.#tell({ state: "waiting", code, reason, retryIn });
  }

  /** Let go of the socket, which may be dead and never say so.
   * @param {number} [code] */
  #end(code) {
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.#timers = {};
    const socket = this.#socket;
    this.#socket = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.onerror = () => {}; // an emitter's error would be nobody's without
      socket.close(code);
    }
    this.#state = "";
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    this.#early = [];
    for (const watch of this.#watches) watch.pause();
    for (const one of asked) one.lost();
  }

  /** @param {Status} status */
  #tell(status) {
    if (status.state === this.#state) return;
    this.#state = status.state;
    outside(() => this.onStatus?.(status));
  }

  // -- messages ---------------------------------------------------------------

  /** What a watch needs of its connection. */
  #port = {
    ask: (/** @type {any} */ message, /** @type {(m: any) => void} */ done) =>
      this.#ask(message, () => {}, done),
    send: (/** @type {any} */ message) => this.#send(message),
    early: (/** @type {string} */ id) =>
      this.#early.filter((g) => g.meta.watchId === id),
    forget: (/** @type {Watch} */ watch) => this.#watches.delete(watch),
  };

  /** @param {any} message */
  #send(message) {
    if (this.#socket?.readyState === OPEN) this.#socket.send(JSON.stringify(message));
  }

  /**
   * @param {any} message
   * @param {() => void} lost
   * @param {(message: any) => void} done
   */
  #ask(message, lost, done) {
    const ref = ++this.#lastRef;
    this.#asked.set(ref, { op: message.op, done, lost });
    this.#send({ ...message, ref });
  }

  /** @param {string} text */
  #heard(text) {
    this.#alive();
    const message = JSON.parse(text);
    if (message.op === "push") return this.#pushed(message.grid);
    if (message.op === "end") return this.#find(message.watchId)?.restart();
    if (message.error?.status === 401) {
      return this.#lost({ code: NO_LOG_IN, reason: message.error.dis });
    }
    const asked = this.#asked.get(message.ref);
    this.#asked.delete(message.ref);
    asked?.done(message);
    if (![...this.#asked.values()].some((one) => one.op === "sub")) this.#early = [];
  }

  /** @param {Grid} grid */
  #pushed(grid) {
    const watch = this.#find(grid.meta.watchId);
    if (watch) watch.pushed(grid);
    else this.#early.push(grid);
  }

  /** @param {string} id */
  #find(id) {
    return [...this.#watches].find((watch) => watch.id === id);
  }
}

/** Entities that are watched, and what they are now. Made by `Live.watch`. */
export class Watch {
  /** @type {Map<string, Rec>} What is watched, by id. */
  records = new Map();
  /** The server's name for it, while there is one. */
  id = "";
  /** Number of the last news that arrived. */
  seq = 0;
  #port;
  #what;
  #handlers;
  #isOpen = true;
  /** Requests before this one are answered for nobody. */
  #round = 0;
  #isAsking = false;
  #refusals = 0;
  /** @type {any} */
  #retry;
  /** @type {Grid[]} pushes that came while something was asked */
  #held = [];

  /**
   * @param {any} port
   * @param {{filter?: string, ids?: string[], dis?: string}} what
   * @param {Handlers} handlers
   */
  constructor(port, what, handlers) {
    this.#port = port;
    this.#what = what;
    this.#handlers = handlers;
  }

  /** Stop watching. */
  close() {
    if (!this.#isOpen) return;
    if (this.id) this.#unsub(this.id);
    this.#stop();
  }

  // -- for Live only ------------------------------------------------------------

  /** There is a connection: go on, or begin. */
  start() {
    if (this.id) this.#resume();
    else this.#sub();
  }

  /** The connection broke: what was asked stays without an answer. */
  pause() {
    this.#round++;
    this.#isAsking = false;
    this.#held = [];
    clearTimeout(this.#retry);
  }

  /** The server has let go of it. */
  restart() {
    this.id = "";
    this.pause();
    this.#later();
  }

  /** @param {string} reason */
  end(reason) {
    if (!this.#isOpen) return;
    this.#stop();
    outside(() => this.#handlers.onEnd?.(reason));
  }

  /** @param {Grid} grid */
  pushed(grid) {
    if (!this.#isOpen) return;
    if (this.#isAsking) this.#held.push(grid);
    else if (grid.meta.seq === this.seq + 1) this.#apply(grid);
    else if (grid.meta.seq > this.seq) this.#resume();
    else this.#ack(); // known already
  }

  // -- inside -----------------------------------------------------------------

  #stop() {
    this.pause();
    this.#isOpen = false;
    this.id = "";
    this.#port.forget(this);
  }

  #sub() {
    const { filter, ids = [], dis = "live.js" } = this.#what;
    const meta = { watchDis: dis, lease: LEASE, ...(filter == null ? {} : { filter }) };
    const rows = filter == null ? ids.map((id) => ({ id: refOf(id) })) : [];
    this.#ask({ op: "sub", grid: gridOf(rows, meta) }, (grid, error) => {
      if (error) this.#refused(error);
      else this.#began(grid);
    });
  }

  /** The server has forgotten it. */
  #anew() {
    this.id = "";
    this.#held = [];
    this.#sub();
  }

  #resume() {
    const { id, seq } = this;
    this.#ask({ op: "resume", watchId: id, ack: seq }, (grid, error) => {
      if (!error) this.#caughtUp(grid);
      else if (isPassing(error)) this.#later();
      else this.#anew();
    });
  }

  /**
   * @param {any} message
   * @param {(grid: Grid, error?: LiveError) => void} done
   */
  #ask(message, done) {
    const round = ++this.#round;
    this.#isAsking = true;
    this.#port.ask(message, (/** @type {any} */ answer) => {
      if (round !== this.#round) {
        if (answer.op === "sub" && !this.#isOpen)
          this.#unsub(answer.grid?.meta?.watchId);
        return;
      }
      this.#isAsking = false;
      const error = errorOf(answer);
      if (!error) this.#refusals = 0;
      done(answer.grid, error);
    });
  }

  /** @param {LiveError} error */
  #refused(error) {
    if (isPassing(error)) this.#later();
    else this.end(error.message);
  }

  #later() {
    this.#retry = setTimeout(() => this.start(), retryDelay(this.#refusals++));
  }

  /** All there is, and what is not there any more of what was there before.
   * @param {Grid} grid */
  #began(grid) {
    this.id = grid.meta.watchId;
    const rows = grid.rows.filter((row) => row.id);
    const now = new Set(rows.map((row) => row.id.val));
    const before = this.#what.filter == null ? (this.#what.ids ?? []) : [];
    const gone = [...new Set([...before, ...this.records.keys()])];
    this.#merge(
      grid,
      rows,
      gone.filter((id) => !now.has(id)),
    );
    this.#release(this.#port.early(this.id));
  }

  /** @param {Grid} grid */
  #caughtUp(grid) {
    const held = this.#held;
    this.#held = [];
    if (grid.rows.length || grid.meta.gone) this.#apply(grid);
    else this.#number(grid);
    this.#release(held);
  }

  /** @param {Grid[]} held */
  #release(held) {
    for (const grid of held) this.pushed(grid);
  }

  /** @param {Grid} grid */
  #apply(grid) {
    const gone = (grid.meta.gone ?? []).map((/** @type {any} */ ref) => ref.val);
    this.#merge(grid, grid.rows, gone);
  }

  /**
   * @param {Grid} grid
   * @param {Rec[]} rows
   * @param {string[]} gone
   */
  #merge(grid, rows, gone) {
    for (const id of gone) this.records.delete(id);
    for (const row of rows) this.records.set(row.id.val, row);
    outside(() => this.#handlers.onRecords?.(rows, gone));
    this.#number(grid);
  }

  /** @param {Grid} grid */
  #number(grid) {
    if (!this.#isOpen) return; // the handler has closed it
    this.seq = grid.meta.seq;
    this.#ack();
  }

  #ack() {
    this.#port.send({ op: "ack", watchId: this.id, seq: this.seq });
  }

  /** @param {string} [id] */
  #unsub(id) {
    if (!id) return;
    const close = { watchId: id, close: { _kind: "marker" } };
    this.#port.send({ op: "unsub", grid: gridOf([], close) });
  }
}

/** @param {string} [project] */
function urlOf(project) {
  const { protocol, host } = globalThis.location;
  const path = project ? `/ws/${encodeURIComponent(project)}/` : "/ws/";
  return `${protocol === "https:" ? "wss" : "ws"}://${host}${path}`;
}

/**
 * Twice as long with each try, and somewhere in the upper half of that, so that
 * all clients of a server that comes back do not come at once.
 *
 * @param {number} tries
 * @returns {number} Milliseconds.
 */
function retryDelay(tries) {
  const most = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(tries, 16));
  return Math.round(most * (0.5 + Math.random() / 2));
}

/**
 * @param {any} message
 * @returns {LiveError | undefined}
 */
function errorOf({ error, grid }) {
  if (error) return new LiveError(error.dis, error.status);
  if (grid?.meta?.err) return new LiveError(grid.meta.dis);
}

/**
 * Whether the same request may go well later.
 *
 * @param {LiveError} error
 */
function isPassing({ status }) {
  return status === 429 || (status ?? 0) >= 500;
}

/**
 * Call a handler; its faults are its own, and no reason to lose our place.
 *
 * @param {() => void} handler
 */
function outside(handler) {
  try {
    handler();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
