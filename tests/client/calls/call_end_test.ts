// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { CallEnd } from "../../../src/client/calls/call_end.ts";

function listener() {
  const heard: unknown[] = [];
  return { heard, abort: (reason: unknown) => void heard.push(reason) };
}

Deno.test("CallEnd.abort() tells the listener and the signal, once", () => {
  const end = new CallEnd();
  const { signal } = end;
  const ending = listener();
  let fired = 0;
  signal.addEventListener("abort", () => fired += 1);
  end.listen(ending);
  end.abort("first");
  end.abort("second");
  assert.deepEqual([ending.heard, fired, signal.reason], [["first"], 1, "first"]);
});

Deno.test("CallEnd.signal has fired with the reason if it is asked for after the end", () => {
  const end = new CallEnd();
  end.abort("enough");
  assert.deepEqual([end.signal.aborted, end.signal.reason], [true, "enough"]);
  assert.equal(end.signal, end.signal);
});

Deno.test("CallEnd.listen() takes the place of the listener before", () => {
  const end = new CallEnd();
  const [first, second] = [listener(), listener()];
  end.listen(first);
  end.listen(second);
  end.abort("enough");
  end.listen(first);
  assert.deepEqual([first.heard, second.heard], [[], ["enough"]]);
});
