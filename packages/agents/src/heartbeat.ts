/**
 * The heartbeat: what an agent process says of itself, each second and at once when the revision its handlers see has
 * changed. A signal: it may be lost, the next one follows; silence is not death (the host's lease says who is dead).
 */
import { MabeamError, subjects, type Bus } from '@mabeam/bus';
import type { VariableStore } from '@mabeam/variables';
import { z } from 'zod';
import type { Hosting } from './hosting.ts';

/** What an agent process says of itself. */
export interface Heartbeat {
  readonly agent: string;
  readonly ordinal: number;
  readonly incarnation: string;
  readonly status: 'active' | 'stopping';
  /** Revision of the variables bucket that the agent's handlers see. */
  readonly applied: number;
  /** Revision of the agent's definition whose configuration they see; 0 when the space does not define it. */
  readonly definitionRevision?: number | undefined;
}

const heartbeatSchema: z.ZodType<Heartbeat> = z.object({
  agent: z.string(),
  ordinal: z.number(),
  incarnation: z.string(),
  status: z.enum(['active', 'stopping']),
  applied: z.number(),
  definitionRevision: z.number().optional(),
});

/** How often an agent beats. */
export const heartbeatEveryMs = 1_000;

/** Reads a heartbeat; undefined when it is none: a stranger's message on the subject is nothing. */
export function parseHeartbeat(body: unknown): Heartbeat | undefined {
  return heartbeatSchema.safeParse(body).data;
}

/** Beats until disposed. */
export function startHeartbeat(bus: Bus, hosting: Hosting, store: VariableStore): Disposable {
  const { space, agent, ordinal, incarnation } = hosting;
  const subject = subjects(space).signal('heartbeat', agent);
  const beat = (status: Heartbeat['status'] = 'active'): void => {
    try {
      bus.publish(subject, {
        agent,
        ordinal,
        incarnation,
        status,
        applied: store.applied,
        definitionRevision: store.replica.revisionOf(`definition.agent.${agent}`),
      } satisfies Heartbeat);
    } catch (error) {
      if (!(error instanceof MabeamError)) throw error;
      // Not connected: the next beat after the reconnect says it all.
    }
  };
  const timer = setInterval(beat, heartbeatEveryMs);
  const changes = store.replica.onChange(() => beat());
  const reconnects = bus.onReconnect(() => beat());
  beat();
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      changes[Symbol.dispose]();
      reconnects[Symbol.dispose]();
      beat('stopping');
    },
  };
}
