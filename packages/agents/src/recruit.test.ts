import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { defineAgent } from './define.ts';
import { enlist, makerIn, recruitAgent } from './recruit.ts';

const agent = defineAgent({ ask: () => 1 });

test('an agent is the default export, or the one called agent, and a function makes one for each instance', () => {
  expect(makerIn({ default: agent })?.()).toBe(agent);
  expect(makerIn({ agent })?.()).toBe(agent);
  expect(makerIn({ default: 7, agent })?.()).toBe(agent);
  const maker = makerIn({ default: () => defineAgent({}) });
  expect(maker?.()).not.toBe(maker?.());
  expect(makerIn({ other: agent })).toBeUndefined();
  expect(() => makerIn({ default: () => 7 })?.()).toThrow(expect.objectContaining({ code: 'not-an-agent' }));
});

test('nobody recruits a program that is run by itself', () => {
  expect(enlist(agent)).toBe(false);
});

/** A module in a folder of its own. */
async function moduleOf(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mabeam-recruit-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'module.mjs');
  await writeFile(path, text);
  return path;
}

/** What `runAgent` does while its module is recruited, in a module that has no packages. */
const enlisting = (name: string): string => `
const enlistment = globalThis[Symbol.for('mabeam.agents.recruiting')].getStore();
await new Promise(setImmediate);
globalThis[Symbol.for('mabeam.agents.recruiting')].getStore().definition = { kind: 'agent', name: '${name}' };
`;

test('modules that are loaded at once each hand over their own agent', async () => {
  const paths = await Promise.all(['first', 'second'].map((name) => moduleOf(enlisting(name))));
  const makers = await Promise.all(paths.map(recruitAgent));
  expect(makers.map((make) => make())).toEqual([
    { kind: 'agent', name: 'first' },
    { kind: 'agent', name: 'second' },
  ]);
});

test('a module without an agent is refused, and one that throws is answered with what it threw', async () => {
  await expect(recruitAgent(await moduleOf('export const a = 1;'))).rejects.toMatchObject({
    code: 'not-an-agent',
  });
  await expect(recruitAgent(await moduleOf('throw new Error("no model");'))).rejects.toThrow('no model');
});
