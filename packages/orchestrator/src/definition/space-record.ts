/**
 * The record of a space as a whole: `definition.space`. What the space has in all, who decides about its agents when they fail, and
 * the edges its definition declares beside those of the topology. Plain data and its schema.
 */
import { edgeKinds, supervisionPolicySchema, type EdgeKind, type SupervisionPolicy } from '@mabeam/agents';
import { bytesSchema, idText } from '@mabeam/variables';
import { z } from 'zod';
import { orchestratorError } from '../errors.ts';
import { issueText } from './issues.ts';

/** The key of the record. */
export const spaceKey = 'definition.space';

/** What the agents of a space have together; what is absent is what their nodes have. */
export interface SpacePool {
  /** Bytes. */
  readonly memory?: number | undefined;
  /** Cores. */
  readonly cpu?: number | undefined;
  /** Bytes a second. */
  readonly network?: number | undefined;
  /** Bytes. */
  readonly storage?: number | undefined;
}

/** An edge that a definition declares, whatever the topology. */
export interface DeclaredEdge {
  readonly from: string;
  readonly to: string;
  readonly kind: EdgeKind;
}

/** The record under {@link spaceKey}; a space without one has none of these. */
export interface SpaceRecord {
  readonly v: 1;
  readonly name?: string | undefined;
  readonly pool?: SpacePool | undefined;
  /** Governs the agents that have no supervisor. */
  readonly supervision?: SupervisionPolicy | undefined;
  readonly edges?: readonly DeclaredEdge[] | undefined;
}

/** The record's fields, for the bucket and for the definition file alike. */
export const spaceShape = {
  name: z.string().optional(),
  pool: z
    .strictObject({
      memory: bytesSchema.optional(),
      cpu: z.number().positive().optional(),
      network: bytesSchema.optional(),
      storage: bytesSchema.optional(),
    })
    .optional(),
  supervision: supervisionPolicySchema.optional(),
  edges: z
    .array(
      z.strictObject({ from: idText('an agent id'), to: idText('an agent id'), kind: z.enum(edgeKinds) }),
    )
    .optional(),
};

const recordSchema = z.object({ v: z.literal(1), ...spaceShape });

/** Reads the record out of the bucket; throws `space-definition-invalid` with the field at fault. */
export function parseSpaceRecord(value: unknown): SpaceRecord {
  const parsed = recordSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const why = issueText(parsed.error);
  throw orchestratorError('space-definition-invalid', `${spaceKey} is not the record of a space: ${why}`);
}
