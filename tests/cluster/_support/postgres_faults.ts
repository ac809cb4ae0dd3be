// SPDX-License-Identifier: Apache-2.0

import type { PostgresServer } from "../../_support/engines/postgres_server.ts";
import { keepPause } from "./rig.ts";
import type { Fault } from "./rig.ts";

/** Calls of each client after the engine came back. */
const CALLS = 20;
const SESSION_KILLS = 3;

/** What can happen to a PostgreSQL below the oracles. */
export function postgresFaults(postgres: PostgresServer): readonly Fault[] {
  return [
    awayFault("PostgreSQL killed and started again", {
      take: () => postgres.kill(),
      giveBack: () => postgres.serve(),
    }),
    awayFault("PostgreSQL stopped and started again", {
      take: () => postgres.stop(),
      giveBack: () => postgres.serve(),
    }),
    outage(postgres),
    sessionsKilled(postgres),
  ];
}

interface Away {
  readonly take: () => Promise<void>;
  readonly giveBack: () => Promise<void>;
}

/** The server is away for as long as it takes to start again. */
function awayFault(name: string, { take, giveBack }: Away): Fault {
  return {
    name,
    async strike(rig) {
      await keepPause(rig, name, async () => {
        await take();
        await giveBack();
        await rig.load.more(CALLS);
      });
    },
  };
}

/** The server is paused until no node grants any more. */
function outage(postgres: PostgresServer): Fault {
  return {
    name: "PostgreSQL paused until nobody serves",
    async strike({ load }) {
      await postgres.pause();
      try {
        await load.silence();
      } finally {
        postgres.resume();
      }
      await load.more(CALLS);
    },
  };
}

/** Every connection of every oracle is cut by the server, again and again. */
function sessionsKilled(postgres: PostgresServer): Fault {
  const name = "connections to PostgreSQL killed";
  return {
    name,
    async strike(rig) {
      for (let kill = 0; kill < SESSION_KILLS; kill++) {
        await keepPause(rig, name, async () => {
          await postgres.killSessions();
          await rig.load.more(CALLS);
        });
      }
    },
  };
}
