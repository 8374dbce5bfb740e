import { expect, test } from 'vitest';
import { renderRound, renderRounds } from './round.ts';
import { plain } from './table.ts';

const round = {
  round: 'r-1',
  protocol: 'negotiation',
  subject: 'size',
  strategy: 'consensus',
  electorate: ['a', 'b', 'c'],
  by: 'operator',
  startedAt: '2026-01-31T12:00:00.000Z',
} as const;

test('a round shows what each stood for, how content it is, and who was late', () => {
  const outcome = {
    kind: 'agreed',
    value: 3,
    participants: [
      { party: 'a', outcome: 'replied', late: 0 },
      { party: 'b', outcome: 'late', phase: 'react', late: 1 },
    ],
    positions: [{ party: 'a', preferred: 2, weight: 1, bid: 5 }],
    satisfaction: { a: 0.5 },
  };
  expect(renderRound({ ...round, endedAt: round.startedAt, outcome }, plain)).toBe(
    [
      'round     r-1',
      'protocol  negotiation, consensus',
      'about     size',
      'asked by  operator',
      'started   2026-01-31 12:00:00.000',
      'ending    agreed 3',
      '',
      'PARTY  TOOK PART  PHASE  STOOD FOR  WEIGHT  CONTENT  LATE',
      'a      replied    -      2, bids 5  1       0.50     -',
      'b      late       react  -          -       -        1',
      'c      -          -      -          -       -        -',
    ].join('\n'),
  );
});

test('a round whose asker died has not ended, and a strange outcome breaks nothing', () => {
  const strange = { participants: 7, positions: [null, 'x'], satisfaction: 'all', value: '\u001B[31mred' };
  const rounds = [round, { ...round, endedAt: round.startedAt, outcome: strange }];
  const text = renderRounds(rounds, plain);
  expect(text).toContain('not ended');
  expect(text).not.toContain('\u001B');
  expect(renderRound({ ...round, outcome: strange }, plain)).toContain('not ended');
});
