// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { makeCertificates } from "../_support/certs.ts";
import { ioTest } from "../_support/levels.ts";
import { ChildCli } from "./_support/child_cli.ts";
import type { LocalServer } from "./_support/local_server.ts";
import { serveLocally } from "./_support/local_server.ts";
import { tempDir } from "./_support/temp_dir.ts";

/** What docs/cli.md says that the commands of a client need. */
function denoWith(...permissions: readonly string[]) {
  const program = [Deno.execPath(), "run", "--no-prompt", ...permissions, "src/cli/main.ts"];
  return { program: program as [string, ...string[]] };
}

const ENV = "--allow-env=TSORACLE_*";

/** A server that speaks TLS, and the file of its authority. */
async function serveTls() {
  const dir = await tempDir();
  const certs = await makeCertificates();
  const cert = await dir.write("cert.pem", certs.server.certPem);
  const key = await dir.write("key.pem", certs.server.keyPem);
  const ca = await dir.write("ca.pem", certs.caPem);
  const server: LocalServer = await serveLocally({ flags: ["--tls-cert", cert, "--tls-key", key] });
  return {
    ca,
    address: server.address,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
}

ioTest("the commands of a client need the network, their variables and their files", async (t) => {
  await using server = await serveTls();
  const { address, ca } = server;
  const allowed = denoWith(`--allow-net=${address}`, ENV, `--allow-read=${ca}`);
  const target = ["--endpoint", address, "--tls-ca", ca];
  const load = ["--warmup", "0", "--duration", "1s"];
  for (const command of [["get"], ["seq", "orders"], ["status"], ["bench", ...load]]) {
    await t.step(command[0] ?? "", async () => {
      const { code, stderr } = await ChildCli.run([...command, ...target], allowed);
      assert.equal(code, 0, stderr);
    });
  }
  await t.step("lease", async () => {
    await using lease = new ChildCli(["lease", "hold", "group-a", ...target], allowed);
    await lease.until(/^lease \d+: may stamp/m);
    lease.signal("SIGTERM");
    assert.equal((await lease.end()).code, 0);
  });
});

ioTest("a command of a client says which permission it lacks, and no more", async () => {
  const args = ["get", "--endpoint", "127.0.0.1:1"];
  const noNet = await ChildCli.run(args, denoWith(ENV));
  assert.equal(noNet.code, 1);
  assert.match(noNet.stderr, /: Requires net access to "127\.0\.0\.1:1", .*--allow-net flag\n$/);
  const noEnv = await ChildCli.run(args, denoWith("--allow-net"));
  assert.equal(noEnv.code, 1);
  assert.match(noEnv.stderr, /^error: Requires env access to "TSORACLE_\w+", .*\n$/);
});
