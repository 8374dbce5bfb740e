/** The contenders by name; each is loaded only in the processes that run it. */
import type { Contender } from './contender.ts';

const contenders = {
  typed: () => import('./typed.ts'),
  defaults: async () => (await import('./client-request.ts')).defaults,
  'without-traces': async () => (await import('./client-request.ts')).withoutTraces,
  multiplexer: () => import('./multiplexer.ts'),
  'raw-socket': () => import('./raw-socket.ts'),
  moleculer: () => import('./moleculer.ts'),
} as const satisfies Record<string, () => Promise<Contender>>;

export type ContenderName = keyof typeof contenders;

/** Throws `RangeError` for a name nobody has. */
export async function loadContender(name: string | undefined): Promise<Contender> {
  const load = Object.entries(contenders).find(([key]) => key === name)?.[1];
  if (load === undefined) throw new RangeError(`no contender "${name}"`);
  return load();
}
