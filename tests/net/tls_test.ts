// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:tls";
import type { ConnectionOptions } from "node:tls";
import { checkTls } from "../../src/net/tls.ts";
import { makeCertificates } from "../_support/certs.ts";
import type { Certificates } from "../_support/certs.ts";
import { ioTest } from "../_support/levels.ts";
import { grpcGetTs, H2Client } from "./_support/h2_client.ts";
import { RawClient } from "./_support/raw_client.ts";
import { ServerRig } from "./_support/server_rig.ts";
import { soon } from "./_support/until.ts";

Deno.test("checkTls() takes a certificate with its key and an authority", async () => {
  const { server, clientCaPem } = await makeCertificates();
  checkTls({ ...server, clientCaPem });
});

Deno.test("checkTls() takes a certificate that is followed by its authority", async () => {
  const { server, caPem } = await makeCertificates();
  checkTls({ ...server, certPem: `${server.certPem}\n${caPem}` });
});

const UNUSABLE: readonly (readonly [string, (from: Certificates) => object, RegExp])[] = [
  ["a certificate that is none", () => ({ certPem: "hello" }), /the certificate holds no PEM/],
  ["a certificate that is damaged", ({ server }) => ({
    certPem: server.certPem.replace("MII", "AAA"),
  }), /the certificate cannot be read/],
  ["a key that is none", () => ({ keyPem: "hello" }), /private key cannot be read/],
  ["the key of another", ({ client }) => ({ keyPem: client.keyPem }), /does not belong to/],
  ["an authority that is none", () => ({ clientCaPem: "" }), /authority of the clients holds no/],
];

for (const [name, change, message] of UNUSABLE) {
  Deno.test(`checkTls() refuses ${name}`, async () => {
    const certificates = await makeCertificates();
    assert.throws(() => checkTls({ ...certificates.server, ...change(certificates) }), {
      name: "ServeError",
      code: "bad-certificate",
      message,
    });
  });
}

ioTest("serve() speaks HTTP/2 over TLS to a client that offers it", async () => {
  const { server, caPem } = await makeCertificates();
  await using rig = await ServerRig.start({ tls: server });
  await using client = new H2Client(rig.url("", "https"), { ca: caPem });
  assert.equal((await client.call(grpcGetTs())).trailers["grpc-status"], "0");
  assert.equal(client.session.alpnProtocol, "h2");
});

for (const [name, ALPNProtocols] of [["HTTP/1.1", ["http/1.1"]], ["nothing", undefined]] as const) {
  ioTest(`serve() speaks HTTP/1.1 over TLS to a client that offers ${name}`, async () => {
    const { server, caPem } = await makeCertificates();
    await using rig = await ServerRig.start({ tls: server });
    const options = ALPNProtocols === undefined ? {} : { ALPNProtocols: [...ALPNProtocols] };
    assert.match(await healthOver(rig.port, { ca: caPem, ...options }), /200 OK[^]*ok\n/);
  });
}

ioTest("serve() with an authority answers its clients and nobody else", async () => {
  const { server, caPem, clientCaPem, client, stranger } = await makeCertificates();
  await using rig = await ServerRig.start({ tls: { ...server, clientCaPem } });
  const identity = { cert: client.certPem, key: client.keyPem };
  assert.match(await healthOver(rig.port, { ca: caPem, ...identity }), /ok\n/);
  assert.equal(await healthOver(rig.port, { ca: caPem }), "");
  const other = { cert: stranger.certPem, key: stranger.keyPem };
  assert.equal(await healthOver(rig.port, { ca: caPem, ...other }), "");
  await rig.untilConnections(0);
});

ioTest("serve() over TLS closes a plaintext connection and serves on", async () => {
  const { server, caPem } = await makeCertificates();
  await using rig = await ServerRig.start({ tls: server });
  for (
    const bytes of ["GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]
  ) {
    await using client = await RawClient.connect(rig.port);
    client.send(bytes);
    await client.untilClosed();
  }
  await rig.untilConnections(0);
  assert.match(await healthOver(rig.port, { ca: caPem }), /ok\n/);
});

ioTest("serve() in plaintext closes a TLS connection and serves on", async () => {
  await using rig = await ServerRig.start();
  assert.equal(await healthOver(rig.port, {}), "");
  await rig.untilConnections(0);
  assert.equal(await fetch(rig.url("/healthz")).then((response) => response.text()), "ok\n");
});

ioTest("serve() over TLS may listen on a routable address", async () => {
  const { server } = await makeCertificates();
  await using rig = await ServerRig.start({ tls: server, hostname: "0.0.0.0" });
  assert.equal(rig.server.address, `0.0.0.0:${rig.port}`);
});

/** Asks for `/healthz` over TLS and HTTP/1.1. Empty if the server does not answer. */
async function healthOver(port: number, options: ConnectionOptions): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1", servername: "localhost", ...options });
  let text = "";
  socket.on("error", () => {});
  socket.on("data", (chunk) => text += chunk);
  socket.write("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  await soon("the end of the connection", once(socket, "close").catch(() => {}));
  return text;
}
