// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { DateStamp } from "../../src/net/date_stamp.ts";
import { ManualClock } from "../../src/testing/manual_clock.ts";

Deno.test("DateStamp writes the date of HTTP, the same field for a whole second", () => {
  const clock = new ManualClock({ nowMs: 784_111_777_000 });
  const dates = new DateStamp(clock);
  const { field } = dates;
  // The example of RFC 9110, 5.6.7.
  assert.deepEqual(field, { name: "date", value: "Sun, 06 Nov 1994 08:49:37 GMT" });
  clock.jumpTo(784_111_777_999);
  assert.equal(dates.field, field);
  clock.jumpTo(784_111_778_000);
  assert.equal(dates.field.value, "Sun, 06 Nov 1994 08:49:38 GMT");
  clock.jumpTo(784_111_776_999);
  assert.equal(dates.field.value, "Sun, 06 Nov 1994 08:49:36 GMT", "a clock that goes back");
});
