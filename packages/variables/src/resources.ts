/**
 * Resources: what an agent needs while it runs, and what holding a variable's value costs. Plain data and its schema.
 *
 * Memory may be written as a number of bytes or with a unit (`256MiB`); what comes out is bytes.
 */
import * as z from 'zod';

/** The classes of delivery under load. */
export const networkPriorities = ['low', 'normal', 'high', 'critical'] as const;

/** A class of delivery under load: higher ones are served first, lower ones are shed first. */
export type NetworkPriority = (typeof networkPriorities)[number];

/** What something needs of the space's pool; what is absent is not reserved. */
export interface ResourceDemand {
  /** Bytes. */
  readonly memory?: number | undefined;
  /** Cores. */
  readonly cpuWeight?: number | undefined;
  readonly networkPriority?: NetworkPriority | undefined;
}

const units: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

const amountPattern = /^(\d+(?:\.\d+)?) ?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)$/;

/** The bytes that a text such as `256MiB` or `1.5GB` names; undefined when it names none, or less than one. */
export function parseBytes(text: string): number | undefined {
  const [, amount, unit = ''] = amountPattern.exec(text) ?? [];
  const bytes = Math.round(Number(amount) * (units[unit] ?? Number.NaN));
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
}

const noBytes = 'is not a number of bytes above 0; write 268435456 or "256MiB"';

/** A number of bytes, above 0, whole; written as a number or with a unit. */
export const bytesSchema = z
  .union([z.int().min(1), z.string().regex(amountPattern, noBytes)], { error: noBytes })
  .transform((written, context) => {
    const bytes = typeof written === 'number' ? written : parseBytes(written);
    if (bytes !== undefined) return bytes;
    context.addIssue(`"${written}" is not a number of bytes above 0; write for instance "256MiB"`);
    return z.NEVER;
  });

/** The schema of {@link ResourceDemand}. */
export const resourceDemandSchema = z.strictObject({
  memory: bytesSchema.optional().describe('Bytes; also "256MiB"'),
  cpuWeight: z.number().positive().optional().describe('Cores'),
  networkPriority: z.enum(networkPriorities).optional().describe('Who is served first under load'),
});
