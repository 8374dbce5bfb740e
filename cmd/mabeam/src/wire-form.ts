/** In which form agents are asked: the plain one where a definition says so, for want of our library. */
import { parseAgentSpec, wireForm, type WireForm } from '@mabeam/agents';
import { isId, parseJson, readKey, spaceNames } from '@mabeam/bus';
import type { Place } from './session.ts';

/** The form in which an agent is asked; `envelope` for whom the space does not define. */
export async function wireFormOf({ bus, space }: Place, agent: string): Promise<WireForm> {
  if (!isId(agent)) return 'envelope';
  const entry = await readKey(bus, spaceNames(space).bucket, `definition.agent.${agent}`);
  return entry?.operation === 'put' ? wireForm(parseAgentSpec(parseJson(entry.data))) : 'envelope';
}

/** The parties of a round, with the form in which each is asked that says nothing of it itself. */
export async function withWire<
  P extends { readonly party: string; readonly wire?: 'envelope' | 'json' | undefined },
>(place: Place, parties: readonly P[]): Promise<readonly (P & { readonly wire: 'envelope' | 'json' })[]> {
  return await Promise.all(
    parties.map(async (party) => {
      const wire = party.wire ?? ((await wireFormOf(place, party.party)) === 'plain' ? 'json' : 'envelope');
      return { ...party, wire } as const;
    }),
  );
}
