/** Network priority: agents of one crew that differ in it, under load. */
import { connectBus, subjects, type Bus, type Subjects } from '@mabeam/bus';
import { resourceAllocation, type NetworkPriority } from '@mabeam/variables';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { defineAgent, directAgent, edgeSubject, startAgents, type AgentCrew } from '@mabeam/agents';
import { openStage, type Stage } from './stage.ts';

const capacity = 8;

describe('the agents of a crew', () => {
  let stage: Stage;
  let bus: Bus;
  let crew: AgentCrew;
  let at: Subjects;
  let ran: string[];
  let hold: PromiseWithResolvers<void>;
  let begun: (() => void) | undefined;

  beforeEach(async () => {
    stage = await openStage(inject('natsUrl'));
    at = subjects(stage.space);
    ran = [];
    hold = Promise.withResolvers();
    bus = await connectBus({ url: inject('natsUrl'), name: 'crew' });
    crew = await startAgents(bus, stage.space, [], { capacity });
  });
  afterEach(async () => {
    hold.resolve();
    await crew.close();
    await bus.close();
    await stage[Symbol.asyncDispose]();
  });

  /** Adds an agent for each class, called as that, that answers at once, or when it is let go when it is asked to `hold`. */
  const add = async (...classes: readonly NetworkPriority[]): Promise<void> => {
    let revision = 0;
    for (const networkPriority of classes)
      revision = await stage.define({ id: networkPriority, resources: { networkPriority } });
    await crew.addAll(classes.map((id) => ({ id, definition: writing(id) })));
    // Its process knows all the definitions when it has answered.
    await Promise.all(classes.map((id) => direct(id, revision)));
  };
  const writing = (id: string) =>
    defineAgent({
      edges: { feedback: () => void ran.push(`${id} edge`), command: () => `${id} obeys` },
      ask: async (input) => {
        ran.push(id);
        begun?.();
        if (input === 'hold') await hold.promise;
        return id;
      },
    });
  const ask = (id: string, input: unknown = null): Promise<unknown> =>
    stage.bus.request(at.askAgent(id), input);
  /** Has so many questions of an agent held open. */
  const occupy = async (id: string, count: number): Promise<void> => {
    for (let opened = 0; opened < count; opened += 1) {
      const { promise, resolve } = Promise.withResolvers<void>();
      begun = resolve;
      ask(id, 'hold').catch(() => undefined);
      await promise;
    }
    begun = undefined;
  };
  const direct = (to: string, revision: number) =>
    directAgent(stage.bus, stage.space, to, 'reconfigure', {
      from: 'orchestrator',
      leaderRevision: 1,
      revision,
    });

  it('are refused in the order of their classes, the lowest first, but directed all the same', async () => {
    await add('low', 'normal', 'critical');
    await occupy('normal', 4);
    await expect(ask('low')).rejects.toMatchObject({
      code: 'overloaded',
      details: { agent: 'low', networkPriority: 'low', open: 4, capacity },
    });
    const command = stage.bus.request(edgeSubject(at, 'orchestrator', 'low', 'command'), null);
    await expect(command).rejects.toMatchObject({ code: 'overloaded' });
    expect(await ask('normal')).toBe('normal');
    stage.bus.publish(edgeSubject(at, 'words', 'low', 'feedback'), null);
    expect(await direct('low', 0)).toMatchObject([{ kind: 'applied', agent: 'low' }]);
    expect(ran).not.toContain('low edge');
    await occupy('normal', 2);
    await expect(ask('normal')).rejects.toMatchObject({ code: 'overloaded' });
    expect(await ask('critical')).toBe('critical');
    await occupy('critical', 2);
    await expect(ask('critical')).rejects.toMatchObject({ code: 'overloaded' });
    hold.resolve();
    expect(await ask('low')).toBe('low');
  });

  it('are given a burst in the order of their classes, though it came in the other', async () => {
    await add('low', 'normal', 'critical');
    const burst = ['low', 'normal', 'critical'].map((id) => {
      stage.bus.publish(edgeSubject(at, 'words', id, 'feedback'), null);
      return ask(id);
    });
    await Promise.all(burst);
    expect(ran).toEqual(['critical edge', 'critical', 'normal edge', 'normal', 'low edge', 'low']);
  });

  it('have the class that an allocation gives them, and that of their definition when it is gone', async () => {
    await add('low', 'critical');
    await occupy('critical', 4);
    await expect(ask('low')).rejects.toMatchObject({ code: 'overloaded' });
    const part = (networkPriority: NetworkPriority) => ({ memory: 1, cpuWeight: 1, networkPriority });
    const definition = resourceAllocation('budget', { initial: { low: part('low') } });
    const created = await stage.store.create(definition, { by: 'test' });
    await direct('low', created.revision);
    await expect(ask('low')).rejects.toMatchObject({ code: 'overloaded' });
    const { revision } = await stage.store.update('budget', { low: part('high') }, { by: 'test' });
    expect(await direct('low', revision)).toMatchObject([{ kind: 'applied', agent: 'low' }]);
    expect(await ask('low')).toBe('low');
    const removed = await stage.store.remove('budget', { by: 'test' });
    await direct('low', removed.revision);
    await expect(ask('low')).rejects.toMatchObject({ code: 'overloaded' });
    await direct('low', await stage.define({ id: 'low', resources: { networkPriority: 'high' } }));
    expect(await ask('low')).toBe('low');
  });

  it('have no limit in common while all are of one class', async () => {
    await add('normal');
    await occupy('normal', capacity + 2);
    expect(await ask('normal')).toBe('normal');
  });
});
