/**
 * Waits until a starting nats-server listens: it then writes a file that names its process and its ports. When it ends
 * instead, its log says why.
 */
import { fstatSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { busError } from '../errors.ts';
import { serverError } from './errors.ts';
import type { ServerExit } from './guard.ts';

const readyWithinMs = 10_000;
const pollEveryMs = 5;
const tailBytes = 4096;
const tailLines = 6;

/** What the server says of itself when it listens. */
export interface ReadyServer {
  readonly pid: number;
  readonly port: number;
}

/** Options of `awaitPorts`. */
export interface AwaitPortsOptions {
  readonly exited: Promise<ServerExit>;
  /** Descriptor of the log, open for reading; it works even when the file is already removed. */
  readonly log: number;
  /** Where in the log this start begins. */
  readonly logStart: number;
  readonly port: number | 'random' | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Resolves when the server listens, within 10 s. Throws `port-taken`, `server-failed` or `cancelled`. */
export async function awaitPorts(portsDir: string, options: AwaitPortsOptions): Promise<ReadyServer> {
  const { exited, log, logStart, signal } = options;
  let ending: ServerExit | undefined;
  void exited.then((exit) => (ending = exit));
  const deadline = performance.now() + readyWithinMs;
  while (performance.now() < deadline) {
    if (signal?.aborted)
      throw busError('cancelled', 'the start of nats-server was cancelled', { cause: signal.reason });
    const ready = ending === undefined ? readPorts(portsDir) : undefined;
    if (ready) return ready;
    if (ending)
      throw failureOf(options, lastLines(log, logStart), `ended at its start (${describeExit(ending)})`);
    await sleep(pollEveryMs);
  }
  throw failureOf(options, lastLines(log, logStart), `does not listen after ${readyWithinMs} ms`);
}

function readPorts(portsDir: string): ReadyServer | undefined {
  try {
    const file = readdirSync(portsDir).find((name) => name.endsWith('.ports'));
    const pid = /_(\d+)\.ports$/.exec(file ?? '')?.[1];
    if (file === undefined || pid === undefined) return undefined;
    const ports: unknown = JSON.parse(readFileSync(join(portsDir, file), 'utf8'));
    const port = /"nats:\/\/[^"]*:(\d+)"/.exec(JSON.stringify(ports))?.[1];
    return port === undefined ? undefined : { pid: Number(pid), port: Number(port) };
  } catch {
    // Not yet there, or half written: the next look will see it whole.
    return undefined;
  }
}

function failureOf(options: AwaitPortsOptions, log: string, what: string): Error {
  const { port = 'random' } = options;
  if (log.includes(`:${port}: bind: address already in use`)) {
    const message = `port ${port} is taken by another process; stop it, choose another port, or set NATS_URL if a NATS server listens there`;
    return serverError('port-taken', message, { details: { port } });
  }
  return serverError('server-failed', `nats-server ${what}. Its last words:\n${log}`, {
    details: { port, log },
  });
}

function lastLines(log: number, from: number): string {
  const start = Math.max(from, fstatSync(log).size - tailBytes);
  const buffer = Buffer.alloc(tailBytes);
  const length = readSync(log, buffer, 0, tailBytes, start);
  return buffer.toString('utf8', 0, length).trim().split('\n').slice(-tailLines).join('\n');
}

function describeExit({ code, signal }: ServerExit): string {
  return signal === undefined ? `code ${code}` : `signal ${signal}`;
}
