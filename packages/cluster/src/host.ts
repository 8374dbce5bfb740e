/**
 * Hosting: an instance under a lease of ours (rulings R4, R5, R15). The lease is taken before the process is spawned; what
 * follows is the handle's (hosted-instance.ts).
 */
import { randomUUID } from 'node:crypto';
import { spaceNames, type Bus } from '@mabeam/bus';
import { clusterError } from './errors.ts';
import { HostedInstance, type HostOptions } from './hosted-instance.ts';
import { agentCommandLine } from './launch.ts';
import { keepLease } from './lease-keeper.ts';
import { instanceLeaseKey, leaseTtlMs, parseInstanceHolder, type InstanceHolder } from './registry.ts';

/** The outcome of hosting: an instance under our lease, or another host has it. */
export type HostResult =
  | { readonly kind: 'hosted'; readonly instance: HostedInstance }
  | { readonly kind: 'taken'; readonly by: InstanceHolder | undefined };

/**
 * Takes the lease of an instance and starts its process (H1); resolves as soon as it is spawned. Throws `not-hostable` when
 * the definition has no `run`, `spawn-failed` when the system refuses the process, and what the bus throws.
 */
export async function hostInstance(bus: Bus, options: HostOptions): Promise<HostResult> {
  const command = agentCommandLine(options.spec, { preload: options.preload ?? [] });
  const lineage = newLineage();
  const key = instanceLeaseKey({ agent: options.spec.id, ordinal: options.ordinal });
  const holder = { node: options.node, pid: process.pid, incarnation: `${lineage}-0` };
  let instance: HostedInstance | undefined;
  const result = await keepLease(bus, {
    bucket: spaceNames(options.space).leases,
    key,
    ttlMs: leaseTtlMs,
    holder,
    isOwn: (other) => parseInstanceHolder(other)?.incarnation.startsWith(`${lineage}-`) === true,
    onFenced: (reason) => instance?.fence(reason),
    onRetaken: () => instance?.rewrite(),
  });
  if (result.kind === 'taken') return { kind: 'taken', by: parseInstanceHolder(result.by) };
  instance = new HostedInstance(bus, { ...options, command, lineage, lease: result.lease });
  try {
    instance.start();
  } catch (cause) {
    await result.lease[Symbol.asyncDispose]();
    const why = cause instanceof Error ? cause.message : String(cause);
    throw clusterError('spawn-failed', `agent ${options.spec.id} could not be started: ${why}`, { cause });
  }
  return { kind: 'hosted', instance };
}

/** Incarnations sort by their age: the time of the host's start comes first. */
function newLineage(): string {
  return `${Date.now().toString(36)}${randomUUID().replaceAll('-', '').slice(0, 8)}`;
}
