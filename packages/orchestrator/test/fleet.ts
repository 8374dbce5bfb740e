/**
 * A fleet: nodes and orchestrators as processes of their own that can be killed, each behind a proxy that can cut it off. One that ends,
 * killed or because it was cut off for too long and fenced itself, is started again at once, as its host would do it.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { openFaultProxy, type FaultProxy } from '@mabeam/testing';

/** Who is in the fleet of a space: two nodes and two orchestrators. */
export const crewNames = ['node-1', 'node-2', 'lead-1', 'lead-2'] as const;

export type CrewName = (typeof crewNames)[number];

/** Whoever cannot live does not take the machine for itself. */
const restartAfterMs = 100;

/** A process of the fleet and the way to it. */
interface Post {
  readonly proxy: FaultProxy;
  child: ChildProcess;
}

/** Starts a fleet for a space on the server. */
export async function startFleet(url: string, space: string): Promise<Fleet> {
  const fleet = new Fleet(space);
  for (const name of crewNames) fleet.enlist(name, await openFaultProxy(url));
  return fleet;
}

/** Use `startFleet`. */
export class Fleet implements AsyncDisposable {
  readonly #space: string;
  readonly #posts = new Map<CrewName, Post>();
  readonly #starts = new EventEmitter();
  #isOver = false;

  constructor(space: string) {
    this.#space = space;
  }

  /** Starts one of them behind this proxy. */
  enlist(name: CrewName, proxy: FaultProxy): void {
    this.#posts.set(name, { proxy, child: this.#spawn(name, proxy) });
  }

  /** Kills a process (SIGKILL) and starts another in its place. */
  async kill(name: CrewName): Promise<void> {
    const started = once(this.#starts, name);
    await end(this.#post(name).child);
    await started;
  }

  /** The id that a node of the fleet goes by. */
  nodeId(name: CrewName): string {
    return `${this.#space}-${name}`;
  }

  /** From now on nothing gets through to a process or from it, and nobody is told. */
  isolate(name: CrewName): void {
    this.#post(name).proxy.freeze();
  }

  /** Resets the connections of a process; new ones are accepted. */
  cut(name: CrewName): void {
    this.#post(name).proxy.cut();
  }

  /** All are reachable again. */
  heal(): void {
    for (const { proxy } of this.#posts.values()) proxy.thaw();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await Promise.all([...this.#posts.values()].map(({ child }) => end(child)));
    for (const { proxy } of this.#posts.values()) await proxy[Symbol.asyncDispose]();
  }

  #post(name: CrewName): Post {
    const post = this.#posts.get(name);
    if (post === undefined) throw new TypeError(`${name} is not in the fleet`);
    return post;
  }

  #spawn(name: CrewName, proxy: FaultProxy): ChildProcess {
    const isNode = name.startsWith('node');
    const path = fileURLToPath(new URL(`fixtures/${isNode ? 'node' : 'orchestrator'}.ts`, import.meta.url));
    const env = { ...process.env, NATS_URL: proxy.url };
    const said = process.env['MABEAM_TEST_LOG'] === undefined ? 'ignore' : 'inherit';
    const child = fork(path, isNode ? [this.nodeId(name)] : [this.#space, name], {
      env,
      stdio: ['ignore', said, said, 'ipc'],
    });
    child.once('exit', () => setTimeout(() => this.#restart(name), restartAfterMs));
    return child;
  }

  #restart(name: CrewName): void {
    if (this.#isOver) return;
    const post = this.#post(name);
    post.child = this.#spawn(name, post.proxy);
    this.#starts.emit(name);
  }
}

/** Kills it and waits until it is gone. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
