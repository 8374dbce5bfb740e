/**
 * The registry: what is known about nodes and instances, as it stands in the buckets (docs/protocol.md, "Buckets"). Hosts
 * write it; the orchestrator and the command line read it. Readers are tolerant: unknown fields are ignored, and what is
 * no entry is undefined rather than an error, because one broken entry must not hide the others.
 */
import { isId, parseId } from '@mabeam/bus';
import { z } from 'zod';

/** Time to live of the leases of nodes and instances. */
export const leaseTtlMs = 2_000;

/** Which instance: an agent may have several, counted by their ordinal. */
export interface InstanceId {
  readonly agent: string;
  readonly ordinal: number;
}

/** The instance's key in the observed bucket. */
export function observedKey({ agent, ordinal }: InstanceId): string {
  return `${parseId('agent', agent)}.${ordinal}`;
}

/** The instance's key in the leases bucket. */
export function instanceLeaseKey(instance: InstanceId): string {
  return `instance.${observedKey(instance)}`;
}

/** The instance of an observed key or of a lease key; undefined for other keys. */
export function parseInstanceKey(key: string): InstanceId | undefined {
  const [agent = '', ordinal = '', ...rest] = key.replace(/^instance\./, '').split('.');
  const isKey = rest.length === 0 && isId(agent) && /^(0|[1-9][0-9]{0,5})$/.test(ordinal);
  return isKey ? { agent, ordinal: Number(ordinal) } : undefined;
}

/** The key of a host's own lease in the leases bucket; `token` is the `host` of the instances it covers. */
export function hostLeaseKey(token: string): string {
  return `host.${token}`;
}

const ordinal = z.int().min(0);
const status = z.enum(['starting', 'active', 'stopping', 'inactive', 'failed']);

const observedInstance = z.object({
  v: z.literal(1),
  agent: z.string(),
  ordinal,
  incarnation: z.string(),
  status,
  node: z.string(),
  pid: z.int().optional(),
  definitionRevision: z.int(),
  restarts: z.int(),
  since: z.string(),
  reason: z.string().optional(),
  process: z.string().optional(),
  publicKey: z.string().optional(),
});

const instanceHolder = z.object({
  node: z.string(),
  pid: z.int(),
  incarnation: z.string(),
  host: z.string().optional(),
});

const nodeRecord = z.object({
  v: z.literal(1),
  id: z.string(),
  pid: z.int(),
  host: z.string(),
  startedAt: z.string(),
  capacity: z.object({ cpu: z.number(), memory: z.number() }),
  instances: z.int().min(0),
});

/**
 * What a host last saw of an instance. `restarts` counts those under its present lease; `since` is when `status` began;
 * `process` is the token under which its process says what it has applied, when it shares one with others; `publicKey` is by which
 * what it signs is known, the last one it has told its host.
 */
export type ObservedInstance = Readonly<z.infer<typeof observedInstance>>;

/** Where an instance stands (semantics: docs/architecture.md, "Instances"). */
export type InstanceStatus = z.infer<typeof status>;

/**
 * Who holds the lease of an instance: the host's node, the host's pid, and the incarnation it answers for. With `host` the key
 * does not expire by itself: it is as alive as the lease `host.<host>`.
 */
export type InstanceHolder = Readonly<z.infer<typeof instanceHolder>>;

/** A node that is alive. `memory` is in bytes, `cpu` in cores. */
export type NodeRecord = Readonly<z.infer<typeof nodeRecord>>;

/** An observed entry; undefined when it is none. */
export function parseObservedInstance(value: unknown): ObservedInstance | undefined {
  return observedInstance.safeParse(value).data;
}

/** The holder of an instance's lease; undefined when it is none. */
export function parseInstanceHolder(value: unknown): InstanceHolder | undefined {
  return instanceHolder.safeParse(value).data;
}

/** A node's entry; undefined when it is none. */
export function parseNodeRecord(value: unknown): NodeRecord | undefined {
  return nodeRecord.safeParse(value).data;
}

/** A key of the leases bucket that is there, and what stands in it. */
export interface LeaseEntry {
  readonly key: string;
  readonly value: unknown;
}

/** The holders of the instances that are held, by the key of the lease: what names a host counts while that host is there. */
export function liveHolders(entries: readonly LeaseEntry[]): ReadonlyMap<string, InstanceHolder> {
  const present = new Set(entries.map(({ key }) => key));
  const live = new Map<string, InstanceHolder>();
  for (const { key, value } of entries) {
    if (!key.startsWith('instance.') || parseInstanceKey(key) === undefined) continue;
    const holder = parseInstanceHolder(value);
    if (holder === undefined) continue;
    if (holder.host === undefined || present.has(hostLeaseKey(holder.host))) live.set(key, holder);
  }
  return live;
}

/**
 * Where an instance stands now: what its host saw, unless nobody holds its lease. Then whatever was alive is gone
 * with its host, and has failed.
 */
export function instanceStatus(
  observed: Pick<ObservedInstance, 'status'> | undefined,
  holder: Pick<InstanceHolder, 'node'> | undefined,
): InstanceStatus {
  if (observed === undefined) return holder === undefined ? 'inactive' : 'starting';
  if (holder !== undefined || observed.status === 'inactive') return observed.status;
  return 'failed';
}
