/** Stories as text: every part that is known has its line, and nothing a stranger wrote can hide another. */
import type { DirectiveStory, InstanceStory, RevisionStory } from '@mabeam/orchestrator';
import { expect, test } from 'vitest';
import { renderStory, storyDocument } from './explain.ts';
import { plain } from './table.ts';
import { historyDocument, renderHistory } from './variables.ts';

const at = '2026-01-31T12:00:00.000Z';
const story: RevisionStory = {
  kind: 'revision',
  revision: 41,
  changeSet: [41, 43],
  at,
  provenance: { by: 'orchestrator', trigger: { source: 'nightly', id: 'run-42' }, leader: 7 },
  changes: [
    {
      key: 'space.team',
      content: 'value',
      id: 'team',
      revision: 41,
      operation: 'put',
      before: ['words'],
      beforeRevision: 12,
      after: ['words', 'links'],
      candidate: { share: 0.1 },
    },
    { key: 'definition.old', content: 'definition', id: 'old', revision: 42, operation: 'delete' },
  ],
  trigger: { name: 'quality-low', source: 'nightly', id: 'run-42', at, body: { score: 0.7 } },
  adaptation: {
    hash: 'ab12',
    record: {
      rule: 'more',
      outcome: 'rolled-back',
      triggeredAt: at,
      announcedAt: at,
      evidence: { p: 0.002 },
    },
    phases: [
      { revision: 42, at, outcome: 'evaluating' },
      { revision: 60, at, outcome: 'rolled-back' },
      { revision: 63, at, outcome: 'rolled-back' },
    ],
  },
  traceId: 'f'.repeat(32),
  ledTo: {
    graph: { epoch: 44, topology: 'mesh', nodes: ['words', 'links'] },
    instances: [
      { agent: 'links', ordinal: 0, incarnation: 'i', verb: 'started', at, node: 'n1', linkedBy: 'time' },
    ],
    until: 50,
  },
  standing: {
    with: [{ agent: 'words', ordinal: 0, incarnation: 'w' }],
    without: [{ agent: 'links', ordinal: 0, incarnation: 'i' }],
  },
  outcome: { kind: 'adaptation', outcome: 'rolled-back', reason: 'worse\u001B[2J' },
  gaps: [{ from: 30, to: 35 }],
};

test('the story of a revision has a line for who, why, what, what it led to, who has it, and how it ended', () => {
  expect(renderStory(story, plain).split('\n')).toEqual([
    'revision 41, in the change set 41 to 43',
    'when        2026-01-31 12:00:00.000',
    'who         orchestrator (fenced by leader revision 7)',
    'why         a trigger (source nightly, id run-42)',
    'trigger     quality-low at 2026-01-31 12:00:00.000: {"score":0.7}',
    'adaptation  ab12',
    'rule        more',
    `times       triggered ${at}, announced ${at}`,
    'phases      evaluating at revision 42, rolled-back at revision 60',
    'evidence    {"p":0.002}',
    `trace       ${'f'.repeat(32)}`,
    'outcome     rolled-back: worse',
    'lost        revisions 30 to 35 (history-gap)',
    'what changed',
    '  team: ["words"] → ["words","links"], on trial {"share":0.1}',
    '  definition.old: deleted',
    'what it led to',
    '  graph of epoch 44: mesh of words, links',
    '  links.0 started on n1 at 2026-01-31 12:00:00.000, by its time',
    'who works with it',
    '  words.0',
    '  not yet: links.0',
  ]);
  expect(storyDocument(story)).toEqual(story);
});

test.each([
  [{ kind: 'in-force' } as const, 'in force'],
  [{ kind: 'superseded', revision: 50, by: 'bob' } as const, 'superseded by revision 50 of bob'],
  [{ kind: 'refused', repairedAt: 42 } as const, 'refused: no reader took it; repaired at revision 42'],
  [{ kind: 'recorded' } as const, 'recorded'],
])('the outcome %j is told as "%s"', (outcome, text) => {
  expect(renderStory({ ...story, outcome }, plain)).toContain(`outcome     ${text}\n`);
});

test('the story of an instance tells how it is, what governs it, and why what happened to it happened', () => {
  const reason = { revision: 41, key: 'space.team', at, by: 'ada', cause: 'more', linkedBy: 'time' } as const;
  const now = { ordinal: 0, incarnation: 'i', node: 'n1', since: at, restarts: 2, definitionRevision: 3 };
  const instance: InstanceStory = {
    kind: 'instance',
    agent: 'links',
    ordinal: 0,
    now: [{ ...now, status: 'failed', reason: 'crash', isLeased: false, isDesired: true }],
    because: [reason],
    events: [{ agent: 'links', ordinal: 0, incarnation: 'i', verb: 'started', at, reasonFor: reason }],
  };
  const text = renderStory(instance, plain);
  expect(text).toContain(
    `links.0 failed (crash) on n1 since ${at}, 2 restarts; without a lease, ought to run`,
  );
  expect(text).toContain('  space.team at revision 41 by ada: more');
  expect(text).toMatch(/links\.0 +started +i +- +space\.team at revision 41 by ada: more/);
});

test('a gap in the history of a variable is told between its revisions', () => {
  const gap = { kind: 'gap', from: 5, revision: 9, at: new Date(at) } as const;
  expect(renderHistory([gap], plain)).toMatch(/^5 to 9 .*lost before they were copied \(history-gap\)/m);
  expect(historyDocument(gap)).toEqual({ kind: 'gap', from: 5, to: 9, at });
});

test('a vote has the round, how it ended, and what each of the electorate said', () => {
  const vote = {
    round: 'a-ab12',
    threshold: 0.6,
    electorate: ['words', 'links', 'late\u001B[2J'].map((party) => ({ party, weight: 1 })),
    base: 7,
    ending: 'agreed',
    votes: { words: 0, links: null },
    certificate: 'h4sh',
  };
  const record = { outcome: 'committed', vote };
  const text = renderStory({ ...story, adaptation: { hash: 'ab12', record, phases: [] } }, plain);
  expect(text.split('\n').filter((line) => /^(?:vote|certificate)/.test(line))).toEqual([
    'vote         round a-ab12: agreed, more than 0.6 needed',
    expect.stringMatching(/^votes {8}words yes, links no, late\S* not counted$/),
    'certificate  h4sh',
  ]);
  const open = { ...vote, ending: undefined, votes: undefined };
  const before = { ...story, adaptation: { hash: 'ab12', record: { vote: open }, phases: [] } };
  expect(renderStory(before, plain)).toContain('round a-ab12: under way');
});

test('the story of a directive has who, why, as of what, and each answer', () => {
  const directive: DirectiveStory = {
    kind: 'directive',
    id: 'd1',
    agent: 'words',
    action: 'reconfigure',
    variable: 'budget',
    revision: 41,
    epoch: 44,
    by: 'orchestrator',
    because: { by: 'ana', cause: 'more room' },
    tellings: [
      {
        at,
        outcome: 'overridden',
        leaderRevision: 7,
        overriddenBy: 'reserve',
        conflict: 'value-incompatible',
        target: 'words.resources',
        reason: 'reserve has it\u001B[2J',
        answers: [],
      },
      {
        at,
        outcome: 'rejected',
        leaderRevision: 9,
        reason: 'stale-leader',
        answers: [{ ordinal: 0, incarnation: 'w', kind: 'rejected', reason: 'stale-leader' }],
      },
    ],
    outcome: 'rejected',
  };
  const text = renderStory(directive, plain);
  expect(text).not.toContain('\u001B');
  expect(text.split('\n')).toEqual([
    'directive d1',
    'who      orchestrator to words: reconfigure',
    'why      budget at revision 41, graph of epoch 44',
    'written  by ana: more room',
    'outcome  rejected',
    'what became of it',
    expect.stringMatching(
      /^ {2}2026-01-31 12:00:00.000 overridden by reserve \(value-incompatible about words.resources\): reserve has it/,
    ),
    '  2026-01-31 12:00:00.000 rejected: stale-leader; words.0 rejected (stale-leader)',
  ]);
  expect(storyDocument(directive)).toEqual(directive);
});
