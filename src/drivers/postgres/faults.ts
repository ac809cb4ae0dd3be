// SPDX-License-Identifier: Apache-2.0

import {
  ConsensusError,
  PermanentError,
  TransientError,
  UnavailableError,
} from "../../consensus/errors.ts";

/** Faults that another try does not mend, by class of SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const PERMANENT_CLASSES = ["0A", "22", "23", "25", "28", "3D", "3F", "42", "54", "F0"];
const CORRUPT = ["XX001", "XX002"];

/** The server has rolled the statement back for the sake of others. */
const ROLLED_BACK = ["40001", "40P01", "55P03"];

/** What a fault of an answered statement, or of one without an answer, means to the oracle. */
export function statementFault(error: unknown): ConsensusError {
  if (error instanceof ConsensusError) return error;
  const state = sqlStateOf(error);
  if (state !== undefined && isPermanent(state)) return permanent(error, state);
  if (state !== undefined && ROLLED_BACK.includes(state)) {
    return new UnavailableError(`PostgreSQL rolled a statement back: ${textOf(error)}`, {
      cause: error,
    });
  }
  return new TransientError(
    `Cannot tell whether PostgreSQL has carried a statement out: ${textOf(error)}`,
    { cause: error },
  );
}

/** What a fault before the first statement means: nothing was asked of the server yet. */
export function connectFault(error: unknown, address: string): ConsensusError {
  if (error instanceof ConsensusError) return error;
  const state = sqlStateOf(error);
  if (state !== undefined && isPermanent(state)) return permanent(error, state, address);
  if (error instanceof Error && error.name === "NotCapable") {
    return new PermanentError(`Cannot connect to PostgreSQL at ${address}: ${error.message}`, {
      cause: error,
    });
  }
  if (isRefusedCertificate(error)) {
    return new PermanentError(
      `Cannot connect to PostgreSQL at ${address} with TLS: ${
        textOf(error)
      }; its authority belongs into 'tls.caPem', a certificate that it accepts into 'tls.certPem'`,
      { cause: error },
    );
  }
  return new UnavailableError(`Cannot connect to PostgreSQL at ${address}: ${textOf(error)}`, {
    cause: error,
  });
}

function permanent(error: unknown, state: string, address?: string): PermanentError {
  const where = address === undefined ? "" : ` at ${address}`;
  const wayOut = wayOutOf(state);
  const words = wayOut === undefined ? "" : `; ${wayOut}`;
  return new PermanentError(
    `PostgreSQL${where} refuses with SQLSTATE ${state}: ${textOf(error)}${words}`,
    { cause: error },
  );
}

function wayOutOf(state: string): string | undefined {
  if (state.startsWith("28")) return "correct the user or password of the URL, or pg_hba.conf";
  if (state === "3D000") return "create the database, or correct the URL";
  if (state === "25006") return "the role or the database sets default_transaction_read_only";
  if (state === "42501") return "grant what docs/engines.md lists";
  if (state === "42P01" || state === "3F000" || state === "42703") {
    return "part of the store is missing: restore it from a backup (docs/engines.md)";
  }
  return undefined;
}

/** Whether one side does not accept the certificate of the other, in the words of Node or of Deno. */
function isRefusedCertificate(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return /CERT|ERR_TLS|UNABLE_TO_VERIFY/.test(code) ||
    /certificate|alert.*unknown.?ca|does not support SSL/i.test(textOf(error));
}

function isPermanent(state: string): boolean {
  return PERMANENT_CLASSES.includes(state.slice(0, 2)) || CORRUPT.includes(state);
}

/** The five characters by which a server names an error, if it was one that the server sent. */
function sqlStateOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  const { code } = error;
  // Errors of sockets have codes too, such as EPIPE: those of the server come with a severity.
  return typeof code === "string" && "severity" in error ? code : undefined;
}

function textOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") {
    return error.errors.map(textOf).join(", ");
  }
  return error instanceof Error ? error.message : String(error);
}
