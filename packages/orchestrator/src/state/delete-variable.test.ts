import { performanceThreshold } from '@mabeam/variables';
import { expect, test } from 'vitest';
import { valued } from '../../test/team.ts';
import { parseRule, type AdaptationRule } from '../adaptation/adaptation-rule.ts';
import { planDeletion, type DeletionSite } from './delete-variable.ts';

const threshold = valued(performanceThreshold('threshold', { initial: 0.5 }), 0.5);
const rule = (id: string, adapt: string) =>
  parseRule({ v: 1, id, on: { trigger: 't' }, adapt, by: { increase: 1 } });

function siteOf(...rules: readonly AdaptationRule[]): DeletionSite {
  return {
    rules: new Map(rules.map((each) => [each.id, each])),
    variables: new Map([[threshold.id, threshold]]),
    revisionOf: (key) => (key.startsWith('definition.') ? 3 : 7),
  };
}

test('definition and value are deleted together, each expected as it was seen', () => {
  const writes = planDeletion(siteOf(rule('other', 'pace')), threshold);
  expect(writes).toEqual([
    { key: 'space.threshold', body: undefined, operation: 'delete', expect: 7 },
    { key: 'definition.threshold', body: undefined, operation: 'delete', expect: 3 },
  ]);
});

test('a variable that rules adapt is kept, and they are named', () => {
  const site = siteOf(rule('stricter', 'threshold'), rule('laxer', 'threshold'), rule('other', 'pace'));
  expect(() => planDeletion(site, threshold)).toThrow(
    expect.objectContaining({
      code: 'variable-in-use',
      details: { variable: 'threshold', users: ['rule laxer', 'rule stricter'] },
      message: expect.stringContaining('in use by rule laxer, rule stricter'),
    }),
  );
});

test("an agent's own variable is not deleted without its declaration", () => {
  const local = { ...threshold, id: 'words.smoothing' };
  expect(() => planDeletion(siteOf(), local)).toThrow(/declared in the definition of agent words/);
});

test('a variable that another one is bound to is kept, and that one is named', () => {
  const definition = { ...threshold.definition, constraints: { compatible: { threshold: 'above' } } };
  const site = { ...siteOf(), variables: new Map([['pace', { ...threshold, id: 'pace', definition }]]) };
  expect(() => planDeletion(site, threshold)).toThrow(/in use by variable pace/);
});
