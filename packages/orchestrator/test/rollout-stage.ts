/** What tests of rollouts share: conversations that go on until something has happened, and what they saw. */
import { randomUUID } from 'node:crypto';
import { readKey, spaceNames, subjects } from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { adaptationKey, type AdaptationRecord } from '../src/adaptation/adaptation-record.ts';
import type { ChangeAnswer } from '../src/rollout/serve-adaptation.ts';
import type { Stage } from './stage.ts';

/** What one conversation saw: the pace of the first agent, and of the second one in the same conversation. */
export interface Seen {
  readonly conversation: string;
  readonly pace: number;
  readonly beyond: number;
}

/** A guard that is quick: three windows of this length. */
export const quickGuard = (windowMs: number, share?: number) => ({
  metric: 'quality',
  direction: 'below' as const,
  windowMs,
  windows: 3,
  ...(share === undefined ? {} : { share }),
});

/** Asks the leader to adapt. */
export async function adapt(stage: Stage, body: object): Promise<ChangeAnswer> {
  // The leader's own answer; a test that gets another fails at its first look.
  return (await command(stage, 'adapt', { by: 'test', ...body })) as ChangeAnswer;
}

/** A command to the space's leader. */
export function command({ bus, space }: Stage, verb: string, body: object): Promise<unknown> {
  return bus.request(subjects(space).at(`command.space.${space}.${verb}`), body);
}

/** Holds conversations with `front`, a few at a time, until the adaptation has an outcome other than `evaluating`. */
export async function converseUntilDecided(
  stage: Stage,
  hash: string,
  {
    timeoutMs = 20_000,
    onRound,
  }: { readonly timeoutMs?: number; readonly onRound?: (round: number) => Promise<void> } = {},
): Promise<{ readonly record: AdaptationRecord; readonly seen: readonly Seen[] }> {
  const seen: Seen[] = [];
  const giveUpAt = performance.now() + timeoutMs;
  for (let round = 0; performance.now() < giveUpAt; round++) {
    const record = await stage.record(hash);
    if (record !== undefined && record.outcome !== 'evaluating') {
      await untilHere(stage, hash);
      return { record, seen };
    }
    await onRound?.(round);
    seen.push(...(await Promise.all(Array.from({ length: 4 }, () => converse(stage)))));
  }
  const outcome = (await stage.record(hash))?.outcome ?? 'not there';
  throw new Error(`adaptation ${hash} is ${outcome} after ${timeoutMs} ms`);
}

/** Resolves when the variables of this process are as new as what the record says. */
async function untilHere({ bus, space, store }: Stage, hash: string): Promise<void> {
  const entry = await readKey(bus, spaceNames(space).bucket, adaptationKey(hash));
  const isHere = (): boolean => store.applied >= (entry?.revision ?? 0);
  await waitFor(isHere, { what: 'this process has the revision of the record' });
}

/** Holds this many conversations. */
export async function converseTimes(stage: Stage, rounds: number): Promise<readonly Seen[]> {
  const seen: Seen[] = [];
  for (let round = 0; round < rounds; round++)
    seen.push(...(await Promise.all(Array.from({ length: 4 }, () => converse(stage)))));
  return seen;
}

async function converse({ bus, space }: Stage): Promise<Seen> {
  const conversation = `c-${randomUUID()}`;
  const answer = await bus.request(subjects(space).askAgent('front'), {}, { conversation, timeoutMs: 5_000 });
  const { beyond, pace } = Object(answer);
  return { conversation, pace: Number(pace), beyond: Number(Object(beyond).pace) };
}
