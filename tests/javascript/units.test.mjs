/** Units that people choose. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  choose,
  convert,
  isConvertible,
  learn,
  offered,
  onUnits,
  shownNumber,
  shownUnit,
  valueText,
} from "../../haystack_app/static/haystack_app/shared/units.js";

learn({
  temperature: [
    ["°F", 0.5555555555555556, 255.37222222222223],
    ["°C", 1, 273.15],
  ],
  power: [
    ["kW", 1000, 0],
    ["BTU/h", 0.292875, 0],
  ],
});

test("factors and offsets", () => {
  assert.equal(convert(212, "°F", "°C"), 100);
  assert.equal(convert(-40, "°C", "°F"), -40);
  assert.equal(convert(1, "kW", "BTU/h"), 3414.42594964);
  assert.equal(convert(5, "kW", "kW"), 5);
  assert.ok(isConvertible("kW", "BTU/h"));
  assert.ok(isConvertible("_own", "_own"));
});

test("what does not measure the same is left as it is", () => {
  assert.equal(convert(5, "kW", "°C"), 5);
  assert.equal(isConvertible("kW", "°C"), false);
  assert.equal(isConvertible("_own", "kW"), false);
});

test("a choice changes what is shown, by the unit that is stored", () => {
  let calls = 0;
  onUnits(() => calls++);
  assert.equal(valueText({ _kind: "number", val: 212, unit: "°F" }), "212°F");
  assert.deepEqual(offered(), [{ unit: "°F", shown: "°F", options: ["°F", "°C"] }]);
  choose("°F", "°C");
  assert.equal(calls, 1);
  assert.equal(valueText({ _kind: "number", val: 212, unit: "°F" }), "100°C");
  assert.equal(shownUnit("°F"), "°C");
  assert.equal(shownNumber(32, "°F"), 0);
  assert.equal(valueText({ _kind: "number", val: 7, unit: "kW" }), "7 kW");
  choose("°F", "°F");
  assert.equal(shownUnit("°F"), "°F");
});

test("other values are texts", () => {
  assert.equal(valueText(true), "true");
  assert.equal(valueText(5), "5");
  assert.equal(valueText({ _kind: "number", val: "INF", unit: "°F" }), "INF");
  assert.equal(valueText(undefined), "");
});
