// SPDX-License-Identifier: Apache-2.0

import { HAS_PERMISSIONS, ioTestNeeding } from "../../_support/levels.ts";
import { networkTurn } from "../../_support/network_stillness.ts";
import { RelayLink } from "./link.ts";
import type { Link } from "./link.ts";
import type { Direction } from "./relay.ts";

/** Nobody has this hardware address, so a frame that is sent to it is lost without a word. */
const NOBODY = "02:00:00:00:00:01";
/** Reserved for tests of networks (RFC 2544). */
const NETWORK = "198.18";
const PREFIX = "tsoracle-test-";
/** As many as there are pairs of wires with addresses in the part of a process. */
const MAX_NAMESPACES = 32;

/**
 * A test that needs network namespaces. Without the right to make them, which nothing that can be installed gives, it is
 * left out with a word, and no ignored test stands for it.
 */
export function ioTestInNamespaces(
  missing: string | undefined,
  name: string,
  fn: (t: Deno.TestContext) => Promise<void>,
): void {
  if (HAS_NAMESPACES) return ioTestNeeding(missing, name, fn);
  if (HAS_PERMISSIONS) console.warn(`NOT RUN, needs root and iproute2: ${name}`);
}

/** Two network interfaces that are joined, one on this side and one in a namespace. */
interface Wire {
  readonly outside: End;
  readonly inside: End;
}

interface End {
  readonly device: string;
  readonly address: string;
  readonly hardware: string;
}

/**
 * A network of its own for one oracle, with one wire to its callers and one to its engine. What is cut loses packets
 * in the kernel. Leaving its scope removes it; what runs in it must have ended.
 */
export class NetworkNamespace implements Link {
  readonly #name: string;
  readonly #callers: Wire;
  readonly #engine: Wire;
  readonly #relays: RelayLink;

  private constructor(name: string, wires: readonly [Wire, Wire], relays: RelayLink) {
    this.#name = name;
    [this.#callers, this.#engine] = wires;
    this.#relays = relays;
  }

  /**
   * Makes a namespace from which the members of an engine can be reached.
   *
   * @param members `host:port` of each, on this side
   */
  static async open(members: readonly string[]): Promise<NetworkNamespace> {
    using _turn = await networkTurn();
    const { name, index } = await addNamespace();
    const device = `tso${Deno.pid.toString(36)}x${index}`;
    try {
      await ip("-n", name, "link", "set", "lo", "up");
      const callers = await addWire(name, `${device}c`, 2 * index);
      const engine = await addWire(name, `${device}e`, 2 * index + 1);
      const relays = await RelayLink.open(members, engine.outside.address);
      return new NetworkNamespace(name, [callers, engine], relays);
    } catch (error) {
      await ip("netns", "delete", name);
      throw error;
    }
  }

  /** The address in it that callers on this side reach. */
  get hostname(): string {
    return this.#callers.inside.address;
  }

  /** Where the engine is found from inside. */
  get endpoints(): readonly string[] {
    return this.#relays.endpoints;
  }

  /** A program that is run in it, with its arguments. */
  command(program: readonly string[]): readonly [string, ...string[]] {
    return ["ip", "netns", "exec", this.#name, ...program];
  }

  async cut(directions: readonly Direction[]): Promise<void> {
    const { outside, inside } = this.#engine;
    const toEngine = directions.includes("to-engine") ? NOBODY : outside.hardware;
    const fromEngine = directions.includes("from-engine") ? NOBODY : inside.hardware;
    await ip("-n", this.#name, ...neighbour(outside.address, toEngine, inside.device));
    await ip(...neighbour(inside.address, fromEngine, outside.device));
  }

  mend(): Promise<void> {
    return this.cut([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#relays[Symbol.asyncDispose]();
    using _turn = await networkTurn();
    // The wires would go with the namespace, but some time after it, when the next one may want their names.
    for (const { outside } of [this.#callers, this.#engine]) {
      await ip("link", "delete", outside.device);
    }
    await ip("netns", "delete", this.#name);
  }
}

/** Whether {@linkcode NetworkNamespace} can be used: it takes Linux, root and iproute2. */
export const HAS_NAMESPACES: boolean = await canMakeNamespaces();

/** Makes the first that is free: files of tests that run beside this one are of the same process. */
async function addNamespace(): Promise<{ readonly name: string; readonly index: number }> {
  for (let index = 0;; index++) {
    const name = `${PREFIX}${Deno.pid}-${index}`;
    try {
      await ip("netns", "add", name);
      return { name, index };
    } catch (error) {
      if (!/File exists/.test(String(error)) || index + 1 === MAX_NAMESPACES) throw error;
    }
  }
}

async function addWire(namespace: string, name: string, index: number): Promise<Wire> {
  const subnet = `${NETWORK}.${Deno.pid % 256}`;
  const outside = { device: `${name}0`, address: `${subnet}.${4 * index + 1}` };
  const inside = { device: `${name}1`, address: `${subnet}.${4 * index + 2}` };
  await ip(
    ...["link", "add", outside.device, "type", "veth"],
    ...["peer", "name", inside.device, "netns", namespace],
  );
  const there = ["-n", namespace] as const;
  await ip("address", "add", `${outside.address}/30`, "dev", outside.device);
  await ip(...there, "address", "add", `${inside.address}/30`, "dev", inside.device);
  await ip("link", "set", outside.device, "up");
  await ip(...there, "link", "set", inside.device, "up");
  return {
    outside: { ...outside, hardware: hardwareOf(await ip("link", "show", outside.device)) },
    inside: { ...inside, hardware: hardwareOf(await ip(...there, "link", "show", inside.device)) },
  };
}

function hardwareOf(shown: string): string {
  const address = /link\/ether (\S+)/.exec(shown)?.[1];
  if (address === undefined) throw new Error(`no hardware address: ${shown}`);
  return address;
}

/** Says who has an address, for good. */
function neighbour(address: string, hardware: string, device: string): readonly string[] {
  return ["neigh", "replace", address, "lladdr", hardware, "dev", device, "nud", "permanent"];
}

async function ip(...args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("ip", { args: [...args] }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`ip ${args.join(" ")}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

async function canMakeNamespaces(): Promise<boolean> {
  if (!HAS_PERMISSIONS) return false;
  try {
    await removeOrphans();
    await using _namespace = await NetworkNamespace.open([]);
    return true;
  } catch {
    return false;
  }
}

/** Removes what the tests of a process that was killed have left. */
async function removeOrphans(): Promise<void> {
  for (const [name, pid] of (await ip("netns", "list")).matchAll(/^tsoracle-test-(\d+)-\w+/gm)) {
    const lives = await Deno.stat(`/proc/${pid}`).then(() => true, () => false);
    // Another file of tests may be quicker.
    if (!lives) await ip("netns", "delete", name).catch(() => {});
  }
}
