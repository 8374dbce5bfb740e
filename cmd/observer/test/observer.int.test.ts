import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, inject, test } from 'vitest';
import { connectBus } from '@mabeam/bus';
import { freshSpace, waitFor } from '@mabeam/testing';

interface Observer {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<unknown[]>;
}

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Observer {
  const main = new URL('../src/main.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--conditions=@mabeam/source', main, ...args], {
    env: { ...process.env, NATS_URL: inject('natsUrl'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 19_000,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  return { child, output: () => output, ended: once(child, 'close') };
}

test('--help explains where telemetry goes and exits 0', async () => {
  const { output, ended } = run(['--help']);
  expect((await ended)[0]).toBe(0);
  expect(output()).toContain('OTEL_EXPORTER_OTLP_ENDPOINT');
});

test('a flag that does not exist exits 2 and points at --help', async () => {
  const { output, ended } = run(['--colour']);
  expect((await ended)[0]).toBe(2);
  expect(output()).toContain('--help');
});

test('settings that cannot work exit 2 with their code', async () => {
  const { output, ended } = run([], { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' });
  expect((await ended)[0]).toBe(2);
  expect(output()).toContain('otlp-settings-invalid');
});

test('without an endpoint it says that nothing is forwarded and how to, and SIGTERM ends it with 0', async () => {
  const { child, output, ended } = run([]);
  await waitFor(() => output().includes('nothing is forwarded; set OTEL_EXPORTER_OTLP_ENDPOINT'), {
    what: 'the observer says that nothing is forwarded',
    timeoutMs: 10_000,
  });
  child.kill('SIGTERM');
  expect((await ended)[0]).toBe(0);
});

test('with an endpoint telemetry reaches the receiver, and SIGTERM ends it with 0', async () => {
  const bodies: Buffer[] = [];
  await using receiver = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => bodies.push(chunk));
    request.on('end', () => response.writeHead(200).end());
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const address = receiver.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const { child, output, ended } = run([], {
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `http://127.0.0.1:${port}/in`,
  });
  await waitFor(() => output().includes('forwarding telemetry'), {
    what: 'the observer is up',
    timeoutMs: 10_000,
  });
  const request = Buffer.from(`an OTLP request of ${freshSpace()}`);
  await using bus = await connectBus({ url: inject('natsUrl'), name: 'observer test' });
  await bus.store(`mabeam.${freshSpace()}.telemetry.traces`, request);
  await waitFor(() => Buffer.concat(bodies).includes(request), {
    what: 'the request has arrived',
    timeoutMs: 10_000,
  });
  child.kill('SIGTERM');
  expect((await ended)[0]).toBe(0);
  expect(output()).toContain('observer stopped');
});
