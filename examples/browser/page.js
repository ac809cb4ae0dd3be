// SPDX-License-Identifier: Apache-2.0

/** What runs in the page: a gRPC-Web client in fifteen lines. */

import { createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { TsoService } from "@tsoracle/tsoracle/proto";

const baseUrl = new URLSearchParams(location.search).get("oracle") ?? "http://127.0.0.1:50551";
const client = createClient(TsoService, createGrpcWebTransport({ baseUrl }));
const button = document.querySelector("button");
const list = document.querySelector("ol");

button.addEventListener("click", async () => {
  const item = document.createElement("li");
  try {
    const { physicalMs, logicalStart } = await client.getTs({ count: 1 });
    // A timestamp has 64 bits: a bigint, never a number.
    item.textContent = String((physicalMs << 18n) + BigInt(logicalStart));
  } catch (error) {
    item.textContent = String(error);
  }
  list.append(item);
});
