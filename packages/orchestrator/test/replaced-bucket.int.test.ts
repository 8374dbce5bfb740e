/** A bucket that is deleted and made anew under a running leader, by an operator in need. */
import { bucketStream, deleteStreams, ensureStreams, readKey, spaceNames, spaceStreams } from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStage, type Stage } from './stage.ts';

const definition = `
space: SPACE
variables:
  counter: { kind: custom, initial: 0, domain: { min: 0 } }
`;

let stage: Stage;
beforeAll(async () => {
  stage = await openStage(definition);
  stage.startOrchestrator('only');
}, 60_000);
afterAll(() => stage[Symbol.asyncDispose](), 30_000);

test('a leader whose view of a bucket can be kept true no more begins a new term with a new one', async () => {
  const { bucket, observed } = spaceNames(stage.space);
  const term = async (): Promise<number> => (await readKey(stage.bus, bucket, 'leader'))?.revision ?? 0;
  const before = await waitFor(term, { what: 'somebody leads' });
  const key = `$KV.${observed}.words.0`;
  for (let n = 0; n < 3; n++) await stage.bus.store(key, Buffer.from('{}'));
  await deleteStreams(stage.bus, [bucketStream(observed)]);
  await ensureStreams(stage.bus, spaceStreams(stage.space));
  const next = await waitFor(async () => (await term()) > before && (await term()), {
    what: 'there is a new term',
    timeoutMs: 10_000,
  });
  expect(next).toBeGreaterThan(before);
}, 60_000);
