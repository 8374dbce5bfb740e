/**
 * The directory of keys: by which public key what an agent signs is known to others (docs/protocol.md, "Keys of agents").
 *
 * Promise: a key that a host vouches for comes from the record of the instance that speaks for the agent, which its host alone writes;
 * it stays the last one known when the instance has ended. What an agent says of itself counts only where no host says anything, and is
 * marked as such; when two say different things of one agent, neither counts.
 */
import { discover, isPublicKey, parseId, parseJson, readKey, spaceNames, type Bus } from '@mabeam/bus';
import { z } from 'zod';

/** A key, and who says whose it is. */
export interface PublishedKey {
  readonly key: string;
  /** `host`: the host that started the agent. `agent`: the agent alone, or whoever pretends to be it. */
  readonly vouchedBy: 'host' | 'agent';
}

/** How keys are looked up. */
export interface KeyOptions {
  /** Who may vouch: `host` asks no agents. Default: either. */
  readonly vouchedBy?: 'host' | 'either';
  /** How long agents without a host are waited for. Default 500. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** The instance that speaks for an agent where something is signed: one only, for what was said is in its memory. */
export const speakingOrdinal = 0;

const recordSchema = z.object({ publicKey: z.string().refine(isPublicKey) });

/**
 * The public keys of these parties; who has published none is not in the map. Throws `invalid-id`, `stream-missing` (no such space),
 * `disconnected` and `cancelled`.
 */
export async function publicKeys(
  bus: Bus,
  space: string,
  parties: readonly string[],
  { vouchedBy = 'either', timeoutMs = 500, signal }: KeyOptions = {},
): Promise<ReadonlyMap<string, PublishedKey>> {
  const told = signal === undefined ? { timeoutMs } : { timeoutMs, signal };
  const found = new Map<string, PublishedKey>();
  const looked = [...new Set(parties)].map(async (party) => {
    const onRecord = await keyOnRecord(bus, space, party);
    if (onRecord !== undefined) return found.set(party, { key: onRecord, vouchedBy: 'host' });
    const key = vouchedBy === 'host' ? undefined : await keyTold(bus, space, party, told);
    return key === undefined ? found : found.set(party, { key, vouchedBy: 'agent' });
  });
  await Promise.all(looked);
  return found;
}

async function keyOnRecord(bus: Bus, space: string, party: string): Promise<string | undefined> {
  const key = `${parseId('party', party)}.${speakingOrdinal}`;
  const entry = await readKey(bus, spaceNames(space).observed, key);
  if (entry?.operation !== 'put') return undefined;
  return recordSchema.safeParse(jsonIn(entry.data)).data?.publicKey;
}

async function keyTold(
  bus: Bus,
  space: string,
  party: string,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<string | undefined> {
  const services = await discover(bus, { ...options, name: party });
  const keys = services
    .map(({ metadata }) => metadata)
    .filter((told) => told['mabeam.space'] === space && told['mabeam.ordinal'] === `${speakingOrdinal}`)
    .map((told) => told['mabeam.public-key'])
    .filter(isPublicKey);
  return new Set(keys).size === 1 ? keys[0] : undefined;
}

/** One broken record must not hide the others. */
function jsonIn(data: Uint8Array): unknown {
  try {
    return parseJson(data);
  } catch {
    return undefined;
  }
}
