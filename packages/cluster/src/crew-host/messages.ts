/**
 * What a node and its crew host say to each other on the control pipe, one JSON object a line. A life is named by its
 * incarnation, which is never used twice, so a word about one that is over is about nobody else.
 */
import { z } from 'zod';

const order = z.discriminatedUnion('kind', [
  /** Begin a life. */
  z.object({
    kind: z.literal('start'),
    agent: z.string(),
    ordinal: z.int().min(0),
    incarnation: z.string(),
    form: z.enum(['worker', 'in-process']),
    module: z.string(),
    config: z.record(z.string(), z.unknown()),
    group: z.string().optional(),
    seed: z.string().optional(),
  }),
  /** End one, within `drainMs`; a later order may only shorten that. */
  z.object({ kind: z.literal('stop'), incarnation: z.string(), drainMs: z.number().min(0) }),
]);

const report = z.discriminatedUnion('kind', [
  /** It is active; `process` speaks for it in `signal.applied`, unless it beats itself; `publicKey` is what it signs with. */
  z.object({
    kind: z.literal('ready'),
    incarnation: z.string(),
    process: z.string().optional(),
    publicKey: z.string().optional(),
  }),
  /** Told to stop, it has finished what it had. */
  z.object({ kind: z.literal('drained'), incarnation: z.string() }),
  /** It is over: `code` 0 as it should, else with a reason in words. */
  z.object({
    kind: z.literal('ended'),
    incarnation: z.string(),
    code: z.int(),
    reason: z.string().optional(),
  }),
  /** A line it has written, where that can be told. */
  z.object({
    kind: z.literal('line'),
    incarnation: z.string(),
    stream: z.enum(['stdout', 'stderr']),
    line: z.string(),
  }),
]);

/** What a node orders. */
export type HostOrder = Readonly<z.infer<typeof order>>;

/** The order that begins a life. */
export type StartOrder = Extract<HostOrder, { kind: 'start' }>;

/** What a crew host reports. */
export type HostReport = Readonly<z.infer<typeof report>>;

/** An order; undefined when it is none: a host ignores what it does not know. */
export function parseOrder(message: unknown): HostOrder | undefined {
  return order.safeParse(message).data;
}

/** A report; undefined when it is none. */
export function parseReport(message: unknown): HostReport | undefined {
  return report.safeParse(message).data;
}
