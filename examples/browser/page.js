// SPDX-License-Identifier: Apache-2.0

/** What runs in the page: the client of `./web`, which is that of `./client` over gRPC-Web and `fetch`. */

import { TsoClient } from "@tsoracle/tsoracle/web";

const oracle = new URLSearchParams(location.search).get("oracle") ?? "http://127.0.0.1:50551";
const client = new TsoClient({ endpoints: [oracle] });
const button = document.querySelector("button");
const list = document.querySelector("ol");

button.addEventListener("click", async () => {
  const item = document.createElement("li");
  try {
    item.textContent = `${await client.getTs()}`;
  } catch (error) {
    item.textContent = String(error);
  }
  list.append(item);
});
