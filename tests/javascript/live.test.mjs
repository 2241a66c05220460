/** Watches of live.js. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import {
  after,
  before,
  connect,
  idOf,
  last,
  pass,
  rec,
  sockets,
  started,
  values,
  watching,
} from "./server.mjs";
import { gridOf, refOf } from "../../haystack_app/static/haystack_app/live.js";

/** @import { Rec } from "../../haystack_app/static/haystack_app/live.js" */

beforeEach(before);
afterEach(after);

test("a watch by filter reports all records first, then changes", () => {
  const { live } = connect();
  const { watch, told } = watching(live, { filter: "point and cur" });
  last().open();
  const [sub] = last().take();
  assert.equal(sub.op, "sub");
  assert.equal(sub.grid.meta.filter, "point and cur");
  assert.equal(sub.grid.meta.watchDis, "live.js");
  assert.deepEqual(sub.grid.rows, []);
  last().answer(sub, [rec("a", 1), rec("b", 2)], { watchId: "w", seq: 1 });
  last().push("w", 2, [rec("b", 3), rec("c", 4)], ["a"]);
  assert.deepEqual(told, [
    [["a", "b"], []],
    [["b", "c"], ["a"]],
  ]);
  assert.deepEqual(values(watch), { b: 3, c: 4 });
});

test("a watch of ids reports those that were not found", () => {
  const { live } = connect();
  last().open();
  const { watch, told } = watching(live, { ids: ["a", "x"] });
  const [sub] = last().take();
  assert.deepEqual(sub.grid.rows.map(idOf), ["a", "x"]);
  assert.equal("filter" in sub.grid.meta, false);
  last().answer(sub, [rec("a", 1), {}], { watchId: "w", seq: 1 });
  assert.deepEqual(told, [[["a"], ["x"]]]);
  assert.deepEqual([...watch.records.keys()], ["a"]);
});

test("a filter without matches is reported too", () => {
  const { live } = connect();
  last().open();
  const { told } = watching(live);
  last().answer(last().take()[0], [], { watchId: "w", seq: 0 });
  assert.deepEqual(told, [[[], []]]);
});

test("each grid is acknowledged, in order and after its handler", () => {
  const { live } = connect();
  last().open();
  const acks = () =>
    last()
      .sent.filter((it) => it.op === "ack")
      .map((it) => it.seq);
  /** @type {number[][]} */
  const seen = [];
  live.watch({ filter: "point" }, { onRecords: () => seen.push(acks()) });
  last().answer(last().sent[0], [rec("a", 1)], { watchId: "w", seq: 1 });
  for (const seq of [2, 3, 4]) last().push("w", seq, [rec("a", seq)]);
  assert.deepEqual(seen, [[], [1], [1, 2], [1, 2, 3]]);
  assert.deepEqual(acks(), [1, 2, 3, 4]);
});

test("changed tags become whole records", () => {
  const { watch, told } = started();
  const form = /** @type {const} */ ("tags");
  const remove = /** @type {const} */ ({ _kind: "remove" });
  const tell = (/** @type {number} */ seq, /** @type {Rec[]} */ rows, more = {}) =>
    last().tell({
      op: "push",
      grid: gridOf(rows, { watchId: "w", seq, form, ...more }),
    });
  tell(2, [{ id: refOf("a"), curStatus: "ok" }]);
  assert.deepEqual(watch.records.get("a"), { ...rec("a", 1), curStatus: "ok" });
  tell(3, [{ id: refOf("a"), curVal: remove, curStatus: "down" }]);
  assert.deepEqual(watch.records.get("a"), { id: refOf("a"), curStatus: "down" });
  const whole = { whole: [refOf("a")] };
  tell(4, [rec("a", 7), { id: refOf("b"), curVal: 8 }], whole);
  assert.deepEqual(values(watch), { a: 7, b: 8 });
  assert.equal("curStatus" in (watch.records.get("a") ?? {}), false);
  assert.deepEqual(
    told.map(([ids]) => ids),
    [["a"], ["a"], ["a", "b"]],
  );
});

test("a change of a record that is not known begins the watch again", () => {
  const { watch, told } = started();
  last().take();
  const meta = { watchId: "w", seq: 2, form: "tags" };
  last().tell({ op: "push", grid: gridOf([rec("x", 1)], meta) });
  const [unsub, sub] = last().take();
  assert.deepEqual([unsub.op, unsub.grid.meta.watchId, sub.op], ["unsub", "w", "sub"]);
  assert.deepEqual(told, []);
  const rows = [rec("a", 1), rec("b", 2), rec("x", 1)];
  last().answer(sub, rows, { watchId: "v", seq: 1 });
  assert.deepEqual(values(watch), { a: 1, b: 2, x: 1 });
});

test("a gap in the numbers is filled by a resume", () => {
  const { watch, told } = started();
  last().push("w", 3, [rec("b", 30)]);
  const [resume] = last().take();
  assert.equal(resume.op, "resume");
  assert.deepEqual([resume.watchId, resume.ack], ["w", 1]);
  assert.deepEqual(told, []); // nothing is reported out of order
  last().push("w", 5, [rec("a", 50)]); // arrives before the answer, belongs after it
  last().push("w", 3, [rec("b", 31)]); // is part of the answer
  last().answer(resume, [rec("a", 10), rec("b", 40)], { watchId: "w", seq: 4 });
  assert.deepEqual(values(watch), { a: 50, b: 40 });
  assert.equal(watch.seq, 5);
  assert.deepEqual(last().take(), []);
});

test("a repeated push is acknowledged again and applied once", () => {
  const { watch, told } = started();
  last().push("w", 2, [rec("a", 5)]);
  last().push("w", 3, [rec("a", 6)]);
  last().sent.length = 0;
  last().push("w", 2, [rec("a", 5)]);
  assert.deepEqual(values(watch), { a: 6, b: 2 });
  assert.equal(told.length, 2);
  assert.deepEqual(
    last()
      .take("ack")
      .map((it) => it.seq),
    [3],
  );
});

test("a watch is resumed after a lost connection", () => {
  const { watch, told } = started();
  last().push("w", 2, [rec("a", 5)]);
  last().breaks();
  pass(500);
  assert.equal(sockets.length, 2);
  last().open();
  const [resume] = last().take();
  assert.deepEqual([resume.op, resume.watchId, resume.ack], ["resume", "w", 2]);
  told.length = 0;
  last().answer(resume, [rec("b", 7)], { watchId: "w", seq: 9, gone: [{ val: "a" }] });
  assert.deepEqual(told, [[["b"], ["a"]]]);
  assert.deepEqual(values(watch), { b: 7 });
  last().push("w", 10, [rec("b", 8)]);
  assert.deepEqual(values(watch), { b: 8 });
});

test("a resume without changes is acknowledged and not reported", () => {
  const { told } = started();
  last().breaks();
  pass(500);
  last().open();
  last().answer(last().take()[0], [], { watchId: "w", seq: 1 });
  assert.deepEqual(told, []);
  assert.deepEqual(last().take("ack"), [{ op: "ack", watchId: "w", seq: 1 }]);
});

test("a watch that the server no longer knows subscribes again and reports what is gone", () => {
  const { watch, told, ended } = started();
  last().breaks();
  pass(500);
  last().open();
  last().refuse(last().take()[0], "unknown watch");
  const [sub] = last().take();
  assert.equal(sub.op, "sub");
  last().answer(sub, [rec("b", 7), rec("c", 8)], { watchId: "v", seq: 1 });
  assert.deepEqual(told, [[["b", "c"], ["a"]]]);
  assert.deepEqual(values(watch), { b: 7, c: 8 });
  last().push("v", 2, [rec("c", 9)]);
  assert.deepEqual(values(watch), { b: 7, c: 9 });
  assert.deepEqual(ended, []);
});

test("a resume that is interrupted is repeated", () => {
  const { watch } = started();
  for (const again of [500, 1000]) {
    last().breaks();
    pass(again);
    last().open();
  }
  const [resume] = last().take();
  assert.deepEqual([resume.op, resume.ack], ["resume", 1]);
  last().answer(resume, [rec("a", 3)], { watchId: "w", seq: 2 });
  assert.deepEqual(values(watch), { a: 3, b: 2 });
});

test("pushes that arrive before the answer to sub are applied after it", () => {
  const { live } = connect();
  last().open();
  const { watch } = watching(live);
  const [sub] = last().take();
  last().push("w", 2, [rec("a", 2)]);
  last().answer(sub, [rec("a", 1)], { watchId: "w", seq: 1 });
  assert.deepEqual(values(watch), { a: 2 });
});

test("a watch that the server ends subscribes again", () => {
  const { told } = started();
  last().tell({ op: "end", watchId: "w", dis: "closed" });
  assert.deepEqual(last().take(), []);
  pass(500);
  const [sub] = last().take();
  assert.equal(sub.op, "sub");
  last().answer(sub, [rec("b", 2)], { watchId: "v", seq: 1 });
  assert.deepEqual(told, [[["b"], ["a"]]]);
});

test("a refused watch ends, once", () => {
  const { live } = connect();
  last().open();
  const { ended, told } = watching(live, { filter: "point and" });
  last().refuse(last().take()[0], "filter ends too early");
  pass(120_000);
  assert.deepEqual(ended, ["filter ends too early"]);
  assert.deepEqual(told, []);
  assert.deepEqual(last().take("sub"), []);
});

test("a temporary refusal is retried later", () => {
  const { live } = connect();
  last().open();
  const { ended, watch } = watching(live);
  for (const [status, wait] of [
    [429, 500],
    [503, 1000],
  ]) {
    last().fail(last().take("sub")[0], status, "not now");
    pass(wait - 1);
    assert.deepEqual(last().take("sub"), []);
    pass(1);
  }
  last().answer(last().take("sub")[0], [rec("a", 1)], { watchId: "w", seq: 1 });
  assert.deepEqual(values(watch), { a: 1 });
  assert.deepEqual(ended, []);
});

test("a closed watch is unsubscribed and reports nothing more", () => {
  const { live, watch, told } = started();
  watch.close();
  watch.close();
  const [unsub, ...more] = last().take();
  assert.deepEqual([unsub.op, unsub.grid.meta.watchId], ["unsub", "w"]);
  assert.ok(unsub.grid.meta.close);
  assert.deepEqual(more, []);
  last().push("w", 2, [rec("a", 5)]);
  last().breaks();
  pass(500);
  last().open();
  assert.deepEqual(last().take(), []);
  assert.deepEqual(told, []);
  assert.ok(live.isOpen);
});

test("a watch closed before its first answer is unsubscribed", () => {
  const { live } = connect();
  last().open();
  const { watch, told } = watching(live);
  watch.close();
  last().answer(last().take()[0], [rec("a", 1)], { watchId: "w", seq: 1 });
  const [unsub] = last().take();
  assert.deepEqual([unsub.op, unsub.grid.meta.watchId], ["unsub", "w"]);
  assert.deepEqual(told, []);
});

test("a handler may close its watch and open another", () => {
  const { live } = connect();
  last().open();
  const watch = live.watch(
    { filter: "site" },
    {
      onRecords: () => {
        watch.close();
        watching(live, { filter: "equip" });
      },
    },
  );
  last().answer(last().take()[0], [rec("a", 1)], { watchId: "w", seq: 1 });
  assert.deepEqual(
    last()
      .take()
      .map((it) => it.op),
    ["unsub", "sub"],
  );
  assert.deepEqual(last().take("ack"), []);
});

test("watches on one connection do not mix", () => {
  const { live, watch } = started();
  const other = watching(live, { filter: "site" }).watch;
  last().answer(last().take()[0], [rec("s", 0)], { watchId: "v", seq: 1 });
  last().push("v", 2, [rec("s", 1)]);
  last().push("w", 2, [rec("a", 9)]);
  assert.deepEqual(values(watch), { a: 9, b: 2 });
  assert.deepEqual(values(other), { s: 1 });
});

test("an error in a handler loses no update and no acknowledgement", () => {
  const thrown = mock.method(globalThis, "queueMicrotask", () => {}).mock;
  const { live } = connect();
  last().open();
  const watch = live.watch(
    { filter: "x" },
    {
      onRecords: () => {
        throw new Error("mine");
      },
    },
  );
  last().answer(last().take()[0], [rec("a", 1)], { watchId: "w", seq: 1 });
  assert.equal(watch.seq, 1);
  assert.deepEqual(last().take("ack"), [{ op: "ack", watchId: "w", seq: 1 }]);
  const [rethrow] = thrown.calls[0].arguments;
  assert.throws(() => rethrow?.(), { message: "mine" });
});
