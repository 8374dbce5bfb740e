import { expect, test } from 'vitest';
import { historyMarks, historyMessage, readHistoryEvent, readHistoryPosition } from './history-event.ts';
import type { HistoryEvent } from './history-event.ts';

const at = new Date('2026-01-31T00:00:00.000Z');
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const revision = { kind: 'revision', key: 'space.x', revision: 7, operation: 'put', at } as const;

/** The event with its bytes as text that compares. */
function legible(event: HistoryEvent | undefined): unknown {
  return event?.kind === 'revision' ? { ...event, data: Buffer.from(event.data).toString('hex') } : event;
}

test.each<HistoryEvent>([
  { ...revision, data: bytes('{"v":1,"value":[1,"ä"]}'), batch: 'b1' },
  { ...revision, data: bytes('null') },
  { ...revision, data: new Uint8Array([0xff, 0xfe]) },
  { ...revision, data: bytes('') },
  { ...revision, key: 'graph', data: bytes('{}') },
  { ...revision, operation: 'delete', data: new Uint8Array(0) },
  { kind: 'gap', from: 1, to: 9, at, keys: ['space.x'] },
  { kind: 'gap', from: 1, to: 9, at },
  { kind: 'replaced', copied: 5, at },
])('what is written of %j is read again', (event) => {
  const read = readHistoryEvent(historyMessage('desk', event, 10_000));
  expect(legible(read)).toEqual(legible(event));
});

test('a subject has four tokens or more after its class, so that neither events nor outcomes have it too', () => {
  const subjectOf = (event: HistoryEvent): string => historyMessage('desk', event, 100).subject;
  const subjects = [
    subjectOf({ ...revision, data: bytes('1') }),
    subjectOf({ ...revision, key: 'graph', data: bytes('1') }),
    subjectOf({ ...revision, key: 'agent.words.pace', data: bytes('1') }),
    subjectOf({ kind: 'gap', from: 1, to: 2, at }),
  ];
  expect(subjects).toEqual([
    'mabeam.desk.event.variable.space.x.changed',
    'mabeam.desk.event.variable.key.graph.changed',
    'mabeam.desk.event.variable.agent.words.pace.changed',
    `mabeam.desk.${historyMarks.gap}`,
  ]);
  expect(subjects.every((subject) => subject.split('.').length >= 7)).toBe(true);
});

test('an entry that is too large is left out, and its size is said', () => {
  const message = historyMessage('desk', { ...revision, data: bytes('"xxxxxxxxxxxxxxxxxxxx"') }, 20);
  expect(readHistoryEvent(message)).toMatchObject({ revision: 7, omittedBytes: 22, data: new Uint8Array(0) });
});

test.each(['', 'nonsense', '7', '{}', '{"v":1,"key":"x","revision":-1,"operation":"put","at":"x"}'])(
  'a stranger who puts %j there has put nothing there',
  (text) => {
    const subject = 'mabeam.desk.event.variable.space.x.changed';
    expect(readHistoryEvent({ subject, data: bytes(text) })).toBeUndefined();
    expect(readHistoryPosition(bytes(text))).toBeUndefined();
  },
);
