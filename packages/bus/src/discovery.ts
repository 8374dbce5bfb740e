/**
 * Being found, by ADR-32: `$SRV.PING`, `$SRV.INFO` and `$SRV.STATS`, each alone, with a name, or with a name and an id. One
 * responder per process answers for all its services, so that `nats micro ls`, `info` and `stats` show them, and a
 * service costs the server no subscription for being found.
 *
 * Field names and types are the ADR's, snake case included: they are read by other people's tools.
 */
import type { Msg } from '@nats-io/transport-node';
import type { Bus } from './bus.ts';
import { jsonBytes } from './codec.ts';
import { busError } from './errors.ts';
import type { ServiceStats } from './serve.ts';
import { wireOf, type Wire } from './wire.ts';

/** What takes messages on a subject, with its figures: a running `Service`, or something of its kind. */
export interface Served {
  readonly subject: string;
  readonly queue: string | undefined;
  readonly stats: ServiceStats;
}

/** One way into a service. */
export interface DiscoveredEndpoint {
  readonly name: string;
  /** Subject, queue group and figures are its own. */
  readonly service: Served;
  /** JSON Schemas of question and answer, and whatever else is text; a function is called when somebody asks for INFO. */
  readonly metadata?: Readonly<Record<string, string>> | (() => Readonly<Record<string, string>>);
}

/** A service as it is registered: checked at once, and read again whenever somebody asks, for it may be getters. */
export interface ServiceDescription {
  /** `[a-zA-Z0-9_-]+`, the same for all instances: the agent. */
  readonly name: string;
  /** Unique: the instance. */
  readonly id: string;
  /** Default: the process's. */
  readonly version?: string;
  readonly description?: string;
  /** May name another process than the responder's, under `mabeam.process`. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly endpoints: readonly DiscoveredEndpoint[];
}

/** The responder of a process. */
export interface Discovery extends AsyncDisposable {
  /** Makes a service discoverable until disposed. Throws `invalid-id`, or `conflict` when the process has one of that id. */
  register(description: ServiceDescription): Disposable;
}

/** A registered service; an object without closures, for there is one for each agent. */
class Registration implements Disposable {
  readonly description: ServiceDescription;
  readonly startedAtMs = Date.now();
  readonly #services: Map<string, Registration>;
  readonly #id: string;

  constructor(services: Map<string, Registration>, id: string, description: ServiceDescription) {
    this.#services = services;
    this.#id = id;
    this.description = description;
    services.set(id, this);
  }

  [Symbol.dispose](): void {
    if (this.#services.get(this.#id) === this) this.#services.delete(this.#id);
  }
}

const namePattern = /^[a-zA-Z0-9_-]+$/;
const verbs = ['PING', 'INFO', 'STATS'] as const;
type Verb = (typeof verbs)[number];

/** Answers discovery for this process. `process` and `version` (semantic) are told of every service of it. */
export function openDiscovery(
  bus: Bus,
  options: { readonly process: string; readonly version: string },
): Discovery {
  const wire = wireOf(bus);
  const services = new Map<string, Registration>();
  const answer = (verb: Verb, message: Msg): void => {
    const { reply } = message;
    if (reply === undefined || !(reply.startsWith('_INBOX') || reply.startsWith('_R_.'))) return;
    const [, , name, id, ...more] = message.subject.split('.');
    if (more.length > 0) return;
    for (const [known, service] of services) {
      if ((id ?? known) !== known || (name ?? service.description.name) !== service.description.name)
        continue;
      wire.publishIfOpen(reply, answerOf(wire, verb, service, options));
    }
  };
  const subscriptions = verbs.flatMap((verb) =>
    [`$SRV.${verb}`, `$SRV.${verb}.>`].map((subject) =>
      wire.listen(subject, (message) => answer(verb, message)),
    ),
  );
  return {
    register: (description) => register(services, description),
    [Symbol.asyncDispose]: async () => {
      services.clear();
      for (const subscription of subscriptions.splice(0)) if (!wire.closed) subscription.unsubscribe();
    },
  };
}

function register(services: Map<string, Registration>, description: ServiceDescription): Disposable {
  checkedName('service', description.name);
  const id = checkedName('service id', description.id);
  for (const { name } of description.endpoints) checkedName('endpoint', name);
  if (services.has(id)) {
    const message = `this process has a service of the id ${id} already; end that one first`;
    throw busError('conflict', message, { details: { id } });
  }
  return new Registration(services, id, description);
}

interface Owner {
  readonly process: string;
  readonly version: string;
}

/** Schemas may be larger than a message: then they are left out. */
function answerOf(wire: Wire, verb: Verb, service: Registration, owner: Owner): Uint8Array {
  const bytes = jsonBytes(replyOf(verb, service, owner, infoOf));
  const fits = bytes.length <= wire.maxPayload;
  return fits
    ? bytes
    : jsonBytes(replyOf(verb, service, owner, (endpoint) => infoOf({ ...endpoint, metadata: {} })));
}

function replyOf(
  verb: Verb,
  { description: service, startedAtMs }: Registration,
  owner: Owner,
  info: (endpoint: DiscoveredEndpoint) => object,
): object {
  const { name, id, version = owner.version, description = '' } = service;
  const metadata = { 'mabeam.process': owner.process, ...service.metadata };
  const identity = { type: `io.nats.micro.v1.${verb.toLowerCase()}_response`, name, id, version, metadata };
  if (verb === 'PING') return identity;
  if (verb === 'INFO') return { ...identity, description, endpoints: service.endpoints.map(info) };
  const started = new Date(startedAtMs).toISOString();
  return { ...identity, started, endpoints: service.endpoints.map(statsOf) };
}

function infoOf({ name, service, metadata: given = {} }: DiscoveredEndpoint): object {
  const metadata = typeof given === 'function' ? given() : given;
  return { name, subject: service.subject, queue_group: service.queue ?? '', metadata };
}

/** Times are whole nanoseconds here, as the ADR has them. */
function statsOf({ name, service }: DiscoveredEndpoint): object {
  const { requests, errors, processingMs, lastError } = service.stats;
  return {
    name,
    subject: service.subject,
    queue_group: service.queue ?? '',
    num_requests: requests,
    num_errors: errors,
    last_error: lastError ?? '',
    processing_time: Math.round(processingMs * 1e6),
    average_processing_time: requests === 0 ? 0 : Math.round((processingMs * 1e6) / requests),
  };
}

/** A name as it stands in a subject; throws `invalid-id`. */
export function checkedName(kind: string, name: string): string {
  if (namePattern.test(name)) return name;
  const message = `${kind} name: "${name}" may have only letters, digits, "_" and "-"; choose another`;
  throw busError('invalid-id', message, { details: { kind, id: name } });
}
