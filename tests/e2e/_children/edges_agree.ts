// SPDX-License-Identifier: Apache-2.0

// Runs in Node: the differential test of the edges, as often as the arguments say for a leader and for the others.

import process from "node:process";
import { leadersAgree, othersAgree } from "../_support/edges_agree.ts";
import { FOLLOWER, UNKNOWN } from "../_support/leadership.ts";

const [, , leaders, others] = process.argv;
await leadersAgree(Number(leaders));
for (const initial of [FOLLOWER, UNKNOWN]) await othersAgree(initial, Number(others));
process.stdout.write("all agree\n");
