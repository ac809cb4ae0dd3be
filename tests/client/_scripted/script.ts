// SPDX-License-Identifier: Apache-2.0

// What a scenario and the stage tell each other. Everything survives JSON: 64-bit numbers are decimal.

/** The methods that a script knows, as the log names them. */
export type Method =
  | "getTs"
  | "getSeq"
  | "getSeqBatch"
  | "acquireLease"
  | "renewLease"
  | "releaseLease";

/** What a not-leader answer says about the leader. */
export type Hint =
  /** Nothing, and the trailer is absent. */
  | { readonly kind: "absent" }
  /** Nothing, and the trailer is there. */
  | { readonly kind: "empty" }
  /** Bytes that need not be a hint. */
  | { readonly kind: "bytes"; readonly hex: string }
  /** A text that need not be an address. */
  | { readonly kind: "endpoint"; readonly endpoint: string; readonly epoch?: string }
  /** A server of the cluster. */
  | { readonly kind: "server"; readonly server: number; readonly epoch?: string };

/** Where an answer waits until it is released: with or without a value that was granted already. */
export type Hold = "before-grant" | "after-grant";

/** What a server does with one call. */
export type Step =
  /** What a node of the cluster would do: the leader answers, the others say who leads. */
  | { readonly do: "by-role"; readonly hold?: Hold }
  /** Answers as the leader, whoever leads. `surplus` timestamps more than were asked for. */
  | { readonly do: "lead"; readonly hold?: Hold; readonly surplus?: number }
  /** Answers with this block, whoever was given it before. */
  | {
    readonly do: "grant";
    readonly physicalMs: number;
    readonly logicalStart: number;
    readonly epoch: string;
  }
  | { readonly do: "not-leader"; readonly hint: Hint }
  | { readonly do: "fail"; readonly code: "unavailable" | "internal" | "resource-exhausted" }
  /** Never answers. */
  | { readonly do: "silence" }
  /** Answers as the leader, and cuts the connection before the answer or in the midst of it. */
  | { readonly do: "cut"; readonly when: "before" | "midway" };

/** A server of a cluster. */
export interface ServerPlan {
  /** What it does with its first calls. */
  readonly script?: readonly Step[];
  /** What it does with all later ones; by its role if absent. */
  readonly then?: Step;
  /** Whether it speaks TLS, and whether it asks for a client's certificate. */
  readonly tls?: "server" | "mutual";
}

/** A call that came to a server, in the order of arrival over all servers of the cluster. */
export interface Arrival {
  readonly server: number;
  readonly method: Method;
  /** How many timestamps or ordinals were asked for; 0 for leases. */
  readonly count: number;
  /** What was granted, once something was. */
  readonly granted?: GrantedBlock;
}

/** A block of timestamps that was granted to a call. */
export interface GrantedBlock {
  readonly physicalMs: number;
  readonly logicalStart: number;
  readonly count: number;
  readonly epoch: string;
}

/** The server that a command means. */
export interface ServerRef {
  readonly cluster: number;
  readonly server: number;
}

/** What a scenario may ask of the stage. */
export type Command =
  /** Starts servers. The first one leads. */
  | { readonly op: "open"; readonly servers: readonly ServerPlan[] }
  /** Stops the servers of a cluster. */
  | { readonly op: "close"; readonly cluster: number }
  /** Makes a server the leader of the next epoch; without one an election goes on. */
  | { readonly op: "elect"; readonly cluster: number; readonly leader?: number }
  /** Everything that came, so far. */
  | { readonly op: "log"; readonly cluster: number }
  /** Waits until so many calls have come. */
  | {
    readonly op: "arrived";
    readonly cluster: number;
    readonly count: number;
    readonly server?: number;
    readonly method?: Method;
  }
  /** Lets held answers go, and holds none from here on. */
  | ({ readonly op: "release" } & ServerRef)
  /** Cuts all connections and accepts none. */
  | ({ readonly op: "down" } & ServerRef)
  /** Accepts again, on the same port. */
  | ({ readonly op: "up" } & ServerRef)
  /** Cuts all connections the hard way, and accepts new ones. */
  | ({ readonly op: "reset" } & ServerRef)
  /** Lets no byte through in either direction, and keeps the connections. */
  | ({ readonly op: "freeze" } & ServerRef)
  | ({ readonly op: "thaw" } & ServerRef)
  /** Waits until no connection is open. */
  | ({ readonly op: "idle" } & ServerRef)
  /** The first bytes that came on each connection, in hexadecimal. */
  | ({ readonly op: "heads" } & ServerRef)
  /** Gives the leases of a holder to the next generation of that holder. */
  | { readonly op: "supersede"; readonly cluster: number; readonly holder: string }
  /** Certificates for scenarios that speak TLS. */
  | { readonly op: "certificates" };

/** What `open` answers. */
export interface OpenedCluster {
  readonly cluster: number;
  /** The servers' addresses, `host:port`. */
  readonly addresses: readonly string[];
}

/** What `certificates` answers; all PEM. */
export interface ClientCertificates {
  /** The authority of the servers. */
  readonly ca: string;
  /** An authority that signed no server. */
  readonly wrongCa: string;
  /** A client that servers with mutual TLS accept. */
  readonly cert: string;
  readonly key: string;
  /** A client that they do not. */
  readonly strangerCert: string;
  readonly strangerKey: string;
}
