/**
 * mabeam-observer: forwards the telemetry of all spaces to an OTLP receiver. Run as many as you like: they share the
 * work, and when one dies the others go on. SIGTERM finishes the POST on its way and exits 0.
 */
import { parseArgs } from 'node:util';
import { connectBus, ensureStreams, platformStreams } from '@mabeam/bus';
import { playRole, type RoleLife } from '@mabeam/cluster';
import { createLogger, readForwardSettings, runForwarder } from '@mabeam/telemetry';

const help = `mabeam-observer: forwards traces, logs and metrics from NATS to an OTLP receiver

  mabeam-observer [--server nats://127.0.0.1:4222]

  --server URL   the nats-server; default $NATS_URL, else nats://127.0.0.1:4222
  --help         this text

Where to, by OpenTelemetry's own variables:
  OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318   base URL; /v1/traces, /v1/logs and /v1/metrics are added
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT (…_LOGS_, …_METRICS_)   one kind's full URL
  OTEL_EXPORTER_OTLP_HEADERS=key=value,key=value   for instance an API key
Without an endpoint nothing is forwarded; telemetry stays in the stream for 15 minutes.`;

const log = createLogger({ name: 'observer' });

process.exitCode = await playRole({
  help,
  readFlags: () => {
    const { values } = parseArgs({
      options: { server: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
    return { help: values.help === true, server: values.server };
  },
  run: observe,
  onError: (message, fields) => log.error(fields, message),
});

async function observe(
  { server }: { readonly server: string | undefined },
  { signal, parent }: RoleLife,
): Promise<void> {
  const settings = readForwardSettings(process.env);
  await using bus = await connectBus({
    name: 'observer',
    ...(server === undefined ? {} : { url: server }),
    signal,
  });
  await ensureStreams(bus, platformStreams());
  const to = settings.targets.map(({ url }) => url);
  parent.tell({ kind: 'ready' });
  if (to.length === 0) {
    log.info(
      'nothing is forwarded; set OTEL_EXPORTER_OTLP_ENDPOINT to the base URL of an OTLP receiver to change that',
    );
    await aborted(signal);
    return;
  }
  log.info({ to }, 'forwarding telemetry');
  const stats = await runForwarder(bus, { ...settings, signal, log });
  log.info({ ...stats }, 'observer stopped');
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
