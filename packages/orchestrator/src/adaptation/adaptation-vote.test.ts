/** The vote in an adaptation's record: what is proposed by it, and until when it counts. */
import { readChange } from '@mabeam/agents';
import { customVariable } from '@mabeam/variables';
import { expect, test } from 'vitest';
import { valued } from '../../test/team.ts';
import { parseAdaptationRecord, type AdaptationRecord } from './adaptation-record.ts';
import { callVote, proposalOf, voidedBy, withEnding } from './adaptation-vote.ts';

const dial = customVariable('dial', { initial: 1 });
const change = { rule: 'policy.dial', variable: 'dial', from: 1, to: 2 };
const at = Date.parse('2026-01-31T12:00:00.000Z');
const electorate = ['a', 'b', 'c'].map((party) => ({ party, weight: 1 }));
const record: AdaptationRecord = {
  v: 1,
  source: 'policy',
  id: 'dial now',
  trigger: '',
  rule: '',
  changes: [],
  outcome: 'voting',
  proposal: change,
  reason: 'it is slow',
  vote: callVote('f00', valued(dial, 1, 7), electorate),
  at: new Date(at).toISOString(),
  triggeredAt: new Date(at).toISOString(),
};
const open = { record, revision: 20 };
const calm = { variable: valued(dial, 1, 7), frozenAt: 12, at: at + 1 };

test('a record that was written and read again proposes the same to the same electorate in the same round', () => {
  const read = parseAdaptationRecord(JSON.parse(JSON.stringify(record)));
  expect(read).toEqual(record);
  expect(proposalOf(read, change)).toEqual(proposalOf(record, change));
  expect(read.vote).toEqual({ round: 'a-f00', threshold: 0.6, electorate, base: 7 });
});

test('a voter reads the change that a record proposes, and nothing in what is no change', () => {
  const { rule: _kept, ...seen } = change;
  expect(readChange(proposalOf(record, change))).toEqual({ ...seen, reason: 'it is slow' });
  expect(readChange({ kind: 'member', variable: 'dial' })).toBeUndefined();
});

test.each([
  ['its value was written', { ...calm, variable: valued(dial, 1, 21) }, 'somebody has written it meanwhile'],
  ['its definition was', { ...calm, variable: { ...calm.variable, definitionRevision: 21 } }, 'somebody'],
  ['it was deleted', { ...calm, variable: undefined }, 'somebody has written it meanwhile'],
  ['the space was frozen', { ...calm, frozenAt: 21 }, 'frozen'],
  ['a minute has passed', { ...calm, at: at + 60_001 }, 'not finished in time'],
])('when %s since, it is void', (_what, now, why) => {
  expect(voidedBy(open, now)).toContain(why);
});

test('it counts as long as nothing of the kind has happened', () => {
  expect(voidedBy(open, calm)).toBeUndefined();
});

test('what it came to is added, with what each voted and, of a decision, the certificate', () => {
  const ended = withEnding(record, {
    kind: 'no-weighted-majority',
    round: 'a-f00',
    algorithm: 'weighted-voting',
    votes: { a: 0, b: null },
    support: [1],
    total: 3,
    participants: [],
    durationMs: 1,
  });
  expect(ended).toMatchObject({
    reason: 'it is slow; 1 of 3 said yes',
    vote: { round: 'a-f00', ending: 'no-weighted-majority', votes: { a: 0, b: null } },
  });
  expect(ended.vote).not.toHaveProperty('certificate');
});
