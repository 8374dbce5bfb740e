/** After how many audits each member of a bench is proven wrong, and one that says the opposite of it: `not <member>`. Pure. */
import { freshRecord, isProvenWrong, noteAudit, type AuditedOpinions } from '../src/track-record.ts';

/** Null where it never is. */
export function accusedAfter(audits: readonly AuditedOpinions[]): ReadonlyMap<string, number | null> {
  const after = new Map<string, number | null>();
  let record = freshRecord();
  for (const [at, { label, opinions = {} }] of audits.entries()) {
    const opposite = Object.entries(opinions).map(([member, said]) => [`not ${member}`, 1 - said] as const);
    const all = { ...opinions, ...Object.fromEntries(opposite) };
    record = noteAudit(record, { label, opinions: all });
    for (const member of Object.keys(all)) {
      const known = after.get(member) ?? null;
      after.set(member, known ?? (isProvenWrong(record, member) ? at + 1 : null));
    }
  }
  return after;
}
