/** Keys on record: a host writes down by which key each of its instances is known, in every form, over restarts. */
import { writeFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineAgent, parseAgentSpec, publicKeys } from '@mabeam/agents';
import { createIdentity, createSeed, openIdentity } from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { expect, inject, onTestFinished, test, vi } from 'vitest';
import { hostCrew } from '../src/host-crew.ts';
import { teamOn } from './crew-team.ts';
import { hosted, openStage, startNode } from './hosting.ts';

const natsUrl = inject('natsUrl');

test('an agent has a key on record in every form, and the same one after it was killed, or stopped and started', async () => {
  const stage = await openStage(natsUrl);
  const { id } = await startNode(natsUrl);
  const team = teamOn(stage, id);
  const agents = ['alone', 'threaded', 'shared'];
  await team.start('alone', { form: 'process' });
  await team.start('threaded', { form: 'worker' });
  await team.start('shared', { form: 'in-process' });
  const before = await Promise.all(agents.map((agent) => team.until(agent, 'active')));
  const keys = await publicKeys(stage.bus, stage.space, agents, { vouchedBy: 'host' });
  expect([...keys.values()]).toEqual(agents.map(() => ({ key: expect.any(String), vouchedBy: 'host' })));
  expect(before.map(({ publicKey }) => publicKey)).toEqual(agents.map((agent) => keys.get(agent)?.key));
  expect(new Set([...keys.values()].map(({ key }) => key)).size).toBe(3);

  process.kill(before[0]?.pid ?? 0, 'SIGKILL');
  process.kill(before[2]?.pid ?? 0, 'SIGKILL');
  const after = await Promise.all(agents.map((agent) => team.until(agent, 'active', { restarts: 1 })));
  expect(after.map(({ publicKey }) => publicKey)).toEqual(before.map(({ publicKey }) => publicKey));

  await team.stop('alone', { drainMs: 0 });
  await team.until('alone', 'inactive');
  await waitFor(async () => (await team.start('alone', { form: 'process' })).kind === 'applied', {
    what: 'it is started once more',
  });
  const again = await team.until('alone', 'active');
  expect(again.publicKey).toBe(before[0]?.publicKey);
  expect(again.incarnation).not.toBe(after[0]?.incarnation);
}, 60_000);

test('the seed that is a secret of the host is the one an agent lives with, on whatever host', async () => {
  const seed = createSeed();
  const folder = mkdtempSync(join(tmpdir(), 'seeds-'));
  writeFileSync(join(folder, 'words-seed'), `${seed}\n`, { mode: 0o600 });
  vi.stubEnv('MABEAM_SECRETS_DIR', folder);
  onTestFinished(() => void vi.unstubAllEnvs());
  const stage = await openStage(natsUrl);
  const definition = defineAgent({ ask: () => 1 });
  const known = async (): Promise<string | undefined> =>
    (await publicKeys(stage.bus, stage.space, ['words'], { vouchedBy: 'host' })).get('words')?.key;
  for (const node of ['one', 'two']) {
    await using _crew = await hostCrew(stage.bus, stage.space, [{ id: 'words', definition }], { node });
    await waitFor(async () => (await known()) === openIdentity(seed).publicKey, { what: 'it is known' });
  }
  writeFileSync(join(folder, 'words-seed'), 'sesame');
  const spec = parseAgentSpec({ id: 'words', run: { command: ['true'] } });
  await expect(stage.host(spec)).rejects.toMatchObject({ code: 'invalid-identity' });
});

test('a command has no key on record until it says one on its control pipe, and one that is no key is none', async () => {
  const stage = await openStage(natsUrl);
  const { publicKey } = createIdentity();
  const says = (key: string): readonly string[] => [
    'sh',
    '-c',
    `echo '{"kind":"ready","publicKey":"${key}"}' >&3; exec sleep 60`,
  ];
  const keyOf = async (command: readonly string[]): Promise<string | undefined> => {
    const spec = parseAgentSpec({ id: 'words', run: { command: [...command] } });
    const instance = hosted(await stage.host(spec));
    const seen = await waitFor(
      async () => {
        const observed = await stage.observed();
        return observed?.status === 'active' && observed.incarnation === instance.incarnation
          ? observed
          : undefined;
      },
      { what: 'the command is active' },
    );
    await instance.stop({ drainMs: 0 });
    return seen.publicKey;
  };
  expect(await keyOf(['sleep', '60'])).toBeUndefined();
  expect(await keyOf(says(`${publicKey}x`))).toBeUndefined();
  expect(await keyOf(says(publicKey))).toBe(publicKey);
});
