/**
 * A deposed leader's every write is refused. For each way in which a leader writes, it is deposed at the last moment: its change
 * set is stopped on the way to the server, `leader` is taken by another, and then the change set arrives.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  bucketStream,
  commitBatch,
  connectBus,
  openEvents,
  readKey,
  readStreamOnce,
  spaceNames,
  subjects,
} from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { answeredKey } from '../src/adaptation/event-rules.ts';
import { identityHash } from '../src/adaptation/trigger.ts';
import { openGate, type Gate } from './gate.ts';
import { openStage, putRaw, type Stage } from './stage.ts';

const definition = `
space: SPACE
agents:
  words: { module: ./fixtures/agent.ts, variables: { pace: { initial: 1, min: 0, max: 9 } } }
  links: { module: ./fixtures/agent.ts }
variables:
  active: { kind: agent-selection, agents: [words, links], initial: [words] }
  talk: { kind: communication-topology, agents: [words, links], initial: { pattern: mesh } }
  threshold: { kind: performance-threshold, initial: 0.5, domain: { min: 0, max: 1 } }
  counter: { kind: custom, initial: 0, domain: { min: 0 } }
  tried: { kind: custom, initial: 0 }
  probes: { kind: custom, initial: 0, domain: { min: 0 } }
rules:
  count: { on: { trigger: counted }, adapt: counter, by: { increase: 1 }, cooldownMs: 0 }
  seen: { on: { event: probe.seen }, adapt: probes, by: { increase: 1 }, cooldownMs: 0 }
  try: { on: { trigger: try }, adapt: tried, by: { set: 1 }, guard: { metric: quality, windowMs: 100, windows: 1 }, canary: 0.5, cooldownMs: 0 }
  rare: { on: { trigger: rare }, adapt: counter, by: { increase: 1000 }, cooldownMs: 3600000 }
`;

let stage: Stage;
let gate: Gate;
let bucket: string;
const closers: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  vi.stubEnv('NODE_OPTIONS', '--conditions=@mabeam/source');
  stage = await openStage(definition);
  gate = await openGate(stage.url, stage.space);
  ({ bucket } = spaceNames(stage.space));
  for (const name of ['first', 'second']) {
    const bus = await connectBus({ url: gate.url, name });
    closers.push(() => bus.close());
    stage.startOrchestrator(name, bus);
  }
  await stage.until(['words.0']);
}, 60_000);

afterAll(async () => {
  await stage[Symbol.asyncDispose]();
  for (const close of closers) await close();
  await gate[Symbol.asyncDispose]();
  vi.unstubAllEnvs();
}, 60_000);

type Writes = ReadonlyMap<string, string>;

/** A way in which a leader writes: what makes it, how its change set is known, and what must be so in the end. */
interface WritePath {
  readonly name: string;
  readonly provoke: () => Promise<unknown>;
  readonly isIt: (writes: Writes) => boolean;
  readonly finished: (answer: unknown) => Promise<void>;
}

const keyOf = (id: string): string => `adaptation.${identityHash({ source: 'test', id })}`;
const trigger = (name: string, id: string) => () =>
  openEvents(stage.bus, stage.space).trigger(name, { source: 'test', id });

async function outcomeIs(id: string, outcome: string): Promise<void> {
  const hash = identityHash({ source: 'test', id });
  await waitFor(async () => (await stage.record(hash))?.outcome === outcome, {
    what: `the adaptation on ${id} is ${outcome}`,
    timeoutMs: 15_000,
  });
}

const counterIs = (value: number): Promise<unknown> =>
  waitFor(() => stage.store.get('counter').value === value, { what: `the counter is ${value}` });

/** Asks by command, and resolves with what came of it, be it an error. */
const ask = (id: string, value: unknown): Promise<unknown> =>
  stage.bus
    .request(subjects(stage.space).at(`command.variable.${id}.set`), { value, by: 'test' })
    .catch((error: unknown) => error);

/** The asker is told that nothing was written, and the next leader serves him. */
async function servedAgain(id: string, value: unknown, answer: unknown): Promise<void> {
  expect(answer).toMatchObject({ code: 'leader-deposed' });
  expect(stage.store.get(id).value).not.toEqual(value);
  const isServed = async (): Promise<boolean> => 'kind' in Object(await ask(id, value));
  await waitFor(isServed, { what: 'the successor serves the command', timeoutMs: 10_000 });
  expect(stage.store.get(id).value).toEqual(value);
}

const paths: readonly WritePath[] = [
  {
    name: 'the change of an adaptation with its record',
    provoke: trigger('counted', 'change'),
    isIt: (writes) => writes.has(keyOf('change')) && writes.has('space.counter'),
    finished: async () => {
      await outcomeIs('change', 'applied');
      await counterIs(1);
    },
  },
  {
    name: 'the record that an adaptation is applied',
    provoke: trigger('counted', 'applied'),
    isIt: (writes) => writes.get(keyOf('applied'))?.includes('"applied"') === true,
    finished: async () => {
      await outcomeIs('applied', 'applied');
      await counterIs(2);
      const hash = identityHash({ source: 'test', id: 'applied' });
      expect(await stage.events(`event.adaptation.${hash}.applied`)).toHaveLength(1);
    },
  },
  {
    name: 'the change of a rule by event with its record',
    provoke: async () => {
      // Nothing from before the leader reads events is answered.
      const isReading = async (): Promise<boolean> =>
        (await readKey(stage.bus, bucket, answeredKey))?.operation === 'put';
      await waitFor(isReading, { what: 'the leader reads events', timeoutMs: 10_000 });
      await openEvents(stage.bus, stage.space).publish('probe', 'x', 'seen', { source: 'test', id: 'seen' });
    },
    isIt: (writes) => writes.has('space.probes'),
    finished: async () => {
      const isAnswered = (): boolean => stage.store.get('probes').value === 1;
      await waitFor(isAnswered, { what: 'the successor answers the event', timeoutMs: 15_000 });
      const hash = identityHash({ source: 'event.probe.seen:test', id: 'seen' });
      expect(await stage.record(hash)).toMatchObject({ trigger: 'probe.x.seen', rule: 'seen' });
    },
  },
  {
    name: 'a candidate with its record',
    provoke: trigger('try', 'tried'),
    isIt: (writes) => writes.get('space.tried')?.includes('"candidate"') === true,
    finished: () => outcomeIs('tried', 'failure'),
  },
  {
    name: 'the decision of a rollout',
    provoke: trigger('try', 'decided'),
    isIt: (writes) => writes.get(keyOf('decided'))?.includes('"decision"') === true,
    finished: async () => {
      await outcomeIs('decided', 'failure');
      expect(stage.store.get('tried')).toMatchObject({ value: 0 });
      expect(stage.store.get('tried').candidate).toBeUndefined();
    },
  },
  {
    name: 'the note that an outcome was announced',
    provoke: trigger('try', 'told'),
    isIt: (writes) => writes.get(keyOf('told'))?.includes('"announcedAt"') === true,
    finished: async () => {
      const hash = identityHash({ source: 'test', id: 'told' });
      const isNoted = async (): Promise<boolean> => (await stage.record(hash))?.announcedAt !== undefined;
      await waitFor(isNoted, { what: 'the successor notes it', timeoutMs: 10_000 });
      expect(await stage.events(`event.adaptation.${hash}.failure`)).toHaveLength(1);
    },
  },
  {
    name: 'the record of a trigger without a rule',
    provoke: trigger('unheard-of', 'no-rule'),
    isIt: (writes) => writes.has(keyOf('no-rule')),
    finished: () => outcomeIs('no-rule', 'no-rule'),
  },
  {
    name: 'the graph of a new selection',
    provoke: () => stage.store.update('active', ['links'], { by: 'test' }),
    isIt: (writes) => writes.has('graph'),
    finished: async () => {
      await stage.until(['links.0']);
      expect(stage.store.graph?.graph.nodes).toEqual(['links']);
    },
  },
  {
    name: 'the graph again, over a raw one that is none',
    provoke: () => putRaw(stage, 'graph', { v: 1, topology: 'knot' }),
    isIt: (writes) => writes.has('graph'),
    finished: async () => {
      const isWhole = (): boolean => !stage.store.view.rejected.has('graph');
      await waitFor(isWhole, { what: 'the graph is written again', timeoutMs: 10_000 });
    },
  },
  {
    name: 'the repair of a raw invalid value',
    provoke: () => putRaw(stage, 'space.threshold', { v: 1, value: 7 }),
    isIt: (writes) => writes.has('space.threshold'),
    finished: async () => {
      const isRepaired = async (): Promise<boolean> => {
        const text = Buffer.from(
          (await readKey(stage.bus, bucket, 'space.threshold'))?.data ?? [],
        ).toString();
        return text.includes('"repair"') && text.includes('"value":0.5');
      };
      await waitFor(isRepaired, { what: 'the value in force is written again', timeoutMs: 10_000 });
    },
  },
  {
    name: 'a value set by command',
    provoke: () => ask('threshold', 0.75),
    isIt: (writes) => writes.has('space.threshold'),
    finished: (answer) => servedAgain('threshold', 0.75, answer),
  },
  {
    name: "an agent's own value set by command",
    provoke: () => ask('words.pace', 3),
    isIt: (writes) => writes.has('agent.words.pace'),
    finished: (answer) => servedAgain('words.pace', 3, answer),
  },
  {
    name: 'the record of a failure, and what is decided about it',
    provoke: async () => {
      const running = stage.mirror.observed.find(
        ({ agent, status }) => agent === 'links' && status === 'active',
      );
      process.kill(running?.pid ?? Number.NaN, 'SIGKILL');
    },
    isIt: (writes) => writes.has('recovery.links'),
    finished: async () => {
      const isWritten = (): boolean => stage.mirror.state.recoveries.has('links');
      await waitFor(isWritten, { what: 'the successor writes it down', timeoutMs: 10_000 });
      const told = (): Promise<readonly unknown[]> => stage.events('event.recovery.links.failed');
      await waitFor(async () => (await told()).length > 0, { what: 'it is told' });
      expect(await told()).toHaveLength(1);
      await stage.until(['links.0']);
    },
  },
  {
    name: 'the removal of an old record',
    provoke: async () => {
      // A term begins with pruning; the former one ends when it finds out by a commit.
      await leaveOldRecord('old');
      await depose();
      await trigger('unheard-of', 'finds-out')();
    },
    isIt: (writes) => writes.get(keyOf('old')) === '',
    finished: async () => {
      const isRemoved = async (): Promise<boolean> =>
        (await readKey(stage.bus, bucket, keyOf('old')))?.operation === 'delete';
      await waitFor(isRemoved, { what: 'the successor removes it', timeoutMs: 10_000 });
    },
  },
];

/** A record that nobody needs any more, as the leader of a new term finds it. */
async function leaveOldRecord(id: string): Promise<void> {
  const at = '2026-01-31T00:00:00.000Z';
  const about = { source: 'test', id, trigger: 'unheard-of', rule: '', changes: [] };
  await putRaw(stage, keyOf(id), { v: 1, ...about, outcome: 'no-rule', at, triggeredAt: at });
}

/** Takes the leadership as a successor does: compare-and-set on the key. */
async function depose(): Promise<number> {
  const leader = await readKey(stage.bus, bucket, 'leader');
  const body = { v: 1, process: 'intruder', pid: 1, host: 'test' };
  const taken = await commitBatch(stage.bus, bucket, [
    { key: 'leader', body, expect: leader?.revision ?? 0 },
  ]);
  return taken.revision;
}

/** Ids of the change sets in the bucket. */
async function acceptedBatches(): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for await (const { headers } of readStreamOnce(stage.bus, bucketStream(bucket)))
    ids.add(headers.get('nats-batch-id') ?? '');
  return ids;
}

describe('a leader deposed in the last moment', () => {
  test.each(paths)(
    'writes nothing of $name, and its successor sees to it',
    async (path) => {
      const catching = gate.catchBatch(path.isIt);
      const answer = path.provoke();
      const { release, what } = await catching;
      const deposedAt = await depose();
      release();
      await path.finished(await answer);
      const leader = await readKey(stage.bus, bucket, 'leader');
      expect(leader?.revision).toBeGreaterThan(deposedAt);
      expect((await acceptedBatches()).has(what.id)).toBe(false);
    },
    30_000,
  );

  test('what it has announced, long ago, is closed by its successor and not announced again', async () => {
    const hash = identityHash({ source: 'test', id: 'announced' });
    const at = new Date().toISOString();
    const about = { source: 'test', id: 'announced', trigger: 'counted', rule: 'count', changes: [] };
    // Without the message id by which the event stream knows a repetition for two minutes.
    await openEvents(stage.bus, stage.space).publish('adaptation', hash, 'applied', {
      ...about,
      revision: 1,
    });
    const record = { v: 1, ...about, outcome: 'committed', at, triggeredAt: at, committedAt: at };
    await putRaw(stage, keyOf('announced'), record);
    await outcomeIs('announced', 'applied');
    expect(await stage.events(`event.adaptation.${hash}.applied`)).toHaveLength(1);
  }, 60_000);

  test('the gate does not refuse by itself: what is stopped without a deposition is written', async () => {
    const catching = gate.catchBatch((writes) => writes.has(keyOf('undisturbed')));
    await trigger('unheard-of', 'undisturbed')();
    const { release, what } = await catching;
    release();
    await outcomeIs('undisturbed', 'no-rule');
    expect((await acceptedBatches()).has(what.id)).toBe(true);
  }, 60_000);

  test('everything a leader wrote here was fenced', () => {
    const unfenced = gate.batches.filter(({ expectKey, writes }) => {
      const isTicket = [...writes.keys()].join() === 'leader';
      return !isTicket && expectKey !== 'leader';
    });
    expect(unfenced).toEqual([]);
    expect(gate.loose).toEqual([]);
  });
});

/**
 * Where this package writes to a server, other than by `leadership.commit`, and why a deposed leader cannot do harm there. The event
 * stream and the history are other streams than the bucket: what is written there cannot expect anything of the key `leader`.
 */
const writers: Readonly<Record<string, string>> = {
  'term/fence.ts commitBatch': 'the ticket and the fenced commit themselves',
  'definition/create-space.ts commitBatch': 'an operator brings a space into being or changes its definition',
  'space/add-part.ts commitBatch': 'a program adds an agent or a variable',
  'definition/delete-space.ts commitBatch': 'an operator ends a space',
  'scaling/scale-agent.ts commitBatch': 'a person wishes for another number of replicas',
  'state/delete-variable.ts commitBatch': 'an operator deletes a variable',
  'adaptation/hold-vote.ts establishConsensus':
    'asks as anybody may, in a round that ends once; what follows from it is a commit',
  'adaptation/watch-metrics.ts store':
    'asks as anybody may: a trigger with an identity, which whoever leads answers once',
  'adaptation/settle.ts store': 'says what the bucket has, once: stored expecting that nobody has said it',
  'history/copy-history.ts storeBatch': 'copies what the bucket has, once: stored expecting the former place',
  'recovery/perform-recovery.ts publish':
    'tells a supervisor of a failure, before the decision; another leader tells of it too',
  'recovery/perform-recovery.ts store':
    'says what the bucket has, after the commit; the stream keeps it once',
  'space/record-directives.ts store':
    'tells what became of directives, which agents refuse of a deposed leader',
  'rollout/announce-outcome.ts store':
    'says what the bucket has, once: stored expecting that nobody has said it',
  'term/digest.ts publish': 'says how far the bucket is; a follower that is further does not go back',
};

test('nothing in this package writes to a server past the fence, but for what is listed', async () => {
  const folder = join(import.meta.dirname, '../src');
  const names = await readdir(folder, { recursive: true });
  const files = names.filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  const found = new Set<string>();
  for (const file of files) {
    const text = await readFile(join(folder, file), 'utf8');
    const calls =
      /\b(commitBatch|putKey|deleteKey|storeBatch|establishConsensus)\(|\bbus\.(store|publish|publishBytes)\(/g;
    for (const [, direct, method] of text.matchAll(calls)) found.add(`${file} ${direct ?? method}`);
  }
  expect([...found].toSorted()).toEqual(Object.keys(writers).toSorted());
});
