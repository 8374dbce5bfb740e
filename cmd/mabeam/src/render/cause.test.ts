import { triggerCause } from '@mabeam/variables';
import { expect, test } from 'vitest';
import { shownCause } from './cause.ts';

test.each([
  ['words', 'quieter\u001B[2J nights', 'quieter nights'],
  ['a trigger', triggerCause('nightly', 'run-42'), 'a trigger (source nightly, id run-42)'],
  ['a trigger without a source', triggerCause('', 'a1'), 'a trigger (id a1)'],
  ['JSON of another kind', '{"kind":"whim"}', '{"kind":"whim"}'],
  ['what only looks like JSON', '{whim}', '{whim}'],
])('a cause that is %s is told so', (_what, cause, told) => {
  expect(shownCause(cause)).toBe(told);
});
