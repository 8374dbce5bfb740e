/**
 * The freeze (ruling R25): one key of the bucket that stops all automation.
 *
 * Z1  While it is there, the orchestrator decides nothing and starts nothing; people may still write variables. It is theirs to
 *     look, mend, and unfreeze.
 * Z2  Whatever stands under the key freezes, malformed or not: who pulls the brake is not asked for a form.
 */
import * as z from 'zod';
import { readJson } from './entry.ts';

/** Why the space stands still. */
export interface FreezeState {
  /** Revision of the key. */
  readonly revision: number;
  /** Who froze it; `unknown` when the entry does not say. */
  readonly by: string;
  /** When, as ISO time by the writer's clock; empty when the entry does not say. */
  readonly at: string;
  /** Empty when the entry does not say. */
  readonly reason: string;
}

/** What stands under the key. */
export interface FreezeEntry {
  readonly v: 1;
  readonly by: string;
  readonly at: string;
  readonly reason: string;
}

const entrySchema = z.object({
  by: z.string().catch('unknown'),
  at: z.string().catch(''),
  reason: z.string().catch(''),
});

/** The freeze in these bytes (Z2). */
export function readFreeze(data: Uint8Array, revision: number): FreezeState {
  const said = entrySchema.safeParse(readJson(data)?.json);
  return { revision, ...(said.success ? said.data : { by: 'unknown', at: '', reason: '' }) };
}
