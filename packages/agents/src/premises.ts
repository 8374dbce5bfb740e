/**
 * Premises: what the agents of one process share: one connection, one copy of the variables, one log, and what they know
 * of each other. An agent costs what is its own: its handlers and two subscriptions.
 */
import { randomBytes } from 'node:crypto';
import { openEvents, parseToken, subjects, type Bus, type Events, type Subjects } from '@mabeam/bus';
import { createLogger, type Logger } from '@mabeam/telemetry/api';
import type { VariableStore } from '@mabeam/variables';
import { AgentSpecs } from './agent-specs.ts';
import { GraphHistory } from './graph-history.ts';
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
  readonly log: Logger;
}

/** Who the process is, and where it writes its log. */
export interface PremisesOptions {
  /** Default: a fresh token. */
  readonly process?: string;
  readonly log?: Logger;
}

/** The premises on a connection and an open store; they own neither. Throws `invalid-id`. */
export function createPremises(bus: Bus, store: VariableStore, options: PremisesOptions = {}): Premises {
  const { space } = store;
  const name = parseToken('process', options.process ?? `p${randomBytes(8).toString('hex')}`);
  return {
    bus,
    space,
    process: name,
    at: subjects(space),
    store,
    events: openEvents(bus, space),
    specs: new AgentSpecs(store),
    values: new SharedValues(),
    graphs: new GraphHistory(bus, store),
    log: options.log ?? createLogger({ name: 'agents' }),
  };
}
