/**
 * Live values from a Haystack server: watches that are pushed over a websocket.
 *
 *     import { Live } from "./live.js";
 *
 *     const live = new Live({ onStatus: (status) => console.log(status.state) });
 *     const watch = live.watch(
 *       { filter: "point and cur" },
 *       {
 *         onRecords(records, gone) {},  // changed records; ids that were removed
 *         onEnd(reason) {},             // the server refuses the watch
 *       },
 *     );
 *     watch.records;                    // Map of all watched records, by id
 *     const grid = await live.call("about");
 *     live.close();
 *
 * A lost connection is opened again. Each watch then resumes where it was, or
 * subscribes again if the server no longer knows it; in both cases its records
 * end up the same as the server's. Values are Hayson, as the server sends them.
 *
 * No dependencies. Runs in browsers, and in Node.js 20 or newer when a WebSocket
 * class is passed. The protocol is described in docs/live.md.
 *
 * Applications copy this module into their own pages, so it stays a single file:
 * splitting it would turn one file to copy into several that must match.
 *
 * @module
 */

// -- types: Hayson ------------------------------------------------------------

/**
 * A value in Hayson, the JSON encoding of Project Haystack 4.
 *
 * @typedef {null | boolean | number | string | Hayson[] | HaysonObject} Hayson
 */

/**
 * @typedef {HaysonNumber | HaysonRef | HaysonSingleton | HaysonText | HaysonDateTime
 *   | HaysonCoord | HaysonXStr | Grid | Dict} HaysonObject
 */

/**
 * A number with a unit, or one that JSON has no literal for. Others are bare.
 *
 * @typedef {object} HaysonNumber
 * @property {"number"} _kind
 * @property {number | "NaN" | "INF" | "-INF"} val
 * @property {string} [unit]
 */

/** @typedef {{_kind: "ref", val: string, dis?: string}} HaysonRef */
/** @typedef {{_kind: "marker" | "na" | "remove"}} HaysonSingleton */
/** @typedef {{_kind: "symbol" | "uri" | "date" | "time", val: string}} HaysonText */
/** @typedef {{_kind: "dateTime", val: string, tz?: string}} HaysonDateTime */
/** @typedef {{_kind: "coord", lat: number, lng: number}} HaysonCoord */
/** @typedef {{_kind: "xstr", type: string, val: string}} HaysonXStr */

/**
 * Tags by name.
 *
 * @typedef {{_kind?: "dict", [tag: string]: Hayson | undefined}} Dict
 */

/**
 * A record: the tags of an entity.
 *
 * @typedef {{id: HaysonRef, _kind?: "dict", [tag: string]: Hayson | undefined}} Rec
 */

/**
 * @typedef {object} Grid
 * @property {"grid"} _kind
 * @property {GridMeta} meta
 * @property {{name: string, meta?: Dict}[]} cols
 * @property {Dict[]} rows
 */

/**
 * `err` marks an error grid, and `dis` is then its message.
 *
 * @typedef {{err?: HaysonSingleton, dis?: string, _kind?: "dict",
 *   [tag: string]: Hayson | undefined}} GridMeta
 */

// -- types: messages ----------------------------------------------------------

/**
 * What the server sends about a watch. `seq` numbers these grids without a gap. In the
 * form `tags`, rows have the tags that changed, with the value `remove` for those that
 * are missing now; only the rows of `whole` are whole records.
 *
 * @typedef {Grid & {meta: {watchId: string, seq: number, gone?: HaysonRef[],
 *   form?: "tags", whole?: HaysonRef[]}}} WatchGrid
 */

/**
 * A message that gets an answer.
 *
 * @typedef {{op: string, grid: Grid, form?: "tags"}
 *   | {op: "resume", watchId: string, ack: number, form?: "tags"}} Request
 */

/**
 * A message that needs no answer.
 *
 * @typedef {{op: "auth", token: string} | {op: "ping"}
 *   | {op: "ack", watchId: string, seq: number} | {op: "unsub", grid: Grid}} Notice
 */

/**
 * The answer to a request. `error` is set if the op did not run.
 *
 * @typedef {{op: string, ref: number, grid: Grid, error?: undefined}
 *   | {op: string, ref: number, grid?: undefined, error: ErrorInfo}} Answer
 */

/** @typedef {{status: number, dis: string}} ErrorInfo `status` as in HTTP. */
/** @typedef {{op: "push", grid: WatchGrid}} Push */
/** @typedef {{op: "end", watchId: string, dis: string}} End */

// -- types: options and callbacks -----------------------------------------------

/**
 * @typedef {object} Status
 * @property {"connecting" | "open" | "waiting" | "closed"} state
 *   `waiting` until the next attempt to connect; `closed` for good, by `close()`
 *   or because the server refused the login or does not know the project.
 * @property {number} [code] Close code of the websocket that led to this state.
 * @property {string} [reason]
 * @property {number} [retryIn] Milliseconds, if the state is `waiting`.
 */

/**
 * What to watch: the entities that match `filter`, or those in `ids`.
 *
 * @typedef {object} Subject
 * @property {string} [filter]
 * @property {string[]} [ids]
 * @property {string} [dis] A name for the watch on the server.
 */

/**
 * @typedef {object} Handlers
 * @property {(records: Rec[], gone: string[]) => void} [onRecords] Called after
 *   each change of `watch.records`, and once at the start even if it is empty.
 *   `gone` holds ids of entities that were removed, no longer match, or were
 *   never found.
 * @property {(reason: string) => void} [onEnd] The server refuses the watch,
 *   because of an invalid filter for example. No more calls follow.
 */

/**
 * The part of the WebSocket API that is used here. Events are `any` because each
 * implementation has classes of its own for them.
 *
 * @typedef {object} Socket
 * @property {number} readyState
 * @property {(text: string) => void} send
 * @property {(code?: number) => void} close
 * @property {((event: any) => void) | null} onopen
 * @property {((event: any) => void) | null} onmessage
 * @property {((event: any) => void) | null} onclose
 * @property {((event: any) => void) | null} onerror
 */

/**
 * What a watch needs from its connection.
 *
 * @typedef {object} Port
 * @property {(request: Request, onAnswer: (answer: Answer) => void) => void} request
 * @property {(notice: Notice) => void} send
 * @property {(watchId: string) => WatchGrid[]} earlyPushes
 * @property {(watch: Watch) => void} remove
 */

/** @typedef {ReturnType<typeof setTimeout>} Timer */

// -- constants ------------------------------------------------------------------

/** Silence from the server before it is pinged. */
const PING_MS = 20_000;
/** How long to wait for the answer to a ping, or for a connection. */
const TIMEOUT_MS = 20_000;
const WAKE_TIMEOUT_MS = 5_000;
/** The server answers a ping only after the requests that were sent before it. */
const BUSY_TIMEOUT_MS = 90_000;
/** A connection that lasted this long resets the delay of the next retry. */
const STABLE_MS = 10_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;
const OPEN = 1;
const NORMAL_CLOSURE = 1000;
const ABNORMAL_CLOSURE = 1006;
const NOT_LOGGED_IN = 4401;
const UNKNOWN_PROJECT = 4404;
/** Another attempt would end the same way. */
const FINAL_CODES = new Set([NOT_LOGGED_IN, UNKNOWN_PROJECT]);
/** @type {HaysonNumber} */
const LEASE = { _kind: "number", val: 10, unit: "min" };

/** A request failed: the server refused it, or the connection was lost. */
export class LiveError extends Error {
  /**
   * @param {string} message
   * @param {number} [status] As in HTTP; undefined for an error grid and for a
   *   missing connection.
   */
  constructor(message, status) {
    super(message);
    this.name = "LiveError";
    this.status = status;
  }
}

/**
 * Build a grid.
 *
 * @param {Dict[]} [rows]
 * @param {Dict} [meta]
 * @returns {Grid}
 */
export function gridOf(rows = [], meta = {}) {
  const names = new Set(rows.flatMap((row) => Object.keys(row)));
  const cols = [...names].map((name) => ({ name }));
  return {
    _kind: "grid",
    meta: /** @type {GridMeta} */ ({ ver: "3.0", ...meta }),
    cols: cols.length ? cols : [{ name: "empty" }],
    rows,
  };
}

/**
 * @param {string} id
 * @returns {HaysonRef}
 */
export const refOf = (id) => ({ _kind: "ref", val: id });

/** A connection to a server, with its watches. */
export class Live {
  /** @type {Socket | null} */
  #socket = null;
  /** @type {Status["state"] | ""} */
  #state = "";
  #lastRef = 0;
  #attempts = 0;
  /**
   * Requests without an answer yet, by `ref`.
   *
   * @type {Map<number, {op: string, onAnswer: (answer: Answer) => void,
   *   onLost: () => void}>}
   */
  #pending = new Map();
  /** @type {Set<Watch>} */
  #watches = new Set();
  /** @type {WatchGrid[]} Pushes that arrived before the answer to their `sub`. */
  #early = [];
  /** @type {{retry?: Timer, timeout?: Timer, ping?: Timer, stable?: Timer}} */
  #timers = {};

  /**
   * @param {object} [options]
   * @param {string} [options.project] Another storage than the default one.
   * @param {string} [options.url] Where the websockets are, if that is not `/ws/`
   *   on the server of the page: a path there, or `wss://HOST/ws/`. `project` has
   *   no effect then.
   * @param {string} [options.token] Without a token, the session cookie counts.
   * @param {new (url: string) => Socket} [options.WebSocket] The class to use if
   *   there is no global one.
   * @param {(status: Status) => void} [options.onStatus]
   */
  constructor({ project, url, token, WebSocket, onStatus } = {}) {
    this.url = addressOf(url ?? pathOf(project));
    this.token = token;
    this.onStatus = onStatus;
    /** @type {new (url: string) => Socket} */
    this.WebSocket = WebSocket ?? globalThis.WebSocket;
    this.#connect();
  }

  /** @returns {boolean} Whether requests can be sent now. */
  get isOpen() {
    return this.#state === "open";
  }

  /**
   * Watch entities.
   *
   * @param {Subject} subject
   * @param {Handlers} [handlers]
   * @returns {Watch}
   */
  watch(subject, handlers = {}) {
    const watch = new Watch(this.#port, subject, handlers);
    this.#watches.add(watch);
    if (this.isOpen) watch.start();
    return watch;
  }

  /**
   * Call an op of the API.
   *
   * Rejects with a LiveError if the server refuses it, if there is no connection,
   * and if the connection is lost before the answer arrives. In the last case the
   * op may or may not have run: the caller must decide whether to repeat it.
   *
   * @param {string} op
   * @param {Grid} [grid]
   * @returns {Promise<Grid>}
   */
  call(op, grid = gridOf()) {
    return new Promise((resolve, reject) => {
      if (!this.isOpen) return reject(new LiveError("not connected"));
      const onLost = () =>
        reject(new LiveError("the connection was lost before the answer arrived"));
      this.#request({ op, grid }, onLost, (answer) => {
        const result = resultOf(answer);
        if (result instanceof LiveError) reject(result);
        else resolve(result);
      });
    });
  }

  /**
   * Reconnect now, or check an open connection. Call it when the page becomes
   * visible or the network is back.
   */
  wake() {
    if (this.#state === "waiting") this.#connect();
    else if (this.isOpen) this.#ping(WAKE_TIMEOUT_MS);
  }

  /** Close the connection and all watches. */
  close() {
    if (this.#state === "closed") return;
    for (const watch of this.#watches) watch.close();
    this.#disconnect(NORMAL_CLOSURE);
    this.#setStatus({ state: "closed" });
  }

  // -- the connection ---------------------------------------------------------

  #connect() {
    clearTimeout(this.#timers.retry);
    const socket = (this.#socket = new this.WebSocket(this.url));
    socket.onopen = () => this.#onOpen();
    socket.onmessage = (event) => this.#onMessage(event.data);
    socket.onclose = (event) => this.#onClose(event);
    // Some implementations, such as that of Node.js 20, do not report a close
    // after an error.
    socket.onerror = () => this.#onClose({ code: ABNORMAL_CLOSURE });
    // An unreachable host may take minutes to fail.
    this.#timers.timeout = setTimeout(() => this.#onTimeout(), TIMEOUT_MS);
    this.#setStatus({ state: "connecting" });
  }

  #onOpen() {
    this.#expectPing();
    this.#timers.stable = setTimeout(() => (this.#attempts = 0), STABLE_MS);
    // the server takes no long messages before it has answered
    if (this.token) this.#send({ op: "auth", token: this.token });
    else this.#onReady();
  }

  #onReady() {
    for (const watch of this.#watches) watch.start();
    this.#setStatus({ state: "open" });
  }

  /** The server is alive: ping it only after another silence. */
  #expectPing() {
    clearTimeout(this.#timers.timeout);
    clearTimeout(this.#timers.ping);
    this.#timers.ping = setTimeout(() => this.#ping(), PING_MS);
  }

  #ping(timeout = TIMEOUT_MS) {
    clearTimeout(this.#timers.ping);
    clearTimeout(this.#timers.timeout);
    this.#send({ op: "ping" });
    this.#timers.timeout = setTimeout(
      () => this.#onTimeout(),
      this.#pending.size ? BUSY_TIMEOUT_MS : timeout,
    );
  }

  #onTimeout() {
    this.#onClose({ code: ABNORMAL_CLOSURE, reason: "the server does not answer" });
  }

  /** @param {{code: number, reason?: string}} event */
  #onClose({ code, reason }) {
    this.#disconnect();
    if (FINAL_CODES.has(code)) {
      this.#setStatus({ state: "closed", code, reason });
      for (const watch of [...this.#watches]) watch.end(reason || `close code ${code}`);
      return;
    }
    const retryIn = retryDelay(this.#attempts++);
    this.#timers.retry = setTimeout(() => this.#connect(), retryIn);
    this.#setStatus({ state: "waiting", code, reason, retryIn });
  }

  /**
   * Drop the socket without waiting for its close event, which may never come.
   *
   * @param {number} [code]
   */
  #disconnect(code) {
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.#timers = {};
    const socket = this.#socket;
    this.#socket = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      // In Node.js, an error event without a handler is thrown.
      socket.onerror = () => {};
      socket.close(code);
    }
    this.#state = "";
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    this.#early = [];
    for (const watch of this.#watches) watch.pause();
    for (const request of pending) request.onLost();
  }

  /** @param {Status} status */
  #setStatus(status) {
    if (status.state === this.#state) return;
    this.#state = status.state;
    runHandler(() => this.onStatus?.(status));
  }

  // -- messages ---------------------------------------------------------------

  /** @type {Port} */
  #port = {
    request: (request, onAnswer) => this.#request(request, () => {}, onAnswer),
    send: (notice) => this.#send(notice),
    earlyPushes: (id) => this.#early.filter((grid) => grid.meta.watchId === id),
    remove: (watch) => this.#watches.delete(watch),
  };

  /** @param {Notice | (Request & {ref: number})} message */
  #send(message) {
    if (this.#socket?.readyState === OPEN) this.#socket.send(JSON.stringify(message));
  }

  /**
   * @param {Request} request
   * @param {() => void} onLost
   * @param {(answer: Answer) => void} onAnswer
   */
  #request(request, onLost, onAnswer) {
    const ref = ++this.#lastRef;
    this.#pending.set(ref, { op: request.op, onAnswer, onLost });
    this.#send({ ...request, ref });
  }

  /** @param {string} text */
  #onMessage(text) {
    this.#expectPing();
    const message = JSON.parse(text);
    if (message.op === "push") this.#onPush(message);
    else if (message.op === "end") this.#onEnd(message);
    else this.#onAnswer(message);
  }

  /** @param {Push} message */
  #onPush({ grid }) {
    const watch = this.#find(grid.meta.watchId);
    if (watch) watch.onPush(grid);
    else this.#early.push(grid);
  }

  /** @param {End} message */
  #onEnd({ watchId }) {
    this.#find(watchId)?.restart();
  }

  /** @param {Answer} answer */
  #onAnswer(answer) {
    const { ref, error } = answer;
    if (error?.status === 401) {
      this.#onClose({ code: NOT_LOGGED_IN, reason: error.dis });
      return;
    }
    if (answer.op === "auth" && !error) this.#onReady();
    const request = this.#pending.get(ref);
    this.#pending.delete(ref);
    request?.onAnswer(answer);
    const isSubscribing = [...this.#pending.values()].some(({ op }) => op === "sub");
    if (!isSubscribing) this.#early = [];
  }

  /** @param {string} id */
  #find(id) {
    return [...this.#watches].find((watch) => watch.id === id);
  }
}

/** A set of watched entities and their current records. Made by `Live.watch`. */
export class Watch {
  /** @type {Map<string, Rec>} The watched records, by id. */
  records = new Map();
  /** The `watchId` on the server; empty while no watch is open. */
  id = "";
  /** Number of the last update that arrived. */
  seq = 0;
  #port;
  #subject;
  #handlers;
  #isOpen = true;
  /** Answers to requests of earlier rounds are ignored. */
  #round = 0;
  #isRequesting = false;
  #refusals = 0;
  /** @type {Timer | undefined} */
  #retry;
  /** @type {WatchGrid[]} Pushes that arrived while a request was pending. */
  #held = [];

  /**
   * @param {Port} port
   * @param {Subject} subject
   * @param {Handlers} handlers
   */
  constructor(port, subject, handlers) {
    this.#port = port;
    this.#subject = subject;
    this.#handlers = handlers;
  }

  /** Stop watching. */
  close() {
    if (!this.#isOpen) return;
    if (this.id) this.#unsubscribe(this.id);
    this.#stop();
  }

  // -- called by Live -----------------------------------------------------------

  /** A connection is open: resume, or subscribe for the first time. */
  start() {
    if (this.id) this.#resume();
    else this.#subscribe();
  }

  /** The connection was lost: pending requests get no answer. */
  pause() {
    this.#round++;
    this.#isRequesting = false;
    this.#held = [];
    clearTimeout(this.#retry);
  }

  /** The server dropped the watch. */
  restart() {
    this.id = "";
    this.pause();
    this.#startLater();
  }

  /** @param {string} reason */
  end(reason) {
    if (!this.#isOpen) return;
    this.#stop();
    runHandler(() => this.#handlers.onEnd?.(reason));
  }

  /** @param {WatchGrid} grid */
  onPush(grid) {
    if (!this.#isOpen) return;
    if (this.#isRequesting) this.#held.push(grid);
    else if (grid.meta.seq === this.seq + 1) this.#apply(grid);
    else if (grid.meta.seq > this.seq) this.#resume();
    else this.#acknowledge(); // a repetition
  }

  // -- requests -----------------------------------------------------------------

  #subscribe() {
    const { filter, ids = [], dis = "live.js" } = this.#subject;
    const isByFilter = filter != null;
    const meta = { watchDis: dis, lease: LEASE, ...(isByFilter ? { filter } : {}) };
    const rows = isByFilter ? [] : ids.map((id) => ({ id: refOf(id) }));
    const grid = gridOf(rows, meta);
    this.#request({ op: "sub", form: "tags", grid }, (result) => {
      if (!(result instanceof LiveError)) this.#onSubscribed(result);
      else if (isTemporary(result)) this.#startLater();
      else this.end(result.message);
    });
  }

  #resume() {
    const { id, seq } = this;
    const request = { op: "resume", form: "tags", watchId: id, ack: seq };
    this.#request(/** @type {Request} */ (request), (result) => {
      if (!(result instanceof LiveError)) this.#onResumed(result);
      else if (isTemporary(result)) this.#startLater();
      else this.#subscribeAgain();
    });
  }

  /** The server no longer knows the watch. */
  #subscribeAgain() {
    this.id = "";
    this.#held = [];
    this.#subscribe();
  }

  /** A change came without the record that it belongs to. */
  #beginAgain() {
    this.#unsubscribe(this.id);
    this.#subscribeAgain();
  }

  #startLater() {
    this.#retry = setTimeout(() => this.start(), retryDelay(this.#refusals++));
  }

  /**
   * @param {Request} request
   * @param {(result: WatchGrid | LiveError) => void} onResult
   */
  #request(request, onResult) {
    const round = ++this.#round;
    this.#isRequesting = true;
    this.#port.request(request, (answer) => {
      const result = /** @type {WatchGrid | LiveError} */ (resultOf(answer));
      const isRefused = result instanceof LiveError;
      if (round === this.#round) {
        this.#isRequesting = false;
        if (!isRefused) this.#refusals = 0;
        onResult(result);
      } else if (request.op === "sub" && !this.#isOpen && !isRefused) {
        this.#unsubscribe(result.meta.watchId); // closed in the meantime
      }
    });
  }

  /** @param {string} watchId */
  #unsubscribe(watchId) {
    /** @type {Dict} */
    const meta = { watchId, close: { _kind: "marker" } };
    this.#port.send({ op: "unsub", grid: gridOf([], meta) });
  }

  #stop() {
    this.pause();
    this.#isOpen = false;
    this.id = "";
    this.#port.remove(this);
  }

  // -- updates --------------------------------------------------------------------

  /**
   * Take over the records of a new watch. Those that were known before and are
   * missing now are gone, and so are requested ids that were not found.
   *
   * @param {WatchGrid} grid
   */
  #onSubscribed(grid) {
    this.id = grid.meta.watchId;
    const { filter, ids = [] } = this.#subject;
    const records = grid.rows.filter(isRecord);
    const current = new Set(records.map((record) => record.id.val));
    const expected = new Set([...(filter == null ? ids : []), ...this.records.keys()]);
    const gone = [...expected].filter((id) => !current.has(id));
    this.#merge(grid, records, gone);
    this.#replay(this.#port.earlyPushes(this.id));
  }

  /** @param {WatchGrid} grid */
  #onResumed(grid) {
    const held = this.#held;
    this.#held = [];
    if (grid.rows.length || grid.meta.gone) this.#apply(grid);
    else this.#advance(grid);
    this.#replay(held);
  }

  /** @param {WatchGrid[]} pushes */
  #replay(pushes) {
    for (const grid of pushes) this.onPush(grid);
  }

  /** @param {WatchGrid} grid */
  #apply(grid) {
    const gone = (grid.meta.gone ?? []).map((ref) => ref.val);
    const rows = grid.rows.filter(isRecord);
    if (grid.meta.form !== "tags") {
      this.#merge(grid, rows, gone);
      return;
    }
    const whole = new Set(grid.meta.whole?.map((ref) => ref.val));
    const records = rows.map((row) =>
      whole.has(row.id.val) ? row : changed(this.records.get(row.id.val), row),
    );
    if (records.every((record) => record !== null)) this.#merge(grid, records, gone);
    else this.#beginAgain();
  }

  /**
   * @param {WatchGrid} grid
   * @param {Rec[]} records
   * @param {string[]} gone
   */
  #merge(grid, records, gone) {
    for (const id of gone) this.records.delete(id);
    for (const record of records) this.records.set(record.id.val, record);
    runHandler(() => this.#handlers.onRecords?.(records, gone));
    this.#advance(grid);
  }

  /** @param {WatchGrid} grid */
  #advance(grid) {
    if (!this.#isOpen) return; // closed by the handler
    this.seq = grid.meta.seq;
    this.#acknowledge();
  }

  #acknowledge() {
    this.#port.send({ op: "ack", watchId: this.id, seq: this.seq });
  }
}

/** @param {string} [project] */
function pathOf(project) {
  return project ? `/ws/${encodeURIComponent(project)}/` : "/ws/";
}

/**
 * @param {string} url Absolute, or a path on the server of the page.
 * @returns {string}
 */
function addressOf(url) {
  const address = new URL(url, globalThis.location?.origin);
  address.protocol = address.protocol.replace("http", "ws");
  return address.href;
}

/**
 * The delay doubles with each attempt. Half of it is random, so that the clients
 * of a restarted server do not all reconnect at the same moment.
 *
 * @param {number} attempts
 * @returns {number} Milliseconds.
 */
function retryDelay(attempts) {
  const longest = Math.min(
    LONGEST_RETRY_MS,
    FIRST_RETRY_MS * 2 ** Math.min(attempts, 16),
  );
  return Math.round(longest * (0.5 + Math.random() / 2));
}

/**
 * @param {Answer} answer
 * @returns {Grid | LiveError}
 */
function resultOf({ error, grid }) {
  if (error) return new LiveError(error.dis, error.status);
  if (grid.meta.err) return new LiveError(grid.meta.dis ?? "error grid");
  return grid;
}

/**
 * The row of an id that was not found has no tags.
 *
 * @param {Dict} row
 * @returns {row is Rec}
 */
const isRecord = (row) => row.id != null;

/**
 * A record after a change of some tags.
 *
 * @param {Rec | undefined} record
 * @param {Rec} change
 * @returns {Rec | null} Null if the record is not known.
 */
function changed(record, change) {
  if (!record) return null;
  const tags = Object.entries({ ...record, ...change });
  const present = tags.filter(([, value]) => !isRemove(value));
  return /** @type {Rec} */ (Object.fromEntries(present));
}

/** @param {Hayson | undefined} value */
const isRemove = (value) =>
  typeof value === "object" &&
  value !== null &&
  "_kind" in value &&
  value._kind === "remove";

/**
 * Whether the same request may succeed later.
 *
 * @param {LiveError} error
 */
function isTemporary({ status }) {
  return status === 429 || (status ?? 0) >= 500;
}

/**
 * Call a handler of the application. If it throws, the error is reported as
 * uncaught, and the state of the watch stays consistent.
 *
 * @param {() => void} handler
 */
function runHandler(handler) {
  try {
    handler();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
