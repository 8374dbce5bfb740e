import { expect, test } from 'vitest';
import { isOfHistory, parseEventFilter, parseEventTarget } from './subject.ts';

test.each([
  ['quality-low', { kind: 'trigger', name: 'quality-low' }],
  ['trigger.quality-low', { kind: 'trigger', name: 'quality-low' }],
  ['mabeam.desk.trigger.quality-low', { kind: 'trigger', name: 'quality-low' }],
  ['event.mail.m1.arrived', { kind: 'event', noun: 'mail', id: 'm1', verb: 'arrived' }],
])('%s is the place %j', (text, target) => {
  expect(parseEventTarget(text, 'desk')).toEqual(target);
});

test.each(['event.mail.arrived', 'trigger.a.b', 'task.readers', 'mabeam.other.trigger.x', ''])(
  '"%s" is no place for an event',
  (text) => {
    expect(() => parseEventTarget(text, 'desk')).toThrow(/neither a trigger|choose another name/);
  },
);

test.each([
  ['quality-low', 'trigger.quality-low'],
  ['*', 'trigger.*'],
  ['trigger.>', 'trigger.>'],
  ['event.agent.*.failed', 'event.agent.*.failed'],
  ['mabeam.desk.event.>', 'event.>'],
])('the filter %s is %s', (text, filter) => {
  expect(parseEventFilter(text, 'desk')).toBe(filter);
});

test.each(['>', 'event.>.failed', 'telemetry.logs', 'event.A.b.c', 'event..x'])(
  '"%s" is no filter of events',
  (text) => {
    expect(() => parseEventFilter(text, 'desk')).toThrow(expect.objectContaining({ code: 'invalid-usage' }));
  },
);

test('the history is what has the noun variable, and nothing else', () => {
  const filters = [
    'event.variable.>',
    'event.variable.space.*.changed',
    'event.agent.*.*',
    'event.>',
    'trigger.>',
  ];
  expect(filters.map((filter) => isOfHistory(parseEventFilter(filter, 'desk')))).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});
