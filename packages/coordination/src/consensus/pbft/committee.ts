/** A committee: who decides, how many of them may lie, and what follows from that. Pure. */
import { coordinationError } from '../../errors.ts';

/** Who decides in a session. */
export interface Committee {
  readonly session: string;
  /** In the order of their names: the primary of a view is the one at its number, modulo their count. */
  readonly members: readonly string[];
  /** How many of them may lie: f. */
  readonly faults: number;
  /** How many alternatives are on the paper. */
  readonly alternatives: number;
}

/**
 * How many must say the same: ⌈(n+f+1)/2⌉. Two such groups share f+1 members, so at least one who is honest; and with n ≥ 3f+1 the
 * honest alone are enough (Castro and Liskov 1999, for n = 3f+1: 2f+1).
 */
export function quorumOf({ members, faults }: Pick<Committee, 'members' | 'faults'>): number {
  return Math.ceil((members.length + faults + 1) / 2);
}

/** Whose turn it is to propose in a view. */
export function primaryOf({ members }: Pick<Committee, 'members'>, view: number): string {
  return members[view % members.length] ?? '';
}

/**
 * Makes a committee that stands `faults` liars (default 1). Throws `insufficient-agents` below 3f+1 members, and
 * `duplicate-participants`.
 */
export function committeeOf(
  session: string,
  members: readonly string[],
  {
    faults = 1,
    alternatives = 1,
  }: { readonly faults?: number | undefined; readonly alternatives?: number | undefined } = {},
): Committee {
  const twice = members.find((member, i) => members.indexOf(member) !== i);
  if (twice !== undefined) {
    const message = `${twice} is in the committee twice; nobody has two voices`;
    throw coordinationError('duplicate-participants', message, { details: { party: twice } });
  }
  if (!(Number.isInteger(faults) && faults >= 0 && members.length >= 3 * faults + 1)) {
    const message = `${members.length} members cannot stand ${faults} liars; take ${3 * faults + 1}, or stand fewer`;
    throw coordinationError('insufficient-agents', message, { details: { members: members.length, faults } });
  }
  return { session, members: members.toSorted(), faults, alternatives };
}
