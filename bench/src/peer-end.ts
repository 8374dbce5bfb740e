/** The peer's end of the line (peer.ts): functions by name, called one at a time or several at once, and the end of the process. */
import { cpuUsage, memoryUsage } from 'node:process';

export type PeerFunction = (argument: unknown) => unknown;

/**
 * Takes calls until the line is cut; then the process ends. Besides the functions given there is `cpu`: user and system
 * time of this process so far, in ms.
 */
export function serveCalls(functions: Readonly<Record<string, PeerFunction>>): void {
  const all: Readonly<Record<string, PeerFunction>> = { hello: () => process.pid, cpu: cpuMs, ...functions };
  process.on('message', (message) => {
    // Only peer.ts writes on this line.
    const { id, name, argument } = message as { id: number; name: string; argument?: unknown };
    void answer(all[name], argument).then((outcome) => process.send?.({ id, ...outcome }));
  });
  process.once('disconnect', () => process.exit());
}

/** User and system time of this process so far, in ms. */
export function cpuMs(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1_000;
}

/** Bytes of heap in use after full collections. Throws without `--expose-gc`. */
export function heapBytes(): number {
  if (globalThis.gc === undefined) throw new Error('start this program with --expose-gc');
  for (let n = 0; n < 4; n++) globalThis.gc();
  return memoryUsage().heapUsed;
}

async function answer(
  called: PeerFunction | undefined,
  argument: unknown,
): Promise<{ value: unknown } | { failure: string }> {
  try {
    if (called === undefined) throw new Error('no such function');
    return { value: await called(argument) };
  } catch (error) {
    return { failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
