// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { lastingPort } from "./lasting_port.ts";
import { ioTest } from "./levels.ts";

ioTest(
  "lastingPort() gives other ports each time, none that a system gives by itself",
  async () => {
    const ports = Array.from({ length: 50 }, lastingPort);
    assert.equal(new Set(ports).size, ports.length);
    const [first] = (await Deno.readTextFile("/proc/sys/net/ipv4/ip_local_port_range")).split("\t");
    assert.ok(Math.max(...ports) < Number(first), `${ports} from ${first}`);
  },
);
