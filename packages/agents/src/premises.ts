/**
 * Premises: what the agents of one process share: one connection, one copy of the variables, one log, and what they know
 * of each other. An agent costs what is its own: its handlers and two subscriptions.
 */
import { randomBytes } from 'node:crypto';
import { openEvents, parseToken, subjects, type Bus, type Events, type Subjects } from '@mabeam/bus';
import { createLogger, type Logger } from '@mabeam/telemetry/api';
import type { VariableStore } from '@mabeam/variables';
import { Admission } from './admission.ts';
import { AgentSpecs } from './agent-specs.ts';
import { GraphHistory } from './graph-history.ts';
import { capacityIn } from './hosting.ts';
import { SharedValues } from './shared-values.ts';

/** What the agents of one process share. */
export interface Premises {
  readonly bus: Bus;
  readonly space: string;
  /** Token of this process, as in `signal.applied.<process>`. */
  readonly process: string;
  readonly at: Subjects;
  readonly store: VariableStore;
  readonly events: Events;
  readonly specs: AgentSpecs;
  readonly values: SharedValues;
  readonly graphs: GraphHistory;
  readonly admission: Admission;
  readonly log: Logger;
}

/** Who the process is, and where it writes its log. */
export interface PremisesOptions {
  /** Default: a fresh token. */
  readonly process?: string;
  readonly log?: Logger;
  /** Default `MABEAM_CAPACITY`, else 1 024. */
  readonly capacity?: number;
}

/** The premises on a connection and an open store; they own neither. Throws `invalid-id`, `invalid-hosting` over a capacity. */
export function createPremises(bus: Bus, store: VariableStore, options: PremisesOptions = {}): Premises {
  const { space } = store;
  const name = parseToken('process', options.process ?? `p${randomBytes(8).toString('hex')}`);
  const specs = new AgentSpecs(store);
  return {
    bus,
    space,
    process: name,
    at: subjects(space),
    store,
    events: openEvents(bus, space),
    specs,
    values: new SharedValues(),
    graphs: new GraphHistory(bus, store),
    admission: new Admission(store, specs, capacityIn(process.env, options.capacity)),
    log: options.log ?? createLogger({ name: 'agents' }),
  };
}
