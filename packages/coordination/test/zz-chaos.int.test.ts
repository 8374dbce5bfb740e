import { connectBus, createIdentity, ensureStreams, deleteStreams, spaceStreams } from '@mabeam/bus';
import { joinRaft, proposeEntry, readLog } from '@mabeam/coordination';
import { freshSpace, openLossyProxy, seededRandom } from '@mabeam/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, inject, test } from 'vitest';
test('chaos', async () => {
  const random = seededRandom(Number(process.env['SEED'] ?? 1));
  const admin = await connectBus({ url: inject('natsUrl'), name: 'admin' });
  const space = freshSpace();
  await ensureStreams(admin, spaceStreams(space));
  const names = ['ada', 'bob', 'cyd', 'dan', 'eve'];
  const ids = names.map(() => createIdentity());
  const electorate = names.map((party, i) => ({ party, key: ids[i]!.publicKey }));
  const proxies = await Promise.all(names.map((_, i) => openLossyProxy(inject('natsUrl'), { seed: i, drop: ({ subject }) => subject.includes('.round.') ? 0.1 : 0.02, duplicate: () => 0.1 })));
  let over = false;
  const lists: number[][] = [];
  const life = async (i: number) => {
    while (!over) {
      try {
      const bus = await connectBus({ url: proxies[i]!.url, name: names[i]! });
      const list: string[] = [];
      const m = await joinRaft(bus, space, 'g', names[i]!, { identity: ids[i]!, electorate, electionMs: 300, apply: (b) => { list.push(String(b)); return list.length; } });
      const until = performance.now() + 500 + random() * 4000;
      while (!over && performance.now() < until) { await sleep(100); if (random() < 0.05) proxies[i]!.cut(); if (m.failed.aborted) { process.stderr.write(`failed ${String(m.failed.reason)}\n`); break; } }
      // abrupt
      await bus.close(0);
      await m[Symbol.asyncDispose]();
      } catch (e) { process.stderr.write(`life ${String(e)}\n`); }
    }
  };
  const lives = names.map((_, i) => life(i));
  const history: { id: string; start: number; end: number; index: number; result: number }[] = [];
  const counts: Record<string, number> = {};
  const definite: string[] = [];
  const client = async (c: number) => {
    const bus = await connectBus({ url: inject('natsUrl'), name: `c${c}` });
    for (let n = 0; !over; n++) {
      const id = `c${c}-${n}`;
      const start = performance.now();
      const p = await proposeEntry(bus, space, 'g', names, id, { id, timeoutMs: 800, requestTimeoutMs: 400 });
      counts[p.kind] = (counts[p.kind] ?? 0) + 1;
      if (p.kind === 'committed') history.push({ id, start, end: performance.now(), index: p.index, result: Number(p.result) });
      if (p.kind === 'no-quorum') definite.push(id);
    }
    await bus.close(0);
  };
  const clients = [0, 1, 2, 3].map(client);
  await sleep(25_000);
  over = true;
  await Promise.all([...lives, ...clients]);
  const ops: string[] = []; let terms = 0;
  for await (const e of readLog(admin, space, 'raft-g')) { const b = e.body as any; if (b.kind === 'operation') ops.push(b.body); else terms++; }
  process.stderr.write(`${JSON.stringify(counts)} entries ${ops.length} terms ${terms}\n`);
  expect(new Set(ops).size).toBe(ops.length);
  for (const h of history) expect(ops[h.result - 1]).toBe(h.id);
  for (const d of definite) expect(ops).not.toContain(d);
  const pos = new Map(ops.map((o, i) => [o, i]));
  for (const a of history) for (const b of history) if (a.end < b.start) expect(pos.get(a.id)!).toBeLessThan(pos.get(b.id)!);
  for (const p of proxies) await p[Symbol.asyncDispose]();
  await deleteStreams(admin, spaceStreams(space).map(({ name }) => name));
  await admin.close();
}, 120000);
