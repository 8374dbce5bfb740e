/**
 * The metrics signal: what the agents of a process have done since it last spoke, and what the process took for it. One a second
 * while something happens, else one every five seconds, so that silence can be told from idleness. Unsampled, and it needs no
 * telemetry: scaling and adaptation go by it (rulings R27). It may be lost; what it counted is then lost with it.
 */
import { isMainThread } from 'node:worker_threads';
import { MabeamError } from '@mabeam/bus';
import { z } from 'zod';
import { quietReading, type Meter, type MeterReading } from './metrics-meter.ts';
import type { Premises } from './premises.ts';
import type { Instance } from './ways.ts';

/** What one instance has done in the window of a report. */
export interface InstanceMetrics extends Instance, MeterReading {
  /** How many tasks it works on at once; absent: it works on none. */
  readonly slots?: number | undefined;
}

/** What a process says of its agents. */
export interface MetricsReport {
  readonly v: 1;
  readonly process: string;
  /** ISO, by the clock of the process. */
  readonly at: string;
  /** Since when it counts: so many ms before `at`. */
  readonly windowMs: number;
  /** Cores that the process, or the thread, used. */
  readonly cpu: number;
  /** Bytes that it holds. */
  readonly memory: number;
  /** How many instances of the space it has. */
  readonly instances: number;
  /** Those with something to tell; when their number has changed, and every five seconds, all, if they are not too many. */
  readonly agents: readonly InstanceMetrics[];
}

const count = z.number().int().min(0);
const amount = z.number().min(0);
const instanceMetrics = z.object({
  agent: z.string(),
  ordinal: count,
  incarnation: z.string(),
  handled: count,
  failed: count,
  inFlight: count,
  busyMs: amount,
  latencyMs: z.object({ p50: amount, p95: amount }).optional(),
  sent: count.default(0),
  acknowledged: count.default(0),
  refused: count.default(0),
  slots: count.optional(),
});
const reportSchema: z.ZodType<MetricsReport> = z.object({
  v: z.literal(1),
  process: z.string(),
  at: z.string(),
  windowMs: amount,
  cpu: amount,
  memory: amount,
  instances: count,
  agents: z.array(instanceMetrics),
});

/** How often a process says what its agents do. */
export const metricsEveryMs = 1_000;

/** How long it is silent at most. */
export const metricsQuietMs = 5_000;

/** A process with more instances names only those with something to tell: a report has to fit into a message. */
const namesAllUpTo = 200;

/** So many instances fit into a message; a busier process says the rest in further ones. */
const instancesAMessage = 2_000;

/** Reads the signal; undefined when it is none: a stranger's message on the subject is nothing. */
export function parseMetrics(body: unknown): MetricsReport | undefined {
  return reportSchema.safeParse(body).data;
}

/** An instance whose meter is told. */
export interface MeteredMember {
  readonly instance: Instance;
  readonly meter: Meter;
  readonly slots: number | undefined;
}

/** Says it until disposed; then a last time, so that nothing that was counted is kept back. */
export function startMetricsSignal(
  { bus, at, process: name }: Premises,
  members: () => readonly MeteredMember[],
): Disposable {
  const subject = at.signal('metrics', name);
  const usage = new ProcessUsage();
  let saidAt = performance.now();
  let saidOf = 0;
  const say = (): void => {
    // Not connected: it goes on counting, and says it all after the reconnect.
    if (!bus.connected) return;
    const now = performance.now();
    const present = members();
    const isDue = present.length !== saidOf || now - saidAt >= metricsQuietMs - metricsEveryMs / 2;
    const namesAll = isDue && present.length <= namesAllUpTo;
    const agents = present.flatMap((member) => metricsOf(member, namesAll));
    if (agents.length === 0 && !isDue) return;
    const windowMs = Math.round(now - saidAt);
    const common = { v: 1, process: name, at: new Date().toISOString(), windowMs } as const;
    const report = { ...common, ...usage.since(windowMs), instances: present.length };
    try {
      for (let next = 0; next === 0 || next < agents.length; next += instancesAMessage)
        bus.publish(subject, { ...report, agents: agents.slice(next, next + instancesAMessage) });
    } catch (error) {
      if (!(error instanceof MabeamError)) throw error;
      return;
    }
    saidAt = now;
    saidOf = present.length;
    usage.reset();
    for (const { meter } of present) meter.reset();
  };
  const timer = setInterval(say, metricsEveryMs);
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      say();
    },
  };
}

function metricsOf({ instance, meter, slots }: MeteredMember, always: boolean): readonly InstanceMetrics[] {
  const reading = meter.read() ?? (always ? quietReading : undefined);
  if (reading === undefined) return [];
  const { agent, ordinal, incarnation } = instance;
  return [{ agent, ordinal, incarnation, ...reading, ...(slots === undefined ? {} : { slots }) }];
}

/** What this process has used since the last reset; in a thread: what the thread has. */
class ProcessUsage {
  #before = cpuMicros();

  since(windowMs: number): { readonly cpu: number; readonly memory: number } {
    const micros = cpuMicros() - this.#before;
    const cpu = windowMs > 0 ? Math.round((micros / 1_000 / windowMs) * 1_000) / 1_000 : 0;
    return { cpu: Math.max(0, cpu), memory: heldBytes() };
  }

  reset(): void {
    this.#before = cpuMicros();
  }
}

function cpuMicros(): number {
  const { user, system } = isMainThread ? process.cpuUsage() : process.threadCpuUsage();
  return user + system;
}

/** What a thread holds cannot be told apart from the rest of its process, but for its heap. */
function heldBytes(): number {
  if (isMainThread) return process.memoryUsage.rss();
  const { heapTotal, external } = process.memoryUsage();
  return heapTotal + external;
}
