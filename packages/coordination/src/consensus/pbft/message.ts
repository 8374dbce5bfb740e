/** What members of a committee send each other. */
import * as z from 'zod';
import { exactValue } from '../exact-text.ts';
import {
  justificationSchema,
  pbftCertificateSchema,
  preparedSchema,
  type Justification,
  type PbftCertificate,
  type PreparedProof,
} from './proof.ts';
import {
  signedSchemas,
  type Commit,
  type Prepare,
  type Propose,
  type Signed,
  type ViewChange,
} from './statement.ts';

/** A message. Who wrote it is who signed it; who carried it does not matter. */
export type PbftMessage =
  | {
      readonly kind: 'propose';
      readonly signed: Signed<Propose>;
      readonly justification?: Justification | undefined;
    }
  | { readonly kind: 'prepare'; readonly signed: Signed<Prepare> }
  | { readonly kind: 'commit'; readonly signed: Signed<Commit> }
  | {
      readonly kind: 'view-change';
      readonly signed: Signed<ViewChange>;
      readonly proof?: PreparedProof | undefined;
    }
  | { readonly kind: 'decided'; readonly certificate: PbftCertificate };

const messageSchema: z.ZodType<PbftMessage> = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('propose'),
    signed: signedSchemas.propose,
    justification: justificationSchema.optional(),
  }),
  z.strictObject({ kind: z.literal('prepare'), signed: signedSchemas.prepare }),
  z.strictObject({ kind: z.literal('commit'), signed: signedSchemas.commit }),
  z.strictObject({
    kind: z.literal('view-change'),
    signed: signedSchemas.viewChange,
    proof: preparedSchema.optional(),
  }),
  z.strictObject({ kind: z.literal('decided'), certificate: pbftCertificateSchema }),
]);

/** Reads a message; undefined when it is none, or deeper than a text that anybody could verify: proofs contain proofs. */
export function readPbftMessage(body: unknown): PbftMessage | undefined {
  return messageSchema.safeParse(exactValue(body)).data;
}
