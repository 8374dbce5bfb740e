/**
 * Being found: each agent instance is a service of NATS ADR-32, so that `nats micro ls`, `info` and `stats` show it, with the
 * endpoints it really serves, their schemas and their figures (docs/protocol.md, "Discovery").
 *
 * Invariants
 *  L1  An agent is found while it takes things in: from its first subscription until it begins to stop.
 *  L2  There is one responder for a connection, whoever's agents are on it; the last agent that goes takes it along.
 *  L3  What is told is made up when somebody asks. What an agent keeps for it is an object, and no subscription.
 *  L4  That it cannot be found keeps no agent from its work: it is logged.
 */
import { readFileSync } from 'node:fs';
import {
  openDiscovery,
  Service,
  type Bus,
  type DiscoveredEndpoint,
  type Discovery,
  type Served,
  type ServiceDescription,
} from '@mabeam/bus';
import type { Logger } from '@mabeam/telemetry/api';
import type { Instance } from './context.ts';
import type { AgentForm } from './define.ts';
import type { Door } from './door.ts';
import { edgeKinds } from './edge.ts';
import { jsonSchemas, schemasOf, type HandlerSchemas } from './json-schema.ts';
import type { Premises } from './premises.ts';

/** L2. */
interface Responder {
  readonly discovery: Discovery;
  agents: number;
}

const responders = new WeakMap<Bus, Responder>();

/** A member as whoever looks it up sees it. */
export interface ListedMember {
  readonly premises: Premises;
  readonly instance: Instance;
  readonly definition: AgentForm;
  readonly doors: readonly Door[];
  /** The key it signs with, once it has needed one. */
  readonly publicKey: string | undefined;
  readonly log: Logger;
}

/** Makes a member discoverable until the door that is returned closes. */
export function openListing(member: ListedMember): Door {
  const listing = new Listing(member);
  try {
    listing.open();
  } catch (error) {
    member.log.warn({ err: error }, 'the agent works, but cannot be found by discovery');
  }
  return listing;
}

/** What an agent instance says of itself; L3. */
class Listing implements ServiceDescription, Door {
  readonly #member: ListedMember;
  #registration: Disposable | undefined;

  constructor(member: ListedMember) {
    this.#member = member;
  }

  open(): void {
    const { bus, process } = this.#member.premises;
    const responder = responders.get(bus) ?? {
      discovery: openDiscovery(bus, { process, version: readVersion() }),
      agents: 0,
    };
    this.#registration = responder.discovery.register(this);
    responder.agents += 1;
    responders.set(bus, responder);
  }

  async close(): Promise<void> {
    const { bus } = this.#member.premises;
    const responder = responders.get(bus);
    if (this.#registration === undefined || responder === undefined) return;
    this.#registration[Symbol.dispose]();
    this.#registration = undefined;
    responder.agents -= 1;
    if (responder.agents > 0) return;
    responders.delete(bus);
    await responder.discovery[Symbol.asyncDispose]();
  }

  get name(): string {
    return this.#member.instance.agent;
  }

  /** An incarnation never comes twice, so this is unique over spaces and restarts. */
  get id(): string {
    const { agent, ordinal, incarnation } = this.#member.instance;
    return `${agent}-${ordinal}-${incarnation.replaceAll(/[^a-zA-Z0-9_-]/g, '_')}`;
  }

  get description(): string {
    return `agent ${this.name} of the space ${this.#member.premises.space}`;
  }

  get metadata(): Readonly<Record<string, string>> {
    const { instance, premises, publicKey } = this.#member;
    return {
      'mabeam.process': premises.process,
      'mabeam.space': premises.space,
      'mabeam.ordinal': `${instance.ordinal}`,
      'mabeam.incarnation': instance.incarnation,
      ...(publicKey === undefined ? {} : { 'mabeam.public-key': publicKey }),
    };
  }

  get endpoints(): readonly DiscoveredEndpoint[] {
    const { doors, definition } = this.#member;
    return doors.flatMap((door) => {
      const service = door instanceof Service ? door : door.served;
      const way = service === undefined ? undefined : wayThrough(service, definition);
      if (service === undefined || way === undefined) return [];
      return [{ name: way.name, service, metadata: () => jsonSchemas(way.schemas) }];
    });
  }
}

interface Way {
  readonly name: string;
  readonly schemas: HandlerSchemas;
}

/** What a subject is a way to, by its class; undefined when there is no handler behind it, or none of the author's. */
function wayThrough({ subject }: Served, definition: AgentForm): Way | undefined {
  const [, , kind, ...rest] = subject.split('.');
  if (kind === 'task') return { name: 'task', schemas: definition };
  if (kind === 'ask' && definition.ask !== undefined) {
    return { name: rest[0] === 'group' ? 'group' : 'ask', schemas: definition };
  }
  const edge = kind === 'edge' ? edgeKinds.find((known) => known === rest.at(-1)) : undefined;
  return edge === undefined
    ? undefined
    : { name: `edge-${edge}`, schemas: schemasOf(definition.edges?.[edge]) };
}

/** The version of this package: it is what answers. Where it was bundled into something else, none is known. */
function readVersion(): string {
  try {
    const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
    return /"version":\s*"([^"]+)"/.exec(text)?.[1] ?? '0.0.0';
  } catch {
    return '0.0.0';
  }
}
