/**
 * The version of a nats-server binary: which one MABEAM needs, how a binary is asked, how two are compared.
 *
 * 2.12 is the first with atomic batches and counters; an older server ignores what it does not know, silently, so it is
 * refused before it starts.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** The lowest nats-server version that MABEAM works with. */
export const requiredServerVersion = '2.12.0';

/** The version that is fetched when none is found. */
export const fetchedServerVersion = '2.15.1';

/** A binary that takes longer than this to say its version is not a nats-server. */
const answerWithinMs = 5000;

/** The version in `nats-server --version` output ("nats-server: v2.15.1"), without a suffix such as "-RC.2". */
export function parseVersion(output: string): string | undefined {
  return /nats-server:?\s+v?(\d+\.\d+\.\d+)/i.exec(output)?.[1];
}

/** Is `version` at least `required`? Both as "major.minor.patch". */
export function isVersionAtLeast(version: string, required: string): boolean {
  const [have, need] = [version, required].map((text) => text.split('.').map(Number));
  for (let i = 0; i < 3; i++) {
    const difference = (have?.[i] ?? 0) - (need?.[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** Asks a binary for its version; undefined when there is no such file, or it is no nats-server. */
export async function readServerVersion(bin: string, signal?: AbortSignal): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(bin, ['--version'], { timeout: answerWithinMs, signal });
    return parseVersion(stdout);
  } catch {
    // Whatever the reason (no such file, not executable, wrong machine), the answer is the same: it has no version.
    return undefined;
  }
}
