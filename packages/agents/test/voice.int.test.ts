/** Agents with a voice: they negotiate, vote and propose, from when they are active until they drain. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { openEvents, subjects } from '@mabeam/bus';
import { establishConsensus, negotiateValue } from '@mabeam/coordination';
import { waitFor } from '@mabeam/testing';
import { customVariable } from '@mabeam/variables';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { changeProposal, defineAgent, startWorkerAgent, type PartyContext } from '@mabeam/agents';
import { openStage, type Stage } from './stage.ts';

const module = fileURLToPath(new URL('fixtures/voiced.ts', import.meta.url));

let stage: Stage;
beforeEach(async () => {
  vi.stubEnv('MABEAM_LOG_LEVEL', 'error');
  stage = await openStage(inject('natsUrl'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await stage[Symbol.asyncDispose]();
});

const parties = (...ids: string[]) => ids.map((party) => ({ party }));

/** What an agent says of a change, or why it says nothing. */
async function voteOf(agent: string, to: string | number = 1): Promise<string | undefined> {
  const change = changeProposal({ variable: 'pace', from: 0, to, reason: 'it is slow' });
  const { participants, votes } = await establishConsensus(stage.bus, stage.space, parties(agent), change);
  const [{ outcome } = { outcome: undefined }] = participants;
  return outcome === 'replied' ? { 0: 'yes', null: 'no' }[String(votes[agent])] : outcome;
}

/** A process of its own with the agent of the module; resolves when it can be asked. */
async function startProcess(agent: string, config: object): Promise<AsyncDisposable> {
  const child = spawn(process.execPath, ['--conditions=@mabeam/source', module], {
    stdio: 'ignore',
    env: {
      ...process.env,
      NATS_URL: inject('natsUrl'),
      MABEAM_SPACE: stage.space,
      MABEAM_AGENT: agent,
      MABEAM_INCARNATION: `${agent}-1`,
      MABEAM_CONFIG: JSON.stringify(config),
    },
  });
  await waitFor(async () => (await voteOf(agent)) === 'yes', {
    what: `${agent} votes`,
    timeoutMs: 30_000,
  });
  return {
    [Symbol.asyncDispose]: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}

describe('a party', () => {
  it('in a process, one in a thread and one in this process come to the mean of what they want', async () => {
    const definition = defineAgent({ party: { prefer: () => ({ preferred: 2 }) } });
    await stage.crew([{ id: 'near', definition }]);
    await using _threaded = await startWorkerAgent({
      module,
      space: stage.space,
      agent: 'threaded',
      url: inject('natsUrl'),
      execArgv: ['--conditions=@mabeam/source'],
      config: { wants: 3 },
    });
    await using _far = await startProcess('far', { wants: 7 });
    const negotiation = await negotiateValue(
      stage.bus,
      stage.space,
      'pace',
      parties('near', 'threaded', 'far'),
    );
    expect(negotiation).toMatchObject({ kind: 'agreed', value: 4 });
  }, 60_000);

  it('sees the variables of one revision, the round as its conversation, and what it is asked', async () => {
    await stage.store.create(customVariable('pace', { initial: 7 }), { by: 'test' });
    const seen: PartyContext[] = [];
    const definition = defineAgent({
      party: {
        bid: ({ strategy }, context) => {
          seen.push(context);
          expect(strategy).toBe('auction');
          return { preferred: Number(context.variables['pace']) + 1, bid: 5 };
        },
      },
    });
    await stage.crew([{ id: 'bidder', definition }]);
    const negotiation = await negotiateValue(stage.bus, stage.space, 'pace', parties('bidder'), {
      strategy: 'auction',
      round: 'r-1',
    });
    expect(negotiation).toMatchObject({ kind: 'agreed', value: 8, winner: 'bidder' });
    expect(seen).toMatchObject([{ agent: 'bidder', round: 'r-1', variable: 'pace', conversation: 'r-1' }]);
  });

  it('that has left is not there, and neither is a monitor', async () => {
    const definition = defineAgent({ party: { prefer: () => ({ preferred: 1 }) }, vote: () => true });
    await stage.define({ id: 'watcher', role: 'monitor' });
    await stage.store.waitForRevision(await stage.define({ id: 'goer' }));
    const crew = await stage.crew(['watcher', 'goer', 'stayer'].map((id) => ({ id, definition })));
    await crew.remove('goer');
    const { participants } = await negotiateValue(
      stage.bus,
      stage.space,
      'pace',
      parties('watcher', 'goer', 'stayer'),
    );
    expect(Object.fromEntries(participants.map(({ party, outcome }) => [party, outcome]))).toEqual({
      watcher: 'unavailable',
      goer: 'unavailable',
      stayer: 'replied',
    });
    expect(await Promise.all(['watcher', 'goer', 'stayer'].map((id) => voteOf(id)))).toEqual([
      'unavailable',
      'unavailable',
      'yes',
    ]);
  });
});

describe('a vote', () => {
  it('is that of one instance, and none when it throws', async () => {
    let asked = 0;
    const definition = defineAgent({
      vote: ({ change }) => {
        asked++;
        if (change?.to === 'nothing') throw new Error('no idea');
        return Number(change?.to) > 3 ? false : undefined;
      },
    });
    await stage.crew([0, 1, 2].map((ordinal) => ({ id: 'voter', ordinal, definition })));
    expect([await voteOf('voter', 2), await voteOf('voter', 4)]).toEqual(['abstained', 'no']);
    expect(asked).toBe(2);
    expect(await voteOf('voter', 'nothing')).toBe('invalid');
  });

  it('is asked for in the same way on anything else, with its round as the conversation', async () => {
    const definition = defineAgent({
      vote: ({ alternatives, change }, { conversation, round }) => {
        expect([change, conversation]).toEqual([undefined, round]);
        return alternatives.indexOf('fax');
      },
    });
    await stage.crew([{ id: 'voter', definition }]);
    const options = { alternatives: ['fax'] };
    const consensus = await establishConsensus(stage.bus, stage.space, parties('voter'), 'letter', options);
    expect(consensus).toMatchObject({ kind: 'agreed', value: 'fax' });
  });

  it('that is being cast when the agent is told to stop still counts', async () => {
    const [begun, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const definition = defineAgent({
      vote: async () => {
        begun.resolve();
        await go.promise;
        return true;
      },
    });
    const crew = await stage.crew([{ id: 'voter', definition }]);
    const vote = voteOf('voter');
    await begun.promise;
    const gone = crew.remove('voter');
    go.resolve();
    expect(await vote).toBe('yes');
    expect(await gone).toBe(true);
  });
});

describe('a proposal', () => {
  const propose = (agent: string, body: object): Promise<unknown> =>
    stage.bus.request(subjects(stage.space).askAgent(agent), body);
  const definition = defineAgent({
    ask: (body, context) => {
      const { reward, value, variable } = Object(body);
      return context.propose(String(variable), value, Number(reward));
    },
  });

  it('is a kept event with its agent, in the conversation of the call', async () => {
    await stage.crew([{ id: 'tuner', definition }]);
    await propose('tuner', { variable: 'pace', value: 4, reward: 0.5 });
    const kept: unknown[] = [];
    for await (const event of openEvents(stage.bus, stage.space).read({ filter: 'event.proposal.pace.made' }))
      kept.push(event.json());
    expect(kept).toEqual([{ agent: 'tuner', value: 4, reward: 0.5 }]);
  });

  it.each([
    ['a reward that is no number', 'tuner', { variable: 'pace', value: 4 }, 'invalid-local-proposal'],
    ['a variable of one agent', 'tuner', { variable: 'tuner.pace', value: 4, reward: 1 }, 'invalid-id'],
    ['one by a monitor', 'watcher', { variable: 'pace', value: 4, reward: 1 }, 'not-permitted'],
  ])('is refused: %s', async (_what, id, body, code) => {
    await stage.store.waitForRevision(await stage.define({ id: 'watcher', role: 'monitor' }));
    await stage.crew([{ id, definition }]);
    const failure = Object(await propose(id, body).catch((error: unknown) => error));
    expect(failure.code === 'handler-failed' ? failure.details.code : failure.code).toBe(code);
  });
});
