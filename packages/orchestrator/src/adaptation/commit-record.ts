/** The commit of an adaptation's record together with the changes it tells of: both, or neither. */
import { freezeKey, planChanges, triggerCause } from '@mabeam/variables';
import { adaptationKey, type AdaptationRecord } from './adaptation-record.ts';
import { identityHash } from './trigger.ts';
import { orchestratorAuthor } from '../term/repair.ts';
import type { Term } from '../term/term.ts';

/**
 * Writes the changes of a record and the record itself, as the leader of a space that is not frozen, expecting the record's present
 * revision (0: none). Resolves with its new one, once the mirror has it; undefined when others wrote first, or lead. Throws what the bus
 * throws, and what the space does not allow.
 */
export async function commitRecord(
  { leadership, mirror }: Pick<Term, 'leadership' | 'mirror'>,
  record: AdaptationRecord,
  expect: number,
): Promise<number | undefined> {
  const { at, changes, committedAt = at, id, source } = record;
  const wishes = changes.map(({ to, variable }) => ({ id: variable, value: to }));
  const how = { by: orchestratorAuthor, cause: triggerCause(source, id), at: new Date(committedAt) };
  const { writes } = planChanges(mirror.state.view, wishes, how);
  const key = adaptationKey(identityHash(record));
  const freezeRevision = mirror.revisionOf(freezeKey);
  const outcome = await leadership.commit([...writes, { key, body: record, expect }], { freezeRevision });
  if (outcome.kind !== 'committed') return undefined;
  await mirror.reach(outcome.revision);
  return outcome.revisions[key];
}
