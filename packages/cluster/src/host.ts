/**
 * Hosting: an instance under a lease of ours (rulings R4, R5, R15). The lease is taken before the process is spawned; what
 * follows is the handle's (hosted-instance.ts).
 */
import { randomUUID } from 'node:crypto';
import { seedFor } from '@mabeam/agents';
import { createSeed, spaceNames, type Bus } from '@mabeam/bus';
import { clusterError } from './errors.ts';
import { clearAbandoned } from './host-lease.ts';
import { HostedInstance, type HostOptions, type InstanceLease } from './hosted-instance.ts';
import type { HoldListeners } from './instance-hold.ts';
import { agentCommandLine, agentEnvironment } from './launch.ts';
import { keepLease } from './lease-keeper.ts';
import {
  instanceLeaseKey,
  leaseTtlMs,
  observedKey,
  parseInstanceHolder,
  type InstanceHolder,
} from './registry.ts';
import { startRun, type RunStarter } from './run.ts';

/** The outcome of hosting: an instance under our lease, or another host has it. */
export type HostResult =
  | { readonly kind: 'hosted'; readonly instance: HostedInstance }
  | { readonly kind: 'taken'; readonly by: InstanceHolder | undefined };

/**
 * Takes the lease of an instance and starts it (H1); resolves as soon as its process is spawned, or its host told. Throws
 * `not-hostable` when the definition has no `run`, `spawn-failed` when the system refuses the process, `invalid-identity` when the
 * secret that is to be its seed is none, and what the bus throws.
 */
export async function hostInstance(bus: Bus, options: HostOptions): Promise<HostResult> {
  const lineage = newLineage();
  const startRun = runStarter(bus, options, { lineage, seed: await seedOf(bus, options) });
  let instance: HostedInstance | undefined;
  const result = await takeLease(bus, options, lineage, {
    onFenced: (reason) => instance?.fence(reason),
    onRetaken: () => instance?.rewrite(),
  });
  if (result.kind === 'taken') return { kind: 'taken', by: parseInstanceHolder(result.by) };
  instance = new HostedInstance(bus, { ...options, startRun, lineage, lease: result.lease });
  try {
    instance.start();
  } catch (cause) {
    await result.lease[Symbol.asyncDispose]();
    const why = cause instanceof Error ? cause.message : String(cause);
    throw clusterError('spawn-failed', `agent ${options.spec.id} could not be started: ${why}`, { cause });
  }
  return { kind: 'hosted', instance };
}

/** The seeds that a host has made: an instance that it starts again is the same one, as long as the host is there. */
const madeSeeds = new WeakMap<Bus, Map<string, string>>();

function seedOf(bus: Bus, { ordinal, space, spec }: HostOptions): Promise<string> {
  const made = madeSeeds.get(bus) ?? new Map<string, string>();
  madeSeeds.set(bus, made);
  const instance = `${space}/${observedKey({ agent: spec.id, ordinal })}`;
  return seedFor(spec.id, process.env, () => {
    const seed = made.get(instance) ?? createSeed();
    made.set(instance, seed);
    return seed;
  });
}

/** How a life of the instance is begun: in a process of its own, or in one that it shares. Each has the same seed. */
function runStarter(
  bus: Bus,
  options: HostOptions,
  { lineage, seed }: { readonly lineage: string; readonly seed: string },
): RunStarter {
  const { spec, ordinal, place, space } = options;
  if (place !== undefined) {
    return (run, listeners) =>
      place.startRun({ spec, ordinal, incarnation: `${lineage}-${run}`, seed }, listeners);
  }
  const { preload = [], runtimeBundle: bundle } = options;
  const command = agentCommandLine(spec, {
    preload: bundle === undefined ? preload : [bundle.boot, ...preload],
  });
  return (run, listeners) => {
    const life = { natsUrl: bus.url, space, spec, ordinal, incarnation: `${lineage}-${run}`, seed };
    const runtime = bundle === undefined ? {} : { runtimeBundle: bundle.folder() ?? 'off' };
    return startRun({ ...command, env: agentEnvironment({ ...life, ...runtime }), ...listeners });
  };
}

type Taking =
  | { readonly kind: 'held'; readonly lease: InstanceLease }
  | { readonly kind: 'taken'; readonly by: unknown };

/** A lease of its own, or its part in that of its host. */
async function takeLease(
  bus: Bus,
  { space, spec, ordinal, node, place }: HostOptions,
  lineage: string,
  listeners: HoldListeners,
): Promise<Taking> {
  const bucket = spaceNames(space).leases;
  const key = instanceLeaseKey({ agent: spec.id, ordinal });
  const holder = { node, pid: process.pid, incarnation: `${lineage}-0` };
  if (place !== undefined) return place.host.take(key, holder, listeners);
  const take = (): Promise<Taking> =>
    keepLease(bus, {
      bucket,
      key,
      ttlMs: leaseTtlMs,
      holder,
      isOwn: (other) => parseInstanceHolder(other)?.incarnation.startsWith(`${lineage}-`) === true,
      ...listeners,
    });
  const first = await take();
  if (first.kind === 'held' || parseInstanceHolder(first.by)?.host === undefined) return first;
  return (await clearAbandoned(bus, bucket, key)) ? take() : first;
}

/** Incarnations sort by their age: the time of the host's start comes first. */
function newLineage(): string {
  return `${Date.now().toString(36)}${randomUUID().replaceAll('-', '').slice(0, 8)}`;
}
