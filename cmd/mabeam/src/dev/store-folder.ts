/**
 * A store that lasts as long as its session: a temporary folder that outlives every restart of the server, and is gone when the
 * session is, even when the session is killed: a tiny shell holds a pipe to us and removes the folder when the pipe ends.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A line on the pipe: the server is gone. The end of the pipe: we are, and the server will be in a moment. */
const script = `
trap '' TERM INT HUP
read -r _ || sleep 1
tries=0
while rm -rf -- "$1" 2>/dev/null; [ -e "$1" ] && [ $tries -lt 12 ]; do sleep 0.5; tries=$((tries + 1)); done
`;

/** A temporary store; disposing removes it. The server must have ended before. */
export class TemporaryStore implements AsyncDisposable {
  readonly path: string;
  readonly #remover: ChildProcess;

  /** Use `openTemporaryStore`. */
  constructor(path: string, remover: ChildProcess) {
    this.path = path;
    this.#remover = remover;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#remover.exitCode !== null || this.#remover.signalCode !== null) return;
    const gone = once(this.#remover, 'exit');
    this.#remover.ref();
    this.#remover.stdin?.end('remove\n');
    await gone;
  }
}

/** Makes a temporary store of this session. */
export function openTemporaryStore(): TemporaryStore {
  const path = mkdtempSync(join(tmpdir(), 'mabeam-dev-'));
  const remover = spawn('/bin/sh', ['-c', script, 'mabeam-store', path], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  remover.stdin?.on('error', () => undefined); // its exit tells the same
  remover.once('error', () => undefined); // no shell: the folder stays, and no server starts either
  remover.unref();
  return new TemporaryStore(path, remover);
}
