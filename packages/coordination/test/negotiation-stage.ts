/** The stage of negotiations: a fresh space on the tests' server, who negotiates in it, and parties on connections of their own. */
import { connectBus, deleteStreams, ensureStreams, openEvents, spaceStreams, type Bus } from '@mabeam/bus';
import { participate, type PartyVoice } from '@mabeam/coordination';
import { freshSpace } from '@mabeam/testing';
import { expect, inject } from 'vitest';
import * as z from 'zod';

export interface Stage extends AsyncDisposable {
  readonly bus: Bus;
  readonly space: string;
  /** Brings a party with this voice, on a connection of its own. */
  readonly party: (id: string, voice: PartyVoice) => Promise<Bus>;
  /** The bodies of the events of rounds, in order, each with what its header calls the round. */
  readonly rounds: () => Promise<readonly Record<string, unknown>[]>;
}

/** Sets the stage; disposing of it takes everything down again. */
export async function openStage(): Promise<Stage> {
  const bus = await connectBus({ url: inject('natsUrl'), name: 'coordination-test' });
  const space = freshSpace();
  await ensureStreams(bus, spaceStreams(space));
  const buses: Bus[] = [];
  return {
    bus,
    space,
    party: async (id, voice) => {
      const own = await connectBus({ url: inject('natsUrl'), name: id });
      buses.push(own);
      await participate(own, space, id, voice).ready();
      return own;
    },
    rounds: async () => {
      const bodies: Record<string, unknown>[] = [];
      for await (const event of openEvents(bus, space).read({ filter: 'event.round.*.*' })) {
        const body = z.record(z.string(), z.unknown()).parse(event.json());
        bodies.push({ ...body, header: event.headers.get('mabeam-round') });
      }
      return bodies;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(buses.map((own) => own.close(0)));
      await deleteStreams(
        bus,
        spaceStreams(space).map(({ name }) => name),
      );
      await bus.close();
    },
  };
}

/** Matches an error by its code. */
export function code(expected: string): unknown {
  return expect.objectContaining({ code: expected });
}
