/**
 * Discovery by ADR-32: `$SRV.PING`, `$SRV.INFO` and `$SRV.STATS`, each alone, with a name, or with a name and an id. One
 * responder per process answers for all its services, so that `nats micro ls`, `info` and `stats` show them, and a
 * service costs the server no subscription for being found.
 *
 * Field names and types are the ADR's, snake case included: they are read by other people's tools.
 */
import type { Msg } from '@nats-io/transport-node';
import type { Bus } from './bus.ts';
import { jsonBytes } from './codec.ts';
import { MabeamError } from './error.ts';
import { busError } from './errors.ts';
import { busMessage } from './message.ts';
import type { Service } from './serve.ts';
import { wireOf } from './wire.ts';

export interface DiscoveredEndpoint {
  readonly name: string;
  /** The running responder: subject, queue group and figures are its own. */
  readonly service: Service;
  /** JSON Schemas of question and answer, and whatever else is text. */
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface ServiceDescription {
  /** `[a-zA-Z0-9_-]+`, the same for all instances: the agent. */
  readonly name: string;
  /** Unique: the instance. */
  readonly id: string;
  /** Default: the process's. */
  readonly version?: string;
  readonly description?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly endpoints: readonly DiscoveredEndpoint[];
}

export interface Discovery extends AsyncDisposable {
  /** Makes a service discoverable until disposed. Throws `invalid-id`, or `conflict` when the process has one of that id. */
  register(description: ServiceDescription): Disposable;
}

/** What a service says of itself in a PING. */
export interface DiscoveredService {
  readonly type: string;
  readonly name: string;
  readonly id: string;
  readonly version: string;
  readonly metadata: Readonly<Record<string, string>>;
}

interface Registered extends ServiceDescription {
  readonly startedAt: Date;
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
  const services = new Map<string, Registered>();
  const answer = (verb: Verb, message: Msg): void => {
    const { reply } = message;
    if (reply === undefined || !(reply.startsWith('_INBOX') || reply.startsWith('_R_.'))) return;
    const [, , name, id, ...more] = message.subject.split('.');
    if (more.length > 0) return;
    for (const service of services.values()) {
      if ((name ?? service.name) !== service.name || (id ?? service.id) !== service.id) continue;
      wire.publishIfOpen(reply, jsonBytes(replyOf(verb, service, options)));
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

/** Asks who is there and resolves after `timeoutMs` with everybody who answered, by name and id. */
export async function discover(
  bus: Bus,
  options: { readonly timeoutMs: number; readonly name?: string; readonly signal?: AbortSignal },
): Promise<DiscoveredService[]> {
  const wire = wireOf(bus);
  const subject =
    options.name === undefined ? '$SRV.PING' : `$SRV.PING.${checkedName('service', options.name)}`;
  wire.assertConnected(subject);
  const answers = await wire.calls.collect(subject, new Uint8Array(0), {
    timeoutMs: options.timeoutMs,
    signal: options.signal,
    isLast: ({ headers }) => headers?.code === 503,
    partial: true,
  });
  return answers
    .flatMap((message) => pingIn(message) ?? [])
    .toSorted((a, b) => (`${a.name}.${a.id}` < `${b.name}.${b.id}` ? -1 : 1));
}

function register(services: Map<string, Registered>, description: ServiceDescription): Disposable {
  checkedName('service', description.name);
  checkedName('service id', description.id);
  for (const { name } of description.endpoints) checkedName('endpoint', name);
  if (services.has(description.id)) {
    const message = `this process has a service of the id ${description.id} already; end that one first`;
    throw busError('conflict', message, { details: { id: description.id } });
  }
  const service = { ...description, startedAt: new Date() };
  services.set(description.id, service);
  return {
    [Symbol.dispose]: () => {
      if (services.get(description.id) === service) services.delete(description.id);
    },
  };
}

function replyOf(
  verb: Verb,
  service: Registered,
  owner: { readonly process: string; readonly version: string },
): object {
  const metadata = { ...service.metadata, 'mabeam.process': owner.process };
  const { name, id, version = owner.version, description = '' } = service;
  const identity = { type: `io.nats.micro.v1.${verb.toLowerCase()}_response`, name, id, version, metadata };
  if (verb === 'PING') return identity;
  if (verb === 'INFO') return { ...identity, description, endpoints: service.endpoints.map(infoOf) };
  return { ...identity, started: service.startedAt.toISOString(), endpoints: service.endpoints.map(statsOf) };
}

function infoOf({ name, service, metadata = {} }: DiscoveredEndpoint): object {
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

/** What a stranger answers that is no PING is left out. */
function pingIn(message: Msg): DiscoveredService | undefined {
  try {
    const body = message.data.length === 0 ? undefined : busMessage(message).json();
    if (typeof body !== 'object' || body === null) return undefined;
    const given: Readonly<Record<string, unknown>> = { ...body };
    const { type, name, id, version } = given;
    const isText = [type, name, id, version].every((value) => typeof value === 'string');
    if (!isText || type !== 'io.nats.micro.v1.ping_response') return undefined;
    return {
      type,
      name: String(name),
      id: String(id),
      version: String(version),
      metadata: textsIn(given['metadata']),
    };
  } catch (error) {
    if (error instanceof MabeamError) return undefined;
    throw error;
  }
}

function textsIn(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter(([, text]) => typeof text === 'string'));
}

function checkedName(kind: string, name: string): string {
  if (namePattern.test(name)) return name;
  const message = `${kind} name: "${name}" may have only letters, digits, "_" and "-"; choose another`;
  throw busError('invalid-id', message, { details: { kind, id: name } });
}
