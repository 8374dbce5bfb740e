import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';
import type { VariableStore } from '@mabeam/variables';
import type { AgentSpecs } from './agent-specs.ts';
import { Admission } from './admission.ts';
import { Meter } from './metrics-meter.ts';

/** A gate before agents that are called as their class. */
function gateFor(agents: readonly string[], capacity = 4): Admission {
  const replica = { onChange: () => ({ [Symbol.dispose]: () => undefined }) };
  // Of the store and the definitions only what the gate looks at.
  const store = { replica, view: { variables: new Map() } } as unknown as VariableStore;
  const specs = {
    of: (agent: string) => ({ spec: { resources: { networkPriority: agent } } }),
  } as unknown as AgentSpecs;
  const gate = new Admission(store, specs, capacity);
  for (const agent of agents) gate.join(agent);
  return gate;
}

/** A handler behind the gate that writes down who ran, after some steps that wait for nothing. */
function writer(gate: Admission, agent: string, ran: string[], steps = 0): () => Promise<void> {
  const take = gate.admitted(agent, new Meter(), async () => {
    for (let step = 0; step < steps; step += 1) await Promise.resolve();
    ran.push(agent);
  });
  return () => take(undefined);
}

describe('the gate of a process', () => {
  it('is open while all agents have one class: each begins as it comes, without limit', async () => {
    const gate = gateFor(['low', 'low'], 1);
    const ran: string[] = [];
    const open = [gate.enter(), gate.enter()];
    const ends = [writer(gate, 'low', ran)(), writer(gate, 'low', ran)()];
    expect(ran).toEqual(['low', 'low']);
    await Promise.all(ends);
    for (const each of open) each[Symbol.dispose]();
  });

  it('closes when an agent of another class joins and opens when it leaves', async () => {
    const gate = gateFor(['low', 'low']);
    const ran: string[] = [];
    gate.join('high');
    const waiting = writer(gate, 'low', ran)();
    expect(ran).toEqual([]);
    await waiting;
    gate.leave('high');
    void writer(gate, 'low', ran)();
    expect(ran).toEqual(['low', 'low']);
  });

  it('hands on the higher class first, however long the way to its handler, each in its own context', async () => {
    const gate = gateFor(['low', 'normal', 'critical']);
    const ran: string[] = [];
    const who = new AsyncLocalStorage<string>();
    const contexts: unknown[] = [];
    const calls = ['low', 'normal', 'critical'].map((agent, place) =>
      who.run(agent, () => writer(gate, agent, ran, place * 10)().then(() => contexts.push(who.getStore()))),
    );
    await Promise.all(calls);
    expect(ran).toEqual(['critical', 'normal', 'low']);
    expect(contexts).toEqual(ran);
  });

  it('refuses a class whose room is taken and says whom, of which class, and what helps', async () => {
    const gate = gateFor(['low', 'critical']);
    const ran: string[] = [];
    const open = [gate.enter(), gate.enter()];
    await expect(writer(gate, 'low', ran)()).rejects.toMatchObject({
      code: 'overloaded',
      retryable: true,
      message: expect.stringMatching(/^low: .* class low .* 2 of 4; .*networkPriority .*MABEAM_CAPACITY/),
    });
    await writer(gate, 'critical', ran)();
    open[0]?.[Symbol.dispose]();
    await writer(gate, 'low', ran)();
    expect(ran).toEqual(['critical', 'low']);
  });

  it('counts a streamed answer until its last part, or until nobody reads on', async () => {
    const gate = gateFor(['low', 'critical'], 1);
    const ran: string[] = [];
    // The gate has looked at who is there.
    await writer(gate, 'low', ran)();
    for (const isReadOn of [true, false]) {
      gate.enter();
      const parts = gate.leaveWith(twoParts()) as AsyncIterable<number>;
      expect(gate.hasRoom('critical')).toBe(false);
      for await (const part of parts) {
        expect(gate.hasRoom('critical')).toBe(false);
        if (part === 1 && !isReadOn) break;
      }
      expect(gate.hasRoom('critical')).toBe(true);
    }
  });
});

async function* twoParts(): AsyncGenerator<number> {
  yield 1;
  yield 2;
}
