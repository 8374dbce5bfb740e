/**
 * A whole platform from one call, each part a process of its own: nats-server, orchestrator, node and observer, kept running
 * until it is told to stop (rulings R20). What `mabeam dev` does; programs that bring their own team use it as well.
 *
 * D1  It is ready when the node is registered and every space has a leader.
 * D2  Whatever dies is started again: the server on the same port and store, the others with their arguments.
 * D3  It stops from the top down, each with a bound: orchestrators, node (which drains its agents), observer, server.
 * D4  When this process is killed, nothing of it stays: every part notices, and so does a temporary store.
 */
import { hostname } from 'node:os';
import {
  connectBus,
  ensureStreams,
  listSpaces,
  platformStreams,
  spaceStreams,
  type Bus,
  type MabeamError,
} from '@mabeam/bus';
import { nodeIdFrom } from '@mabeam/cluster';
import { createSpace, type SpaceDefinition } from '@mabeam/orchestrator';
import { keepServer, type KeptServer } from './dev/kept-server.ts';
import { awaitLeader } from './dev/leader-watch.ts';
import { memberEnvironment, startMember, type Member, type OtlpTarget, type Role } from './dev/member.ts';
import { openTemporaryStore } from './dev/store-folder.ts';
import { commandError } from './errors.ts';

export type { OtlpTarget } from './dev/member.ts';

/** How to run the platform. */
export interface DevOptions {
  /**
   * Spaces to orchestrate: definitions, which are created or brought up to date, or ids, whose definition may come later
   * (`createSpace`). None: all spaces of the server, or an empty one called `dev`.
   */
  readonly spaces?: readonly (string | SpaceDefinition)[];
  /** An existing server; then none is started. */
  readonly url?: string | undefined;
  /** Port of the server that is started. Default: any free one. */
  readonly port?: number | 'random' | undefined;
  /** Its folder. Default: a temporary one, gone with the session. */
  readonly storeDir?: string | undefined;
  /** Id of the node. Default: from the name of the machine, and on a server that others use as well from our pid too. */
  readonly nodeId?: string | undefined;
  /** Where telemetry goes. Default: where the environment says (`OTEL_EXPORTER_OTLP_ENDPOINT`), else nowhere. */
  readonly otlp?: OtlpTarget | undefined;
  /** Told in a few words what happens: a server is fetched, something is started again. */
  readonly onProgress?: ((line: string) => void) | undefined;
  /** The lines of orchestrator, node and observer. */
  readonly onOutput?: ((process: string, stream: 'stdout' | 'stderr', line: string) => void) | undefined;
  /** Gives the start up; afterwards it stops the session. */
  readonly signal?: AbortSignal | undefined;
}

/** A part of a session; `pid` is absent while it is between two lives. */
export interface DevProcess {
  readonly name: string;
  readonly pid: number | undefined;
  readonly restarts: number;
}

const readyWithinMs = 20_000;
const drainsMs: Readonly<Record<Role, number>> = { orchestrator: 3_000, node: 8_000, observer: 3_000 };

/**
 * Starts the platform and returns when it is ready (D1), at most 20 s after its server is. Throws what `startServer` throws
 * (`port-taken`, `server-not-found` …), `server-unavailable`, what `createSpace` throws, `dev-not-ready`; nothing is left then.
 */
export async function startDev(options: DevOptions = {}): Promise<DevSession> {
  await using started = new AsyncDisposableStack();
  const over = new AbortController();
  const giveUp = (reason: string): void =>
    over.abort(commandError('dev-process-failed', `${reason}; it is not started again`));
  const server = options.url === undefined ? await ownServer(options, started, giveUp) : undefined;
  const url = options.url ?? server?.url ?? '';
  await using bus = await connectBus({ name: 'mabeam dev', url, ...optionalSignal(options) });
  const spaces = await prepareSpaces(bus, options.spaces ?? []);
  const members = startMembers({ options, url, spaces, giveUp });
  // Disposed in the opposite order: the orchestrator first.
  for (const role of ['observer', 'node', 'orchestrator'] as const) started.use(members[role].process);
  await becomeReady(bus, { spaces, members, over: over.signal, ...optionalSignal(options) });
  const session = new DevSession({ url, spaces, server, members, over: over.signal, parts: started.move() });
  options.signal?.addEventListener('abort', () => void session.stop(), { once: true });
  return session;
}

interface SessionParts {
  readonly url: string;
  readonly spaces: readonly string[];
  readonly server: KeptServer | undefined;
  readonly members: Readonly<Record<Role, Member>>;
  readonly over: AbortSignal;
  readonly parts: AsyncDisposableStack;
}

/** A running platform; disposing stops it. */
export class DevSession implements AsyncDisposable {
  /** Where clients connect. */
  readonly url: string;
  /** The spaces that are orchestrated. */
  readonly spaces: readonly string[];
  /** Aborts when a part has failed too often and was given up; its reason is a `dev-process-failed` error. */
  readonly over: AbortSignal;
  readonly #session: SessionParts;
  #stopping: Promise<void> | undefined;

  /** Use `startDev`. */
  constructor(session: SessionParts) {
    this.url = session.url;
    this.spaces = session.spaces;
    this.over = session.over;
    this.#session = session;
  }

  /** The parts as they are now; the server only when it is ours. */
  processes(): readonly DevProcess[] {
    const { server, members } = this.#session;
    const own =
      server === undefined ? [] : [{ name: 'nats-server', pid: server.pid, restarts: server.restarts }];
    const others = (['orchestrator', 'node', 'observer'] as const).map((name) => {
      const { pid, restartCount: restarts } = members[name].process;
      return { name, pid, restarts };
    });
    return [...own, ...others];
  }

  /** Stops everything (D3), within some 20 s; twice is nothing. */
  stop(): Promise<void> {
    this.#stopping ??= this.#session.parts.disposeAsync();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** A server of our own; its store, when it is a temporary one, goes after it. */
async function ownServer(
  options: DevOptions,
  started: AsyncDisposableStack,
  onGivenUp: (reason: string) => void,
): Promise<KeptServer> {
  const storeDir = options.storeDir ?? started.use(openTemporaryStore()).path;
  const { port = 'random', signal, onProgress = () => undefined } = options;
  return started.use(await keepServer({ port, storeDir, onProgress, onGivenUp, signal }));
}

/** Creates what is defined, and the streams of what is only named; returns the ids of all. */
async function prepareSpaces(
  bus: Bus,
  wanted: readonly (string | SpaceDefinition)[],
): Promise<readonly string[]> {
  await ensureStreams(bus, platformStreams());
  const present = wanted.length === 0 ? await listSpaces(bus) : [];
  const spaces = wanted.length > 0 ? wanted : present.length > 0 ? present : ['dev'];
  for (const space of spaces) {
    if (typeof space === 'string') await ensureStreams(bus, spaceStreams(space));
    else await createSpace(bus, space, { by: 'mabeam dev' });
  }
  return [...new Set(spaces.map((space) => (typeof space === 'string' ? space : space.space)))];
}

interface MembersSetup {
  readonly options: DevOptions;
  readonly url: string;
  readonly spaces: readonly string[];
  readonly giveUp: (reason: string) => void;
}

function startMembers({ options, url, spaces, giveUp }: MembersSetup): Readonly<Record<Role, Member>> {
  const { otlp, onOutput, onProgress = () => undefined } = options;
  const machine = nodeIdFrom(hostname());
  const nodeId =
    options.nodeId ?? (options.url === undefined ? machine : `${machine.slice(0, 50)}-${process.pid}`);
  const env = memberEnvironment(url, otlp);
  const start = (role: Role, args: readonly string[]): Member =>
    startMember(role, {
      args: ['--server', url, ...args],
      env,
      drainMs: drainsMs[role],
      onLine: (stream, line) => onOutput?.(role, stream, line),
      onProgress,
      onGivenUp: giveUp,
    });
  return {
    node: start('node', ['--id', nodeId]),
    orchestrator: start(
      'orchestrator',
      spaces.flatMap((space) => ['--space', space]),
    ),
    observer: start('observer', []),
  };
}

interface Readiness {
  readonly spaces: readonly string[];
  readonly members: Readonly<Record<Role, Member>>;
  readonly over: AbortSignal;
  readonly signal?: AbortSignal;
}

/** D1, within 20 s. */
async function becomeReady(bus: Bus, { spaces, members, over, signal }: Readiness): Promise<void> {
  const late = AbortSignal.timeout(readyWithinMs);
  const end = AbortSignal.any([late, over, ...(signal === undefined ? [] : [signal])]);
  const awaited = new Set(['the node', ...spaces.map((space) => `a leader of ${space}`)]);
  const aborted = new Promise<never>((_, reject) => {
    end.addEventListener('abort', () => reject(end.reason), { once: true });
  });
  const pid = (): number | undefined => members.orchestrator.process.pid;
  const leaders = spaces.map(async (space) => {
    await awaitLeader(bus, space, { pid, signal: end });
    awaited.delete(`a leader of ${space}`);
  });
  const node = Promise.race([members.node.ready, aborted]).then(() => awaited.delete('the node'));
  try {
    await Promise.all([node, ...leaders]);
  } catch (error) {
    throw late.aborted && !over.aborted ? notReady([...awaited], members) : error;
  }
}

function notReady(awaited: readonly string[], members: Readonly<Record<Role, Member>>): MabeamError {
  const role = awaited.includes('the node') ? 'node' : 'orchestrator';
  const said = members[role].lastLines().join('\n');
  const what = `not ready after ${readyWithinMs / 1_000} s, still waiting for ${awaited.join(', ')}`;
  const message = `${what}. The last words of the ${role}:\n${said === '' ? '(none)' : said}`;
  return commandError('dev-not-ready', message, { details: { awaited } });
}

function optionalSignal({ signal }: DevOptions): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
