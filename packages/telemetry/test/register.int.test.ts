import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { connectBus, ensureStreams, platformStreams, type Bus } from '@mabeam/bus';
import { freshSpace } from '@mabeam/testing';
import { readTrace } from '../src/telemetry-stream.ts';

let bus: Bus;
beforeAll(async () => {
  bus = await connectBus({ url: inject('natsUrl'), name: 'register test' });
  await ensureStreams(bus, platformStreams());
});
afterAll(() => bus.close());

interface Run {
  readonly code: number | null;
  readonly stdout: string;
}

/** Runs a program with telemetry preloaded, to its own end. */
async function runPreloaded(program: string, env: Readonly<Record<string, string>>): Promise<Run> {
  const flags = [
    '--conditions=@mabeam/source',
    '--import',
    '@mabeam/telemetry/register',
    '--input-type=module',
  ];
  const child = spawn(process.execPath, [...flags, '--eval', program], {
    cwd: import.meta.dirname,
    env: { ...process.env, NATS_URL: inject('natsUrl'), ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 15_000,
  });
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  const [code]: unknown[] = await once(child, 'close');
  return { code: typeof code === 'number' ? code : null, stdout };
}

const oneTrace = `
  import { trace } from '@opentelemetry/api';
  const tracer = trace.getTracer('child');
  tracer.startActiveSpan('conversation child', (root) => {
    tracer.startSpan('below').end();
    root.end();
    console.log(root.spanContext().traceId);
  });`;

test('a preloaded program that runs to its end leaves its spans behind and is not kept alive', async () => {
  const env = {
    MABEAM_SPACE: freshSpace(),
    MABEAM_AGENT: 'words',
    MABEAM_ORDINAL: '2',
    MABEAM_INCARNATION: '9',
  };
  const { code, stdout } = await runPreloaded(oneTrace, env);
  expect(code).toBe(0);
  expect(await readTrace(bus, stdout.trim())).toMatchObject({
    spanCount: 2,
    depth: 2,
    orphans: [],
    processes: [`${env.MABEAM_SPACE}/words.2/9`],
  });
});

test('a program that exits by itself keeps its spans by shutting telemetry down first, and may export long before its end', async () => {
  const program = `${oneTrace}
    import { flushTelemetry, shutdownTelemetry } from '@mabeam/telemetry/api';
    if (!(await flushTelemetry(5000))) throw new Error('not flushed');
    tracer.startSpan('conversation late').end();
    if (!(await shutdownTelemetry(5000))) throw new Error('not shut down');
    process.exit(3);`;
  const { code, stdout } = await runPreloaded(program, { MABEAM_SPACE: freshSpace() });
  expect(code).toBe(3);
  expect((await readTrace(bus, stdout.trim()))?.spanCount).toBe(2);
});

const answerer = `
  import { connectBus } from '@mabeam/bus';
  import { createLogger, shutdownTelemetry } from '@mabeam/telemetry/api';
  const bus = await connectBus({ name: 'answerer' });
  const log = createLogger({ name: 'answerer' });
  let asked;
  const question = new Promise((resolve) => { asked = resolve; });
  const service = bus.serve(process.env.ASK, () => { log.info('asked'); asked(); return 'yes'; });
  await question;
  await service[Symbol.asyncDispose]();
  await shutdownTelemetry(5000);
  await bus.close();`;

const asker = `
  import { connectBus } from '@mabeam/bus';
  import { shutdownTelemetry } from '@mabeam/telemetry/api';
  import { trace } from '@opentelemetry/api';
  const bus = await connectBus({ name: 'asker' });
  await trace.getTracer('asker').startActiveSpan('conversation asking', async (span) => {
    for (let answer; answer !== 'yes'; )
      answer = await bus.request(process.env.ASK, {}, { timeoutMs: 5000 }).catch(() => new Promise((r) => setTimeout(r, 20)));
    span.end();
    console.log(span.spanContext().traceId);
  });
  await shutdownTelemetry(5000);
  await bus.close();`;

test('a question from one preloaded process to another is one trace over both, without orphans, and the logs name it', async () => {
  const space = freshSpace();
  const env = { MABEAM_SPACE: space, ASK: `mabeam.${space}.ask.agent.answerer` };
  const [answered, asked] = await Promise.all([
    runPreloaded(answerer, { ...env, MABEAM_AGENT: 'answerer' }),
    runPreloaded(asker, { ...env, MABEAM_AGENT: 'asker' }),
  ]);
  expect([answered.code, asked.code]).toEqual([0, 0]);
  const traceId = asked.stdout.trim();
  expect(answered.stdout).toContain(`"trace_id":"${traceId}"`);
  expect(await readTrace(bus, traceId)).toMatchObject({
    depth: 3,
    orphans: [],
    processes: [`${space}/answerer.0/0`, `${space}/asker.0/0`],
  });
});

test('with OTEL_SDK_DISABLED nothing is recorded', async () => {
  const env = { MABEAM_SPACE: freshSpace(), OTEL_SDK_DISABLED: 'true' };
  const { code, stdout } = await runPreloaded(oneTrace, env);
  expect({ code, traceId: stdout.trim() }).toEqual({ code: 0, traceId: '0'.repeat(32) });
});

test('a server that is away does not keep a program from ending, and the loss is said in a log line', async () => {
  const { code, stdout } = await runPreloaded(oneTrace, { NATS_URL: 'nats://127.0.0.1:1' });
  expect(code).toBe(0);
  expect(stdout).toContain('telemetry dropped 2 spans');
});
