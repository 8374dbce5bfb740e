/** What the doctor looks at on this machine: Node, the nats-server binary, the receiver of telemetry. */
import { findServer } from '@mabeam/bus/server';
import { broken, doubtful, well, type Check } from './check.ts';

const neededNode = [24, 12] as const;
const receiverWithinMs = 2_000;

/** Is this Node new enough? */
export function checkNode(version: string = process.version): Check {
  const [major = 0, minor = 0] = version.slice(1).split('.').map(Number);
  const [neededMajor, neededMinor] = neededNode;
  if (major > neededMajor || (major === neededMajor && minor >= neededMinor)) return well('node', version);
  const message = `${version}; at least ${neededNode.join('.')} is needed`;
  return broken(
    'node',
    message,
    'run "npm ci" in the checkout and start through npm, or install a newer Node',
  );
}

/** Is there a nats-server binary, new enough? It is needed only to start a server here. */
export async function checkBinary(): Promise<Check> {
  try {
    const { path, version, source } = await findServer({ fetch: false });
    return well('nats-server', `${version} at ${path} (${source})`);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const cure = 'mabeam dev fetches one; a running server (NATS_URL) needs none here';
    return doubtful('nats-server', why, cure);
  }
}

/** Does the OTLP receiver answer, when one is set? An empty request is a valid one. */
export async function checkReceiver(env: NodeJS.ProcessEnv = process.env): Promise<readonly Check[]> {
  const { readForwardSettings } = await import('@mabeam/telemetry');
  const name = 'otlp';
  try {
    const { targets } = readForwardSettings(env);
    const traces = targets.find(({ kind }) => kind === 'traces');
    if (traces === undefined) {
      return [
        well(name, 'no OTEL_EXPORTER_OTLP_ENDPOINT here: telemetry stays in its stream for 15 minutes'),
      ];
    }
    return [await probeReceiver(traces.url, traces.headers)];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [broken(name, why, 'correct the variable or unset it')];
  }
}

async function probeReceiver(url: string, headers: Readonly<Record<string, string>>): Promise<Check> {
  const cure = 'start the receiver, or correct OTEL_EXPORTER_OTLP_ENDPOINT (its HTTP port, usually 4318)';
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/x-protobuf' },
      body: new Uint8Array(0),
      signal: AbortSignal.timeout(receiverWithinMs),
    });
    await response.body?.cancel();
    if (response.ok) return well('otlp', `${url} takes telemetry`);
    return doubtful('otlp', `${url} answers ${response.status}`, cure);
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const why = cause instanceof Error ? cause.message : String(cause);
    return broken('otlp', `${url} does not answer (${why})`, cure);
  }
}
