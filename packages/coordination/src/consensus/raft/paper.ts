/**
 * A group: who writes one log together. Its digest is in everything its members sign, so what is signed for one group is worth nothing
 * in another. Pure.
 */
import { digestOf, isPublicKey, parseId, parseToken } from '@mabeam/bus';
import * as z from 'zod';
import { coordinationError } from '../../errors.ts';

export const raftPaperSchema = z.strictObject({
  v: z.literal(1),
  space: z.string(),
  group: z.string(),
  /** In the order of their names. */
  electorate: z
    .array(z.strictObject({ party: z.string(), key: z.string() }))
    .min(1)
    .max(1_000),
});

/** A group on paper. */
export type RaftPaper = z.infer<typeof raftPaperSchema>;

/** A member as it is handed in. */
export interface RaftElector {
  readonly party: string;
  readonly key: string;
}

/** The name of a group's log, and of its conversations in subjects: `raft-<group>`. */
export function raftLog(group: string): string {
  return `raft-${group}`;
}

/** What stands for a group in all that is signed. */
export function groupDigest(paper: RaftPaper): string {
  return digestOf(paper);
}

/**
 * The group that an electorate has without naming one: the same members always find the same log. Throws what `writeRaftPaper` throws.
 */
export function groupOf(electorate: readonly RaftElector[]): string {
  const members = electorate.map(({ party, key }) => ({ party, key }));
  const digest = Buffer.from(digestOf(inOrder(members)), 'base64url').toString('hex');
  return `e-${digest.slice(0, 32)}`;
}

/**
 * Writes a group down. Throws `no-participants`, `duplicate-participants` (a name or a key twice), `invalid-id` and
 * `invalid-proposal` (a key that is none).
 */
export function writeRaftPaper(parts: {
  readonly space: string;
  readonly group: string;
  readonly electorate: readonly RaftElector[];
}): RaftPaper {
  const { electorate, group, space } = parts;
  parseToken('group', raftLog(group));
  if (electorate.length === 0)
    throw coordinationError('no-participants', `the group ${group} has no members`);
  for (const { party, key } of electorate) {
    parseId('party', party);
    if (isPublicKey(key)) continue;
    throw coordinationError('invalid-proposal', `the key of ${party} is no public key`, {
      details: { party },
    });
  }
  const members = inOrder(electorate.map(({ party, key }) => ({ party, key })));
  for (const named of [members.map(({ party }) => party), members.map(({ key }) => key)]) {
    const twice = named.find((name, i) => named.indexOf(name) !== i);
    if (twice === undefined) continue;
    const message = `${twice} is in the group ${group} twice; nobody has two voices`;
    throw coordinationError('duplicate-participants', message, { details: { group } });
  }
  return { v: 1, space, group, electorate: members };
}

/** Reads a paper that somebody else wrote; undefined when it is none. */
export function readRaftPaper(body: unknown): RaftPaper | undefined {
  const paper = raftPaperSchema.safeParse(body).data;
  if (paper === undefined) return undefined;
  try {
    const own = writeRaftPaper(paper);
    return groupDigest(own) === groupDigest(paper) ? own : undefined;
  } catch {
    // A paper that nobody could write is none.
    return undefined;
  }
}

function inOrder<T extends RaftElector>(members: readonly T[]): T[] {
  return members.toSorted((a, b) => (a.party < b.party ? -1 : 1));
}
