/**
 * A lock on a store folder: nats-server itself has none, and two servers on one store both acknowledge the same revision.
 *
 * L1  A claim is a file in `locks/` that names a process; the claim of a dead process is void.
 * L2  Whoever wants the store writes its own claim first and looks at the others second, and withdraws when it sees a
 *     living one. So of two that come at once at least one sees the other: never do both hold the store.
 * L3  A claim names first the process that starts the server, then, in the same turn as the spawn, the server's guard.
 * L4  The name of a claim is used once: what is found void stays void, so anybody may remove it.
 *
 * It is advisory and holds among the processes of one machine that see each other's pids.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { serverError } from './errors.ts';
import { identifyProcess, isSameProcessAlive, type ProcessIdentity } from './process-identity.ts';

/** How often two that came at once try again before one is told that the store is in use. */
const attempts = 4;
const pauseMs = 40;

/** A held lock. */
export class StoreLock implements Disposable {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Names the process that holds the store from now on, if it still lives. */
  handTo(pid: number): void {
    writeClaim(this.#path, pid);
  }

  /** Gives the store up. Twice is nothing. */
  [Symbol.dispose](): void {
    rmSync(this.#path, { force: true });
  }
}

/** Locks a store for this process; a dead owner's lock is taken over. Throws `store-in-use`, naming owner and folder. */
export async function lockStore(storeDir: string): Promise<StoreLock> {
  const folder = join(storeDir, 'locks');
  mkdirSync(folder, { recursive: true });
  for (let attempt = 1; ; attempt++) {
    const path = join(folder, `${randomUUID()}.json`);
    writeClaim(path, process.pid);
    const rival = livingRival(folder, path);
    if (rival === undefined) return new StoreLock(path);
    rmSync(path, { force: true });
    if (attempt === attempts) {
      const message = `the store ${storeDir} is in use by process ${rival.pid}; stop that server, use its URL, or choose another store`;
      throw serverError('store-in-use', message, { details: { storeDir, pid: rival.pid } });
    }
    await sleep(pauseMs * (1 + Math.random()));
  }
}

/** A living process named in another claim than our own (L2); void claims are removed on the way. */
function livingRival(folder: string, own: string): ProcessIdentity | undefined {
  for (const path of readdirSync(folder).map((name) => join(folder, name))) {
    if (path === own || !path.endsWith('.json')) continue;
    const rival = readClaim(path);
    if (rival && isSameProcessAlive(rival)) return rival;
    rmSync(path, { force: true });
  }
  return undefined;
}

/** Written beside and renamed, so that a claim is never seen half written. */
function writeClaim(path: string, pid: number): void {
  const owner = identifyProcess(pid);
  if (owner === undefined) return;
  writeFileSync(`${path}.new`, JSON.stringify(owner));
  renameSync(`${path}.new`, path);
}

/** The owner named in a claim; nobody when it was withdrawn a moment ago or is not ours. */
function readClaim(path: string): ProcessIdentity | undefined {
  try {
    const claim: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isIdentity(claim) ? claim : undefined;
  } catch {
    return undefined;
  }
}

function isIdentity(value: unknown): value is ProcessIdentity {
  if (typeof value !== 'object' || value === null || !('pid' in value) || !('started' in value)) return false;
  return typeof value.pid === 'number' && typeof value.started === 'string';
}
