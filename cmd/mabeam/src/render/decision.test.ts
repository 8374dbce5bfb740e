import { expect, test } from 'vitest';
import { renderDecisionRound } from './decision.ts';
import { plain } from './table.ts';

const round = {
  round: 'r-1',
  protocol: 'consensus',
  subject: 'proposal',
  strategy: 'simple-majority',
  electorate: ['ada', 'bob', 'cyd'],
  proposals: ['letter', 'fax'],
  by: 'operator',
  startedAt: '2026-01-31T12:00:00.000Z',
} as const;

test('a decision shows what was proposed, who voted how, who signed for it, and who was late or refused', () => {
  const outcome = {
    kind: 'agreed',
    value: 'fax',
    votes: { ada: 1, bob: null },
    participants: [
      { party: 'ada', outcome: 'replied', phase: 'vote', late: 0 },
      { party: 'bob', outcome: 'replied', phase: 'vote', late: 0 },
      { party: 'cyd', outcome: 'invalid', phase: 'vote', late: 2, code: 'invalid-proposal' },
    ],
  };
  const decision = {
    algorithm: 'simple-majority',
    space: 'desk',
    round: 'r-1',
    kind: 'agreed',
    value: 'fax',
    electorate: ['ada', 'bob', 'cyd'],
    signers: { ada: 'U1' },
  } as const;
  const shown = renderDecisionRound(
    { ...round, endedAt: round.startedAt, outcome },
    { kind: 'valid', decision },
    plain,
  );
  expect(shown).toBe(
    [
      'round        r-1',
      'protocol     consensus, simple-majority',
      'about        proposal',
      'asked by     operator',
      'started      2026-01-31 12:00:00.000',
      'ending       agreed "fax"',
      'proposed     "letter"',
      'proposed     "fax"',
      'certificate  signed by ada: 1 of 3',
      '',
      'PARTY  TOOK PART  PHASE  SAID   LATE  WHY NOT',
      'ada    replied    vote   "fax"  -     -',
      'bob    replied    vote   no     -     -',
      'cyd    invalid    vote   -      2     invalid-proposal',
    ].join('\n'),
  );
});

test('an event that is made up breaks nothing, and moves no cursor', () => {
  const outcome = { kind: 'agreed', value: '\u001B[31mred', participants: 7, votes: 'all', by: {} };
  const invalid = { kind: 'invalid', problem: 'its hash does not fit\u001B[2J' } as const;
  const shown = renderDecisionRound({ ...round, endedAt: round.startedAt, outcome }, invalid, plain);
  expect(shown).toContain('certificate  not valid: its hash does not fit');
  expect(shown).not.toContain('\u001B');
  expect(renderDecisionRound(round, undefined, plain)).toMatch(/ending +not ended/);
});
