import { MabeamError } from '@mabeam/bus';
import { agentSelection, customVariable, performanceThreshold } from '@mabeam/variables';
import { describe, expect, it } from 'vitest';
import { valued } from '../../test/team.ts';
import { parseValues } from './parse-values.ts';

const variables = new Map(
  [
    valued(customVariable('pace', { initial: 1, min: 0, max: 9 }), 1),
    valued(performanceThreshold('threshold', { initial: 0.5 }), 0.5),
    valued(agentSelection('team', { agents: ['a', 'b'] }), ['a']),
  ].map((variable) => [variable.id, variable]),
);

const read = (text: string) => parseValues(text, { path: 'values' }, variables);

function refused(text: string): MabeamError {
  try {
    read(text);
  } catch (error) {
    if (error instanceof MabeamError) return error;
  }
  throw new Error('it was not refused');
}

describe('values in a text', () => {
  it.each([
    ['YAML', 'pace: 3\nteam: b # alone\n'],
    ['JSON', '{"pace": 3, "team": "b"}'],
  ])('are read from %s, each in the form of its variable', (_form, text) => {
    expect(read(text)).toEqual([
      { variable: 'pace', value: 3 },
      { variable: 'team', value: ['b'] },
    ]);
  });

  it.each([
    ['a mistake in the form', 'pace: 3\nthreshold: [1\n', /^values:[23]:\d+: /],
    ['a variable twice', 'pace: 3\npace: 4\n', /^values:2:1: /],
    [
      'a variable that is not there',
      'pace: 3\ntresholt: 1\n',
      /^values:2:1: tresholt: .*did you mean "threshold"/,
    ],
    ['one that is near none', 'other: 1\n', /^values:1:1: other: .*; there are pace, threshold, team$/],
    ['a value out of its domain', 'threshold: 0.2\n\npace: 99\n', /^values:3:1: pace: /],
    ['a list', '- pace\n', /^values:1:1: is not an object of values/],
    ['nothing', '', /^values:1:1: is not an object of values/],
  ])('%s is told with its line', (_what, text, message) => {
    const error = refused(text);
    expect(error).toMatchObject({ code: 'values-invalid', message: expect.stringMatching(message) });
    expect(error.details['problems']).toHaveLength(1);
  });

  it('tells all mistakes at once', () => {
    expect(refused('pace: 99\nnope: 1\n').message.split('\n')).toHaveLength(2);
  });
});
