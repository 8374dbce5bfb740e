// All contenders carry a question of the same size.
import { packBytes } from '@mabeam/bus';
import { expect, test } from 'vitest';
import { bareBody, jsonBody, packedBody } from './contender.ts';

test('a question is 64 bytes, whatever the contender makes of it', () => {
  expect(packBytes(packedBody).length).toBe(64);
  expect(new TextEncoder().encode(JSON.stringify(jsonBody)).length).toBe(64);
  expect(bareBody.length).toBe(64);
});
