/**
 * The members of a session: our own commands (orchestrator, node, observer), each a supervised process of its own that ends
 * with this one, however this one ends.
 */
import { fileURLToPath } from 'node:url';
import { superviseProcess, type ProcessState, type SupervisedProcess } from '@mabeam/cluster';
import { compileCacheFolder } from '../compile-cache.ts';
import { keptPolicy } from './kept-server.ts';

/** Which of our commands. */
export type Role = 'orchestrator' | 'node' | 'observer';

/** What a member is started with and whom it concerns. */
export interface MemberOptions {
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** How long it may take to end. */
  readonly drainMs: number;
  readonly onLine: (stream: 'stdout' | 'stderr', line: string) => void;
  readonly onProgress: (line: string) => void;
  readonly onGivenUp: (reason: string) => void;
}

/** A running member. */
export interface Member {
  readonly process: SupervisedProcess;
  /** Fulfils when it first says that it is ready; it may never do so. */
  readonly ready: Promise<void>;
  /** Its last lines, for the message of its failure. */
  readonly lastLines: () => readonly string[];
}

const linesKept = 5;

/** One that ends so often before it was ever ready is wrong, not unlucky: its last words say why. */
const endingsBeforeReady = 3;

/** Starts a member and keeps it running. */
export function startMember(role: Role, options: MemberOptions): Member {
  const { args, env, drainMs, onLine } = options;
  const ready = Promise.withResolvers<void>();
  const lines: string[] = [];
  let isUnproven = role !== 'observer'; // which never says that it is ready
  const supervised = superviseProcess({
    name: role,
    command: process.execPath,
    args: [...sourceConditions(), entryOf(role), ...args],
    env: () => env,
    restart: 'permanent',
    policy: keptPolicy,
    drainMs,
    onLine: (stream, line) => {
      lines.push(line);
      if (lines.length > linesKept) lines.shift();
      onLine(stream, line);
    },
    onMessage: (message) => {
      if (!isReady(message)) return;
      isUnproven = false;
      ready.resolve();
    },
    onChange: (state) => {
      report(role, state, options);
      if (state.kind !== 'restarting' || !isUnproven || state.run + 1 < endingsBeforeReady) return;
      options.onGivenUp(
        `${role}: ${state.reason}, ${endingsBeforeReady} times in a row; it said: ${lines.at(-1) ?? '(nothing)'}`,
      );
    },
  });
  return { process: supervised, ready: ready.promise, lastLines: () => lines };
}

/** The environment of members: ours, without what is said to one agent; the server; where telemetry goes. */
export function memberEnvironment(
  url: string,
  otlp: OtlpTarget | undefined,
  base: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  const ofAgents = ['SPACE', 'AGENT', 'ORDINAL', 'INCARNATION', 'CONFIG', 'PROCESS', 'CONTROL_FD'];
  const hidden = new Set(ofAgents.map((name) => `MABEAM_${name}`));
  const kept = Object.fromEntries(Object.entries(base).filter(([name]) => !hidden.has(name)));
  return { ...kept, ...otlpVariables(otlp), NATS_URL: url, NODE_COMPILE_CACHE: compileCacheFolder(base) };
}

/** Where telemetry is forwarded to. */
export interface OtlpTarget {
  /** Base URL of an OTLP receiver over HTTP, for instance `http://127.0.0.1:4318`. */
  readonly endpoint: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function otlpVariables(otlp: OtlpTarget | undefined): NodeJS.ProcessEnv {
  if (otlp === undefined) return {};
  const headers = Object.entries(otlp.headers ?? {}).map(
    ([name, value]) => `${name}=${encodeURIComponent(value)}`,
  );
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: otlp.endpoint,
    ...(headers.length === 0 ? {} : { OTEL_EXPORTER_OTLP_HEADERS: headers.join(',') }),
  };
}

function entryOf(role: Role): string {
  switch (role) {
    case 'orchestrator':
      return fileURLToPath(import.meta.resolve('mabeam-orchestrator'));
    case 'node':
      return fileURLToPath(import.meta.resolve('mabeam-node'));
    case 'observer':
      return fileURLToPath(import.meta.resolve('mabeam-observer'));
  }
}

/** Members run from their sources when we do. */
function sourceConditions(): readonly string[] {
  return import.meta.url.endsWith('.ts') ? ['--conditions=@mabeam/source'] : [];
}

function report(role: Role, state: ProcessState, { onProgress, onGivenUp }: MemberOptions): void {
  switch (state.kind) {
    case 'restarting':
      return onProgress(`${role} ended (${state.reason}); it is started again`);
    case 'failed':
      return onGivenUp(`${role}: ${state.reason}`);
    case 'starting':
      return state.run === 0 ? undefined : onProgress(`${role} runs again as pid ${state.pid}`);
    case 'running':
    case 'stopping':
    case 'stopped':
      return undefined;
  }
}

function isReady(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'ready';
}
