// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { ServerProcess } from "../_support/server_process.ts";
import { writeCertificates } from "./_support/cert_files.ts";
import { curl, curlTest } from "./_support/curl.ts";
import { GET_MAX_SAFE, GET_TS } from "./_support/grpc_wire.ts";
import { startInProcess, UNKNOWN } from "./_support/in_process.ts";

const JSON_POST = ["-H", "content-type: application/json", "-d"] as const;

interface Grant {
  readonly physicalMs: string;
  readonly logicalStart: number;
  readonly count: number;
  readonly epochHi: string;
  readonly epochLo: string;
}

function packed({ physicalMs, logicalStart }: Grant): bigint {
  return BigInt(physicalMs) * 262_144n + BigInt(logicalStart);
}

curlTest("curl gets timestamps as the README shows it, over HTTP/1.1 and HTTP/2", async () => {
  const before = Date.now();
  await using server = await ServerProcess.start();
  const url = `http://${server.address}${GET_TS}`;
  const grants: Grant[] = [];
  for (const version of ["--http1.1", "--http2-prior-knowledge"]) {
    const answer = await curl(version, ...JSON_POST, '{"count":2}', url);
    assert.equal(answer.status, 200, answer.stderr);
    assert.equal(answer.version, version === "--http1.1" ? "1.1" : "2");
    assert.equal(answer.headers.get("content-type"), "application/json");
    grants.push(JSON.parse(answer.body));
  }
  const [first, second] = grants as [Grant, Grant];
  assert.ok(Number(first.physicalMs) >= before, "the timestamp lies before the call");
  assert.deepEqual([first.count, first.epochHi, first.epochLo], [2, "0", "0"]);
  assert.ok(packed(second) >= packed(first) + 2n, "the second block overlaps the first");
});

curlTest("curl gets the safe point with a plain GET, and with the query of Connect", async () => {
  await using server = await ServerProcess.start();
  const url = `http://${server.address}${GET_MAX_SAFE}`;
  const query = "?connect=v1&encoding=json&message=%7B%7D";
  for (const address of [url, `${url}${query}`]) {
    const answer = await curl(address);
    assert.equal(answer.status, 200, answer.stderr);
    const safe = JSON.parse(answer.body);
    assert.deepEqual(Object.keys(safe), ["maxSafePhysicalMs", "epochHi", "epochLo"]);
    assert.ok(Math.abs(Date.now() - Number(safe.maxSafePhysicalMs)) < 60_000, answer.body);
  }
});

curlTest("curl sees every field, also those that are zero", async () => {
  await using server = await startInProcess({ initial: UNKNOWN });
  const answer = await curl(`http://${server.address}${GET_MAX_SAFE}`);
  assert.deepEqual(JSON.parse(answer.body), {
    maxSafePhysicalMs: "0",
    epochHi: "0",
    epochLo: "0",
  });
});

curlTest("curl over TLS trusts the authority that it is given, and nobody else", async () => {
  await using files = await writeCertificates();
  const { certFile, keyFile, caFile } = files;
  await using server = await ServerProcess.start({
    flags: ["--tls-cert", certFile, "--tls-key", keyFile],
  });
  const url = `https://${server.address}${GET_TS}`;
  for (const version of ["--http1.1", "--http2"]) {
    const answer = await curl(version, "--cacert", caFile, ...JSON_POST, '{"count":1}', url);
    assert.equal(answer.status, 200, answer.stderr);
    assert.equal(answer.version, version === "--http1.1" ? "1.1" : "2");
    assert.equal(JSON.parse(answer.body).count, 1);
  }
  const distrusting = await curl(...JSON_POST, '{"count":1}', url);
  assert.equal(distrusting.exit, 60, distrusting.stderr);
  const plain = await curl(...JSON_POST, '{"count":1}', url.replace("https:", "http:"));
  assert.notEqual(plain.status, 200);
});

curlTest("curl must show a certificate where the server asks for one", async () => {
  await using files = await writeCertificates();
  const { certFile, keyFile, caFile, clientCaFile } = files;
  await using server = await ServerProcess.start({
    flags: ["--tls-cert", certFile, "--tls-key", keyFile, "--tls-client-ca", clientCaFile],
  });
  const call = [
    "--cacert",
    caFile,
    ...JSON_POST,
    '{"count":1}',
    `https://${server.address}${GET_TS}`,
  ];
  const known = await curl("--cert", files.clientCertFile, "--key", files.clientKeyFile, ...call);
  assert.equal(known.status, 200, known.stderr);
  const stranger = await curl(
    "--cert",
    files.strangerCertFile,
    "--key",
    files.strangerKeyFile,
    ...call,
  );
  assert.equal(stranger.status, 0, stranger.body);
  const nobody = await curl(...call);
  assert.equal(nobody.status, 0, nobody.body);
});

curlTest("curl reads what is wrong and what to do", async () => {
  await using server = await ServerProcess.start();
  const url = `http://${server.address}${GET_TS}`;
  const cases = [
    {
      args: [...JSON_POST, "{}", url],
      status: 400,
      text: /"invalid_argument".*count must be >= 1/,
    },
    { args: [...JSON_POST, '{"count":262145}', url], status: 400, text: /invalid count: 262145/ },
    { args: [...JSON_POST, '{"count":', url], status: 400, text: /"invalid_argument"/ },
    { args: [url], status: 405, text: /use POST/ },
    { args: ["-d", "count=2", url], status: 415, text: /use application\/json/ },
    { args: [`http://${server.address}/`], status: 404, text: /call \/tsoracle\.v1\.TsoService\// },
  ];
  for (const { args, status, text } of cases) {
    const answer = await curl(...args);
    assert.equal(answer.status, status, answer.body);
    assert.match(answer.body, text);
  }
});
