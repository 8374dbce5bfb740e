/** Directives to agents: judged, carried out once, answered. */
import { putKey, subjects } from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import {
  defineAgent,
  directAgent,
  type AgentAction,
  type AgentCrew,
  type DirectiveAnswer,
  type DirectOptions,
} from '@mabeam/agents';
import { openStage, type Stage } from './stage.ts';

const mute = defineAgent({ ask: (_input, { config }) => config });

describe('a directive', () => {
  let stage: Stage;
  let crew: AgentCrew;
  beforeEach(async () => {
    stage = await openStage(inject('natsUrl'));
    const pace = { initial: 3, min: 0, max: 9 };
    await stage.define({ id: 'words', role: 'executor', variables: { pace }, config: { depth: 1 } });
    await stage.define({ id: 'judge', role: 'coordinator' });
    crew = await stage.crew([
      { id: 'words', definition: mute },
      { id: 'judge', definition: defineAgent({ ask: (_, { direct }) => direct('words', 'stop') }) },
    ]);
  });
  afterEach(() => stage[Symbol.asyncDispose]());

  /** The one answer to a directive to `words`, from the orchestrator unless said otherwise. */
  const direct = async (
    verb: AgentAction,
    options: Partial<DirectOptions> = {},
  ): Promise<DirectiveAnswer | undefined> => {
    const sent = { from: 'orchestrator', leaderRevision: 1, timeoutMs: 2_000, ...options };
    return (await directAgent(stage.bus, stage.space, 'words', verb, sent))[0];
  };

  it('is answered with the values in force, once its revision is here, though it came first', async () => {
    const revision = stage.store.applied + 1;
    const answer = direct('adjust-parameters', { revision, parameters: { pace: 7 } });
    await stage.bus.flush();
    await stage.store.update('words.pace', 7, { by: 'test' });
    expect(await answer).toEqual({
      kind: 'applied',
      effective: { pace: 7 },
      agent: 'words',
      ordinal: 0,
      incarnation: crew.process,
    });
  });

  it('whose revision never comes is an error that may pass, and may be repeated', async () => {
    const id = 'd-late';
    const revision = stage.store.applied + 1;
    await expect(direct('adjust-parameters', { id, revision, timeoutMs: 300 })).rejects.toMatchObject({
      code: 'not-applied',
      retryable: true,
    });
    await stage.store.update('words.pace', 4, { by: 'test' });
    expect(await direct('adjust-parameters', { id, revision })).toMatchObject({
      kind: 'applied',
      effective: { pace: 4 },
    });
  });

  it('about a value that was refused, or a variable that is not there, is rejected with the reason', async () => {
    const entry = {
      v: 1,
      value: 99,
      definitionRevision: 0,
      by: 'shell',
      at: new Date().toISOString(),
      cause: 'raw',
    };
    const revision = await putKey(stage.bus, stage.bucket, 'agent.words.pace', entry);
    expect(await direct('adjust-parameters', { revision, parameters: { pace: 99 } })).toMatchObject({
      kind: 'rejected',
      reason: 'constraint-violation',
    });
    expect(await direct('adjust-parameters', { parameters: { speed: 1 } })).toMatchObject({
      kind: 'rejected',
      reason: 'unknown-key',
      effective: { key: 'words.speed' },
    });
  });

  it('to reconfigure is answered with the new configuration, and the next call has it', async () => {
    const revision = await stage.define({ id: 'words', config: { depth: 5, tone: 'calm' } });
    expect(await direct('reconfigure', { revision, parameters: { depth: 5 } })).toMatchObject({
      kind: 'applied',
      effective: { depth: 5, tone: 'calm' },
    });
    expect(await stage.bus.request(subjects(stage.space).askAgent('words'), null)).toEqual({
      depth: 5,
      tone: 'calm',
    });
    expect(await direct('reconfigure', { revision, parameters: { width: 1 } })).toMatchObject({
      kind: 'rejected',
      reason: 'unknown-key',
    });
  });

  it('to change the role is answered with the role in force', async () => {
    const revision = await stage.define({ id: 'words', role: 'monitor' });
    expect(await direct('change-role', { revision })).toMatchObject({
      kind: 'applied',
      effective: { role: 'monitor' },
    });
  });

  it('about the edges of an epoch is applied in that epoch and stale in a later one', async () => {
    const revision = await stage.wire(['words', 'judge'], [['words', 'judge']]);
    expect(await direct('update-communication', { revision })).toMatchObject({
      kind: 'applied',
      effective: { epoch: revision, peers: ['judge'] },
    });
    const later = await stage.wire(['words', 'judge'], []);
    expect(await direct('update-communication', { revision })).toMatchObject({
      kind: 'rejected',
      reason: 'stale-epoch',
      effective: { epoch: later, peers: [] },
    });
  });

  it('to stop is carried out once: its repetition gets the same answer, a second one has nothing to do', async () => {
    const begun = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const slow = defineAgent({
      ask: async () => {
        begun.resolve();
        await gate.promise;
      },
    });
    const ended: string[] = [];
    await crew.remove('words');
    await using _ = await stage.crew([{ id: 'words', definition: slow }]).then((made) => {
      ended.push(...made.statuses().keys());
      return made;
    });
    const last = stage.bus.request(subjects(stage.space).askAgent('words'), null);
    await begun.promise;
    const answers = await Promise.all([
      direct('stop', { id: 'd-1' }),
      direct('stop', { id: 'd-1' }),
      direct('stop', { id: 'd-2' }),
    ]);
    expect(answers.map((answer) => answer?.kind)).toEqual(['applied', 'applied', 'noop']);
    gate.resolve();
    await last;
    await waitFor(async () => (await direct('stop', { timeoutMs: 200 })) === undefined, {
      what: 'nobody listens any more',
    });
    expect(ended).toEqual(['words.0']);
  });

  it('of a leader that has been succeeded is rejected, whether its successor spoke or only wrote', async () => {
    expect(await direct('reconfigure', { leaderRevision: 5 })).toMatchObject({ kind: 'applied' });
    expect(await direct('stop', { leaderRevision: 4 })).toMatchObject({
      kind: 'rejected',
      reason: 'stale-leader',
      effective: { leaderRevision: 5 },
    });
    const revision = await putKey(stage.bus, stage.bucket, 'leader', { v: 1, process: 'p' });
    await stage.store.waitForRevision(revision);
    expect(await direct('stop', { leaderRevision: revision - 1 })).toMatchObject({ reason: 'stale-leader' });
    expect(crew.statuses().get('words.0')).toBe('active');
  });

  it('of a sender without the right is rejected and not carried out', async () => {
    expect(await direct('stop', { from: 'links' })).toMatchObject({
      kind: 'rejected',
      reason: 'not-permitted',
    });
    await stage.wire(['words', 'judge'], [['words', 'judge']]);
    expect(await direct('stop', { from: 'judge' })).toMatchObject({
      kind: 'rejected',
      reason: 'not-permitted',
    });
    expect(crew.statuses().get('words.0')).toBe('active');
  });

  it('of a coordinator to its subordinate is carried out', async () => {
    await stage.wire(['words', 'judge'], [['judge', 'words']]);
    const answers = await stage.bus.request(subjects(stage.space).askAgent('judge'), null);
    expect(answers).toMatchObject([{ kind: 'applied', agent: 'words' }]);
    await waitFor(() => !crew.statuses().has('words.0'), { what: 'it has stopped' });
  });

  it('for one instance leaves the other alone', async () => {
    await crew.add({ id: 'words', definition: mute, ordinal: 1 });
    const answers = await directAgent(stage.bus, stage.space, 'words', 'stop', {
      from: 'orchestrator',
      leaderRevision: 1,
      ordinal: 1,
      expect: 2,
    });
    const byOrdinal = answers.toSorted((a, b) => a.ordinal - b.ordinal);
    expect(byOrdinal).toMatchObject([{ kind: 'noop', reason: 'another-instance' }, { kind: 'applied' }]);
    await waitFor(() => crew.size === 2, { what: 'one is gone' });
    expect([...crew.statuses().keys()].toSorted()).toEqual(['judge.0', 'words.0']);
  });

  it('that is the host’s, or nobody’s, or no directive at all, gets a typed answer', async () => {
    expect(await direct('scale-up')).toMatchObject({ kind: 'rejected', reason: 'addressed-to-host' });
    const at = subjects(stage.space);
    const body = { id: 'x', leaderRevision: 1 };
    const unknown = stage.bus.request(at.agentCommand('words', 'orchestrator', 'dance'), body);
    await expect(unknown).rejects.toMatchObject({ code: 'unknown-verb' });
    const malformed = stage.bus.request(at.agentCommand('words', 'orchestrator', 'stop'), { id: 'x' });
    await expect(malformed).rejects.toMatchObject({ code: 'invalid-directive' });
    expect(
      await directAgent(stage.bus, stage.space, 'nobody', 'stop', {
        from: 'orchestrator',
        leaderRevision: 1,
      }),
    ).toEqual([]);
  });
});
