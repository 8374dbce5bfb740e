/**
 * What is fixed before a gossip round begins, and the certificate it may end in: what was held, entry by entry, and that more than
 * half of all members sealed exactly that. Pure.
 *
 * Promise: what a certificate says was proposed – by the paper, or by the member that signed the entry. A member seals one digest a
 * round, and two certificates of one round share a member, so they say the same unless one of those sealed twice.
 */
import { digestOf, isId, isPublicKey, isSignedBy, parseId, parseToken, type Identity } from '@mabeam/bus';
import type { Json } from '@mabeam/variables';
import * as z from 'zod';
import { coordinationError } from '../../errors.ts';
import { exactValue } from '../exact-text.ts';
import {
  digestOfEntries,
  entrySchema,
  holdEntry,
  isByItsParty,
  isEntry,
  jsonSchema,
  keySchema,
  mostKeys,
  sortedEntries,
  type HeldEntries,
} from './entry.ts';

/** What a seal is signed as. */
const sealPurpose = 'mabeam.gossip.seal.1';

export const gossipPaperSchema = z.strictObject({
  v: z.literal(1),
  space: z.string(),
  round: z.string(),
  everyMs: z.int().min(1),
  fanout: z.int().min(1),
  maxSkewMs: z.int().min(0),
  electorate: z
    .array(z.strictObject({ party: z.string().refine(isId), key: z.string() }))
    .min(1)
    .max(1_000),
  proposal: z.record(keySchema, jsonSchema),
});

/** A paper. The electorate is in the order of its names. */
export type GossipPaper = z.infer<typeof gossipPaperSchema>;

const certificateSchema = z.strictObject({
  v: z.literal(1),
  paper: gossipPaperSchema,
  entries: z.array(entrySchema).max(2 * mostKeys),
  seals: z.array(z.strictObject({ party: z.string(), signature: z.string() })),
});

/** A certificate. */
export type GossipCertificate = z.infer<typeof certificateSchema>;

/** A member's word that it holds what has this digest, and nothing else any more. */
export type Seal = GossipCertificate['seals'][number];

/** Writes a paper. Throws `no-participants`, `duplicate-participants` (a name or a key), `invalid-id` and `invalid-proposal`. */
export function writeGossipPaper(parts: Omit<GossipPaper, 'v'>): GossipPaper {
  const { electorate, proposal, round } = parts;
  parseToken('round', round);
  if (electorate.length === 0) throw coordinationError('no-participants', 'nobody gossips; name a party');
  for (const { party, key } of electorate) {
    parseId('party', party);
    if (isPublicKey(key)) continue;
    throw coordinationError('invalid-proposal', `the key of ${party} is no public key`, {
      details: { party },
    });
  }
  const names = electorate.flatMap(({ party, key }) => [party, key]);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    const message = `${twice} is in the electorate twice; nobody has two voices`;
    throw coordinationError('duplicate-participants', message, { details: { twice } });
  }
  const paper = {
    v: 1 as const,
    ...parts,
    electorate: electorate.toSorted((a, b) => (a.party < b.party ? -1 : 1)),
  };
  const isSound = Object.entries(proposal).every(([key, value]) => isEntry(key, value));
  if (!isSound || !gossipPaperSchema.safeParse(paper).success) {
    const message =
      'what is proposed must be a map: keys of up to 128 letters, digits, ".", "_", "-", JSON values of at most 64 KiB; times are whole ms, and at least one peer is greeted';
    throw coordinationError('invalid-proposal', message);
  }
  return paper;
}

/** What the signatures of a round are about. */
export function scopeOf(paper: GossipPaper): string {
  return digestOf(paper);
}

/** The public keys of a paper's members. */
export function keysOf({ electorate }: GossipPaper): ReadonlyMap<string, string> {
  return new Map(electorate.map(({ party, key }) => [party, key]));
}

/** What a paper's proposal has become: each key as the last member that wrote it would have it. */
export function valueOf({ proposal }: GossipPaper, held: HeldEntries): Readonly<Record<string, Json>> {
  const written = sortedEntries(held).map(({ entry }) => [entry.key, entry.value] as const);
  return { ...proposal, ...Object.fromEntries(written) };
}

/** Seals a digest for a member. */
export function signSeal(
  identity: Identity,
  { scope, party, digest }: { readonly scope: string; readonly party: string; readonly digest: string },
): Seal {
  return { party, signature: identity.sign(sealPurpose, { paper: scope, party, digest }) };
}

/** Is a seal by the member it names, of this digest in this round? */
export function isSealedBy(
  { party, signature }: Seal,
  {
    scope,
    digest,
    keys,
  }: { readonly scope: string; readonly digest: string; readonly keys: ReadonlyMap<string, string> },
): boolean {
  const key = keys.get(party);
  return key !== undefined && isSignedBy(key, sealPurpose, { paper: scope, party, digest }, signature);
}

/** How many seals a certificate needs: more than half of all members. */
export function sealsNeeded({ electorate }: Pick<GossipPaper, 'electorate'>): number {
  return Math.floor(electorate.length / 2) + 1;
}

/** Puts a certificate together. */
export function certifyGossip(
  paper: GossipPaper,
  held: HeldEntries,
  seals: readonly Seal[],
): GossipCertificate {
  return {
    v: 1,
    paper,
    entries: sortedEntries(held).map(({ entry }) => entry),
    seals: seals.toSorted((a, b) => (a.party < b.party ? -1 : 1)),
  };
}

/** Whether a certificate holds. */
export type GossipVerification =
  | {
      readonly kind: 'valid';
      readonly certificate: GossipCertificate;
      readonly value: Readonly<Record<string, Json>>;
      readonly digest: string;
    }
  | { readonly kind: 'invalid'; readonly problem: string };

/**
 * Verifies a certificate, offline, as a value or as its canonical text (or bytes). `keys` are those that the verifier knows; a paper
 * that names others for them is not valid. Nothing is thrown, whatever is handed in.
 */
export function verifyGossipCertificate(
  certificate: unknown,
  { keys = {} }: { readonly keys?: Readonly<Record<string, string>> } = {},
): GossipVerification {
  const read = certificateSchema.safeParse(exactValue(certificate)).data;
  if (read === undefined) return invalid('it does not have the form of a certificate');
  const { paper, entries, seals } = read;
  const other = paper.electorate.find(({ party, key }) => Object.hasOwn(keys, party) && keys[party] !== key);
  if (other !== undefined) return invalid(`the paper names another key for ${other.party}`);
  const members = keysOf(paper);
  const isWhole =
    isAscending(paper.electorate.map(({ party }) => party)) &&
    new Set(members.values()).size === paper.electorate.length &&
    isAscending(entries.map(({ key }) => key)) &&
    isAscending(seals.map(({ party }) => party)) &&
    [...Object.entries(paper.proposal), ...entries.map(({ key, value }) => [key, value] as const)].every(
      ([key, value]) => isEntry(key, value),
    );
  if (!isWhole) return invalid('something is named twice, out of order, or malformed');
  const scope = scopeOf(paper);
  const stranger = entries.find((entry) => !isByItsParty(scope, entry, members));
  if (stranger !== undefined) return invalid(`${stranger.key} is not signed by ${stranger.party}`);
  const held: HeldEntries = new Map(entries.map((entry) => [entry.key, holdEntry(entry)]));
  const digest = digestOfEntries(held);
  const forged = seals.find((seal) => !isSealedBy(seal, { scope, digest, keys: members }));
  if (forged !== undefined) return invalid(`the seal of ${forged.party} is not valid`);
  if (seals.length < sealsNeeded(paper)) return invalid('too few members have sealed it');
  return { kind: 'valid', certificate: read, value: valueOf(paper, held), digest };
}

function invalid(problem: string): GossipVerification {
  return { kind: 'invalid', problem };
}

function isAscending(names: readonly string[]): boolean {
  return names.every((name, i) => i === 0 || (names[i - 1] ?? '') < name);
}
