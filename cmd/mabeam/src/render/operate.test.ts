/** What the commands of an operator say: of changes, of what would follow, of stops and of measurements. */
import type { Foresight } from '@mabeam/orchestrator';
import {
  definitionKey,
  emptyView,
  foldChanges,
  freezeKey,
  graphKey,
  performanceThreshold,
  valueKey,
  changeBetween,
  type SpaceView,
} from '@mabeam/variables';
import { expect, test } from 'vitest';
import { renderBench } from './bench.ts';
import { newsOf, renderNews, type News } from './changes.ts';
import { foresightDocument, renderForesight } from './foresight.ts';
import { renderStops } from './stop.ts';
import { plain } from './table.ts';

const bytes = (body: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(body));

/** The view after one more key was written (or, without a body, deleted). */
function after(view: SpaceView, key: string, body: unknown): SpaceView {
  const revision = view.revision + 1;
  const operation = body === undefined ? 'delete' : 'put';
  const data = body === undefined ? new Uint8Array(0) : bytes(body);
  return foldChanges(view, [{ revision, entries: [{ key, revision, operation, data }] }]);
}

function newsBetween(before: SpaceView, later: SpaceView, ids: readonly string[] = []): readonly News[] {
  const change = changeBetween(before, later);
  return change === undefined ? [] : newsOf(change, ids);
}

const entry = (value: unknown) => {
  const at = '2026-01-31T12:00:00.000Z';
  return { v: 1, value, definitionRevision: 1, by: 'ada', at, cause: 'quieter\n' };
};
const empty = emptyView();
const created = after(empty, definitionKey('pace'), performanceThreshold('pace', { initial: 1 }));
const written = after(created, valueKey('pace'), entry(2));

test('a new variable, a new value with its author, a refused one and a deletion are news', () => {
  const refused = after(written, valueKey('pace'), entry('ten'));
  const reset = after(refused, valueKey('pace'), undefined);
  const deleted = after(reset, definitionKey('pace'), undefined);
  const news = [
    ...newsBetween(empty, created),
    ...newsBetween(created, written),
    ...newsBetween(written, refused),
    ...newsBetween(reset, deleted),
  ];
  expect(news).toMatchObject([
    { kind: 'created', id: 'pace', revision: 1, value: 1 },
    { kind: 'value', id: 'pace', revision: 2, from: 1, to: 2, by: 'ada' },
    { kind: 'rejected', key: 'space.pace', revision: 3 },
    { kind: 'deleted', id: 'pace', revision: 5, value: 1 },
  ]);
  expect(news.map((each) => renderNews(each, plain))).toMatchObject([
    '     1  pace created, 1',
    '     2  2026-01-31 12:00:00.000  pace = 2  ada: quieter ',
    expect.stringMatching(/^ {5}3 {2}space\.pace refused: /),
    '     5  pace deleted, 1',
  ]);
});

test('graph and freeze are news for who watches all, and none for who named variables', () => {
  const frozen = after(written, freezeKey, { v: 1, by: 'ops', at: '', reason: 'incident 7' });
  const wired = after(frozen, graphKey, { v: 1, topology: 'ring', nodes: [], edges: [] });
  const free = after(wired, freezeKey, undefined);
  const all = [...newsBetween(written, frozen), ...newsBetween(frozen, wired), ...newsBetween(wired, free)];
  expect(all.map((each) => renderNews(each, plain))).toEqual([
    '     3  frozen by ops: incident 7',
    expect.stringMatching(/^ {5}4 {2}graph = \{.*"ring"/),
    '     5  no longer frozen',
  ]);
  expect(newsBetween(written, free, ['pace'])).toEqual([]);
  expect(newsBetween(created, written, ['other'])).toEqual([]);
});

const graph = { v: 1, topology: 'star', hub: 'judge', nodes: ['judge'], edges: [] } as const;
const stop = { kind: 'stop', agent: 'words', ordinal: 0, node: 'vm', reason: 'not-desired' } as const;
const foresight: Foresight = {
  desired: { before: ['words.0'], after: [] },
  actions: [stop],
  waiting: [{ kind: 'waiting', agent: 'links', ordinal: 1, reason: 'no-node' }],
  rewiring: { kind: 'rewire', from: undefined, to: graph, added: [], removed: [['a', 'b']] },
};

test('a foresight is a line for each directive, and the same in JSON', () => {
  expect(renderForesight(foresight, plain).split('\n')).toEqual([
    'stop    words.0 on vm (not-desired)',
    'wait    links.1 is not started yet (no-node)',
    'rewire  everybody to everybody → star around judge of judge (0 edges added, 1 removed)',
    'before  words.0',
    'after   nobody',
  ]);
  expect(foresightDocument(foresight)).toMatchObject({
    directives: [
      { kind: 'stop', instance: 'words.0', node: 'vm' },
      { kind: 'rewire', removed: [['a', 'b']] },
    ],
    waiting: [{ instance: 'links.1', reason: 'no-node' }],
  });
  const nothing = { desired: foresight.desired, actions: [], waiting: [] };
  expect(renderForesight(nothing, plain)).toContain('no directives');
});

test('a stop says what became of each instance, and who will start it again', () => {
  const told = (prospect: Parameters<typeof renderStops>[1]['prospect']): string =>
    renderStops(
      { agent: 'words', ordinal: undefined },
      { prospect, stops: [{ instance: 'words.0', kind: 'stopped', node: 'vm', reason: 'exit code 0' }] },
      plain,
    );
  expect(told({ kind: 'restart', variables: ['chosen'] })).toBe(
    'words.0 has stopped on vm (exit code 0)\nthe orchestrator starts it again: chosen selects it. To keep it stopped: mabeam variable set chosen … without words',
  );
  expect(told({ kind: 'restart', variables: [] })).toContain('no variable governs words');
  expect(told({ kind: 'not-desired', variables: ['chosen'] })).toContain('chosen does not select it');
  expect(told({ kind: 'frozen', variables: [] })).toContain('mabeam unfreeze');
  const none = { prospect: { kind: 'rest', variables: [] }, stops: [] } as const;
  expect(renderStops({ agent: 'words', ordinal: 1 }, none, plain)).toMatch(/^words\.1 is not running\n/);
});

test('a measurement without a sample shows dashes', () => {
  const row = { name: 'event', atOnce: 1, count: 0, perSecond: 0 };
  const none = { p50Ms: Number.NaN, p95Ms: Number.NaN, p99Ms: Number.NaN, maxMs: Number.NaN };
  const some = { ...row, count: 2, perSecond: 99.6, p50Ms: 1, p95Ms: 2, p99Ms: 2, maxMs: 2.345 };
  const lines = renderBench([{ ...row, ...none }, some], plain).split('\n');
  expect(lines[1]).toMatch(/^event +1 +0 +0 +- +- +- +-$/);
  expect(lines[2]).toMatch(/^event +1 +2 +100 +1\.00 +2\.00 +2\.00 +2\.35$/);
});
