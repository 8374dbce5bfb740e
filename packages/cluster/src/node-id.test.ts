import { isId } from '@mabeam/bus';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nodeIdFrom } from './node-id.ts';

test.each([
  ['workstation', 'workstation'],
  ['Build-7.example.org', 'build-7-example-org'],
  ['10.0.0.7', 'node-10-0-0-7'],
  ['all', 'node-all'],
  ['---', 'node'],
  ['', 'node'],
])('the machine %j is node %s', (hostname, id) => {
  expect(nodeIdFrom(hostname)).toBe(id);
});

test('whatever a machine is called, the id is valid', () => {
  fc.assert(fc.property(fc.string({ maxLength: 300 }), (hostname) => isId(nodeIdFrom(hostname))));
  expect(isId(nodeIdFrom('9'.repeat(300)))).toBe(true);
});
