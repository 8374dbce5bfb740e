/** Text for people: exact where a script might read it, and safe whatever a stranger has written. */
import { expect, test } from 'vitest';
import { renderOutcome } from './adaptation.ts';
import { renderChecks } from './doctor.ts';
import { renderSession } from './dev.ts';
import { eventDocument, renderEvent, renderLog } from './messages.ts';
import { readProcessLine, renderProcessLine } from './process-line.ts';
import { renderTeam } from './ps.ts';
import { oneLine, plain, renderFields, renderTable, shownAge, shownTime, shownValue } from './table.ts';
import { renderHistory, renderVariable, renderVariables, variableDocument } from './variables.ts';
import type { Team } from '../team.ts';
import type { VariableState } from '@mabeam/variables';

test('columns line up, also where cells are coloured or absent', () => {
  const red = (text: string): string => `\u001B[31m${text}\u001B[39m`;
  const text = renderTable(
    ['a', 'long name'],
    [
      [red('x'), 'y'],
      ['longer', undefined],
    ],
    plain,
  );
  expect(text.replaceAll(red('x'), 'x')).toBe('A       LONG NAME\nx       y\nlonger  -');
});

test('fields line up below each other', () => {
  expect(
    renderFields(
      [
        ['a', '1'],
        ['name', '2'],
      ],
      plain,
    ),
  ).toBe('a     1\nname  2');
});

test.each([
  [0, '0s'],
  [59_999, '59s'],
  [60_000, '1m'],
  [7_200_000, '2h'],
  [200_000_000, '2d'],
  [-5_000, '0s'],
])('%i ms ago is %s', (ms, text) => {
  expect(shownAge(1_000_000_000 - ms, 1_000_000_000)).toBe(text);
});

test('values and times are short', () => {
  expect(shownValue({ a: 'x'.repeat(100) }, 10)).toBe('{"a":"xxx…');
  expect(shownValue(undefined)).toBe('');
  expect(shownTime(new Date('2026-01-31T12:00:00.123Z'))).toBe('2026-01-31 12:00:00.123');
  expect(shownTime(new Date(Number.NaN))).toBe('-');
});

test('control characters from outside cannot move the cursor', () => {
  expect(oneLine('\u001B[2Jgone\r\nnext\u0007')).toBe('gone  next ');
});

const team: Team = {
  space: 'desk',
  revision: 12,
  leader: { process: 'orchestrator-1', pid: 1, host: 'vm' },
  nodes: [
    { v: 1, id: 'vm', pid: 2, host: 'vm', startedAt: '', capacity: { cpu: 2, memory: 1 }, instances: 1 },
  ],
  instances: [
    {
      agent: 'words',
      ordinal: 0,
      status: 'active',
      node: 'vm',
      pid: 3,
      applied: 12,
      restarts: 0,
      since: '2026-01-01T00:00:00Z',
    },
    { agent: 'links', ordinal: 0, status: 'inactive' },
    { agent: 'slow', ordinal: 1, status: 'active', node: 'vm' },
  ],
};

test('a team shows its leader, its nodes and a line for each instance', () => {
  const lines = renderTeam(team, Date.parse('2026-01-01T00:01:00Z'), plain).split('\n');
  expect(lines.slice(0, 3)).toEqual([
    'space   desk at revision 12',
    'leader  orchestrator-1 (pid 1 on vm)',
    'nodes   vm (pid 2, 1 instance)',
  ]);
  expect(lines[5]).toMatch(/^words\.0 +active +vm +3 +12 +0 +1m +-$/);
  expect(lines[6]).toMatch(/^links\.0 +inactive +- +- +- +- +- +-$/);
  expect(lines[7]).toContain('no heartbeat heard');
});

test('replicas are told of agents that may be scaled, or that are not all there, and why', () => {
  const replicas = [
    { agent: 'fixed', wanted: 1, ready: 1, waiting: [] },
    { agent: 'words', wanted: 1, ready: 1, bounds: { min: 1, max: 4 }, waiting: [] },
    { agent: 'links', wanted: 2, ready: 0, waiting: [{ ordinal: 0, reason: 'resource-exhausted' }] as const },
  ];
  const text = renderTeam({ ...team, replicas }, Date.parse('2026-01-01T00:01:00Z'), plain);
  expect(text).toContain('replicas  words 1 of 1 (1 to 4), links 0 of 2');
  expect(text).toMatch(/^links\.0 +inactive .*waits: resource-exhausted$/m);
  expect(text).not.toContain('fixed');
});

test('a team without a leader says what that means', () => {
  const text = renderTeam({ ...team, leader: undefined, nodes: [], instances: [] }, 0, plain);
  expect(text).toContain('nobody: nothing is started or adapted');
  expect(text).toContain('no agents');
});

test('a frozen space says so above its agents, with who, how long ago and why', () => {
  const freeze = { revision: 3, by: 'ops', at: '2026-01-01T00:00:00Z', reason: 'incident\n7' };
  const text = renderTeam({ ...team, freeze }, Date.parse('2026-01-01T00:05:00Z'), plain);
  expect(text).toContain('frozen  by ops, 5m ago: incident 7; nothing is adapted');
  expect(renderTeam(team, 0, plain)).not.toContain('frozen');
});

const variable: VariableState = {
  id: 'threshold',
  definition: {
    v: 1,
    id: 'threshold',
    kind: 'performance-threshold',
    scope: 'global',
    agents: ['judge'],
    domain: { min: 0, max: 1 },
    constraints: {},
    initial: 0.5,
  },
  definitionRevision: 1,
  value: 0.7,
  revision: 9,
  keyRevision: 9,
  entry: {
    v: 1,
    value: 0.7,
    definitionRevision: 1,
    by: 'cli:ada',
    at: '2026-01-31T12:00:00.000Z',
    cause: 'quieter',
  },
};

test('variables show value, revision and author', () => {
  expect(renderVariables([variable], plain).split('\n')[1]).toBe(
    'threshold  performance-threshold  0.7    9         cli:ada',
  );
  expect(renderVariables([], plain)).toContain('no variables');
  expect(renderVariable(variable, plain)).toContain('domain    {"min":0,"max":1}');
  expect(variableDocument(variable)).toMatchObject({
    id: 'threshold',
    value: 0.7,
    by: 'cli:ada',
    cause: 'quieter',
  });
});

test('history shows what was refused and what was deleted', () => {
  const at = new Date('2026-01-31T12:00:00Z');
  const text = renderHistory(
    [
      {
        kind: 'rejected',
        revision: 3,
        at,
        problem: { code: 'out-of-domain', field: 'value', message: 'too\nlarge' },
      },
      { kind: 'deleted', revision: 2, at },
    ],
    plain,
  );
  expect(text).toContain('rejected: too large');
  expect(text).toContain('deleted: the initial value');
  expect(renderHistory([], plain)).toContain('never written');
});

function stored(body: string) {
  const data = new TextEncoder().encode(body);
  const headers = new Map([
    ['traceparent', '00-a'],
    ['nats-msg-id', 'x'],
  ]);
  return {
    subject: 'mabeam.desk.trigger.low',
    data,
    headers,
    reply: undefined,
    sequence: 4,
    at: new Date('2026-01-31T12:00:00Z'),
    body: () => undefined,
    json: () => undefined,
  };
}

test('an event shows its body, and one that is no JSON its size', () => {
  expect(renderEvent(stored('{"a":1}'), plain)).toBe('4  2026-01-31 12:00:00.000  trigger.low  {"a":1}');
  expect(renderEvent(stored('{oops'), plain)).toContain('5 bytes');
  expect(eventDocument(stored(''))).toMatchObject({ body: null, headers: { traceparent: '00-a' } });
  expect(eventDocument(stored('{oops'))).toMatchObject({ base64: 'e29vcHM=' });
});

test('a log line is time, level, instance and message on one line', () => {
  const entry = {
    at: new Date('2026-01-31T12:00:00Z'),
    level: 'WARN',
    agent: 'words',
    instance: 'words.0',
    message: 'a\nb',
    attributes: {},
  };
  expect(renderLog(entry, plain)).toBe('2026-01-31 12:00:00.000  warn   words.0  a b');
});

test('a line of pino is its message with its level and cause, any other line is itself', () => {
  expect(readProcessLine('{"level":"warn","msg":"late","err":{"message":"no answer"}}')).toEqual({
    level: 'warn',
    text: 'late: no answer',
  });
  expect(readProcessLine('{"broken')).toEqual({ level: 'info', text: '{"broken' });
  expect(renderProcessLine('node', 'plain text', plain)).toBe('node          plain text');
});

test('findings come with their cures and are counted', () => {
  const text = renderChecks(
    [
      { name: 'node', status: 'ok', message: 'v26' },
      { name: 'leader', status: 'fail', message: 'nobody leads', cure: 'mabeam dev' },
    ],
    plain,
  );
  expect(text).toContain('fail  leader  nobody leads\n              cure: mabeam dev');
  expect(text).toContain('1 ok, 0 doubtful, 1 broken');
});

test('a ready session says how to go on, with the URL only where it is not the usual one', () => {
  const session = { url: 'nats://127.0.0.1:4222', spaces: ['desk'], processes: [], store: '', otlp: '' };
  const usual = { program: 'mabeam', defaultUrl: session.url, trigger: 'quality-low' };
  expect(renderSession(session, usual, plain)).not.toContain('export NATS_URL');
  const secret = renderSession({ ...session, url: 'nats://me:secret@127.0.0.1:5' }, usual, plain);
  expect(secret).toContain('export NATS_URL=<the URL, with your credentials>');
  expect(secret).not.toContain('secret@');
  const elsewhere = renderSession({ ...session, url: 'nats://127.0.0.1:5' }, usual, plain);
  expect(elsewhere).toContain('  export NATS_URL=nats://127.0.0.1:5');
  expect(elsewhere).toContain("mabeam event publish quality-low '{}'");
});

test('what a trigger led to is told with its changes and its time, or why it led to nothing', () => {
  const record = {
    v: 1,
    source: '',
    id: 'a',
    trigger: 'low',
    rule: 'more',
    changes: [{ rule: 'more', variable: 'chosen', from: ['x'], to: ['x', 'y'] }],
    outcome: 'applied',
    at: '2026-01-31T12:00:00.000Z',
    triggeredAt: '2026-01-31T12:00:00.000Z',
    appliedAt: '2026-01-31T12:00:00.120Z',
    revision: 9,
  } as const;
  expect(renderOutcome({ record, isOld: false }, plain)).toBe(
    'applied at revision 9, 120 ms after the trigger\n  chosen: ["x"] → ["x","y"] (rule more)',
  );
  expect(renderOutcome({ record, isOld: true }, plain)).toContain(
    'nothing: this identity (id a) has acted before',
  );
  const without = { ...record, changes: [] };
  expect(renderOutcome({ record: { ...without, outcome: 'no-rule' }, isOld: false }, plain)).toContain(
    'answers low',
  );
  expect(
    renderOutcome({ record: { ...without, outcome: 'cooldown', reason: 'rests' }, isOld: false }, plain),
  ).toBe('nothing (cooldown): rests');
});
