/**
 * A gate between leaders and their server: it sees every change set they commit and every order they give a node, and can stop
 * one on the way, at the last moment before the server decides on it.
 */
import { bucketStream, platformSpace, spaceNames, subjects } from '@mabeam/bus';
import { frameHeaders, openLossyProxy, type LossyProxy, type MessageFrame } from '@mabeam/testing';

/** A change set on its way: what it writes under which key, and where each write expects what. */
export interface PassingBatch {
  readonly id: string;
  readonly writes: ReadonlyMap<string, string>;
  /** The key whose revision the last write speaks of; undefined: its own. */
  readonly expectKey: string | undefined;
}

/** Something stopped at the gate. */
export interface Caught<T> {
  readonly what: T;
  /** Lets it, and all that waits behind it, go on. */
  readonly release: () => void;
}

interface Trap<T> {
  readonly matches: (what: T) => boolean;
  readonly caught: PromiseWithResolvers<Caught<T>>;
}

export interface Gate extends AsyncDisposable {
  readonly url: string;
  /** Every change set of the space's bucket that was committed through the gate. */
  readonly batches: readonly PassingBatch[];
  /** Keys of the space's bucket that were written outside of change sets. */
  readonly loose: readonly string[];
  /** The bodies of answers that mention a stale leader. */
  readonly refusals: readonly string[];
  /** How often somebody has asked, since the last change set, who holds the lease of the leader. */
  leaseQuestions(): number;
  /** Stops the next change set that matches, just before its commit reaches the server. */
  catchBatch(matches: (writes: ReadonlyMap<string, string>) => boolean): Promise<Caught<PassingBatch>>;
  /** Stops the next order to a node that matches; it is given as its text. */
  catchOrder(matches: (body: string) => boolean): Promise<Caught<string>>;
}

/** Opens a gate before the server at `url`, for the leaders of one space. */
export async function openGate(url: string, space: string): Promise<Gate> {
  const prefix = `$KV.${spaceNames(space).bucket}.`;
  const orders = subjects(platformSpace).at('command.node.');
  const leaseQuestion = `$JS.API.STREAM.MSG.GET.${bucketStream(spaceNames(space).leases)}`;
  const watch = new Watch(prefix);
  const proxy: LossyProxy = await openLossyProxy(url, {
    seed: 0,
    hold: (frame) => {
      if (frame.verb.endsWith('MSG')) watch.hear(frame);
      else if (frame.subject.startsWith(prefix)) return watch.write(frame);
      else if (frame.subject.startsWith(orders)) return watch.order(frame);
      else if (frame.subject === leaseQuestion) watch.ask(frame);
      return undefined;
    },
  });
  return {
    url: proxy.url,
    batches: watch.batches,
    loose: watch.loose,
    refusals: watch.refusals,
    leaseQuestions: () => watch.leaseQuestions,
    catchBatch: (matches) => watch.batchTrap(({ writes }) => matches(writes)),
    catchOrder: (matches) => watch.orderTrap(matches),
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}

class Watch {
  readonly batches: PassingBatch[] = [];
  readonly loose: string[] = [];
  readonly refusals: string[] = [];
  leaseQuestions = 0;
  readonly #prefix: string;
  readonly #open = new Map<string, Map<string, string>>();
  readonly #batchTraps = new Set<Trap<PassingBatch>>();
  readonly #orderTraps = new Set<Trap<string>>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  batchTrap(matches: (batch: PassingBatch) => boolean): Promise<Caught<PassingBatch>> {
    return setTrap(this.#batchTraps, matches);
  }

  orderTrap(matches: (body: string) => boolean): Promise<Caught<string>> {
    return setTrap(this.#orderTraps, matches);
  }

  /** A write to the bucket; a promise when it is the commit of a change set that is to be stopped. */
  write(frame: MessageFrame): Promise<void> | undefined {
    const headers = frameHeaders(frame);
    const key = frame.subject.slice(this.#prefix.length);
    const id = headers.get('nats-batch-id');
    if (id === undefined) {
      this.loose.push(key);
      return undefined;
    }
    this.leaseQuestions = 0;
    const writes = this.#open.get(id) ?? new Map<string, string>();
    this.#open.set(id, writes.set(key, frame.payload.toString()));
    if (!headers.has('nats-batch-commit')) return undefined;
    this.#open.delete(id);
    const expectKey = headers.get('nats-expected-last-subject-sequence-subject')?.slice(this.#prefix.length);
    const batch = { id, writes, expectKey };
    this.batches.push(batch);
    return stopped(this.#batchTraps, batch);
  }

  ask({ payload }: MessageFrame): void {
    if (payload.includes('.leader"')) this.leaseQuestions++;
  }

  order({ payload }: MessageFrame): Promise<void> | undefined {
    return stopped(this.#orderTraps, payload.toString('latin1'));
  }

  hear({ payload }: MessageFrame): void {
    const body = payload.toString('latin1');
    if (body.includes('stale-leader')) this.refusals.push(body);
  }
}

function setTrap<T>(traps: Set<Trap<T>>, matches: (what: T) => boolean): Promise<Caught<T>> {
  const caught = Promise.withResolvers<Caught<T>>();
  traps.add({ matches, caught });
  return caught.promise;
}

/** Each trap catches one. */
function stopped<T>(traps: Set<Trap<T>>, what: T): Promise<void> | undefined {
  const trap = [...traps].find(({ matches }) => matches(what));
  if (trap === undefined) return undefined;
  traps.delete(trap);
  const gate = Promise.withResolvers<void>();
  trap.caught.resolve({ what, release: () => gate.resolve() });
  return gate.promise;
}
